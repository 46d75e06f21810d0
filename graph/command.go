package graph

import (
	"net/netip"
	"time"
)

// Command asks for one change. The proposer stamps it; Graph.Apply decides it.
//
// Its JSON is {"by": {...}, "time": ..., "op": name, "args": {...}}.
type Command struct {
	By   Actor     // whose rights it is decided by
	Time time.Time // UTC, stamped by the proposer
	Op   Op
}

// Actor is who asks, and from where.
type Actor struct {
	User     UserID `json:"user,omitempty"`     // whose rights are used; 0 only for Operator
	Operator bool   `json:"operator,omitempty"` // the owner of the data directory, or the system itself: may do everything
	From     string `json:"from,omitempty"`     // IP address, or "socket", or "system"
}

// Op is one kind of change. The implementations are the structs below, by value.
type Op interface {
	// OpName is the stable name in the log and in the audit: "share.add".
	OpName() string

	// apply decides the change and makes it on the draft, or returns an *Error. It returns the object added or changed.
	apply(d *draft) (object uint64, err error)
}

// The changes. A pointer field that is nil is left as it is. The JSON names are those of the log and of the audit.
type (
	AddUser struct {
		Handle   string `json:"handle"`
		Name     string `json:"name,omitempty"`
		Password string `json:"password,omitempty"`
		Role     Role   `json:"role,omitempty"` // empty: Member
	}
	EditUser struct {
		User     UserID  `json:"user"`
		Name     *string `json:"name,omitempty"`
		Password *string `json:"password,omitempty"`
		Role     *Role   `json:"role,omitempty"`    // admins only
		Enabled  *bool   `json:"enabled,omitempty"` // admins only
	}
	// RemoveUser removes a user with all their authkeys, shares, memberships and tokens, and the groups of which they are
	// the only member. Users may remove themselves.
	RemoveUser struct {
		User UserID `json:"user"`
	}

	AddGroup struct { // the actor becomes its first admin
		Name string `json:"name"`
	}
	RemoveGroup struct {
		Group GroupID `json:"group"`
	}
	AddMember struct {
		Group GroupID `json:"group"`
		User  UserID  `json:"user"`
	}
	RemoveMember struct { // leaving is removing oneself
		Group GroupID `json:"group"`
		User  UserID  `json:"user"`
	}
	SetGroupAdmin struct {
		Group GroupID `json:"group"`
		User  UserID  `json:"user"`
		Admin bool    `json:"admin"`
	}

	AddAuthkey struct {
		Owner      UserID         `json:"owner,omitempty"` // 0: the actor
		Ident      string         `json:"ident"`
		Secret     []byte         `json:"secret"`
		Comment    string         `json:"comment,omitempty"`
		Pub        []Pattern      `json:"pub,omitempty"`
		Sub        []Pattern      `json:"sub,omitempty"`
		Expires    time.Time      `json:"expires,omitzero"`
		Networks   []netip.Prefix `json:"networks,omitempty"`
		MaxMessage int            `json:"max_message,omitempty"`
	}
	EditAuthkey struct {
		Authkey    AuthkeyID       `json:"authkey"`
		Secret     []byte          `json:"secret,omitempty"` // empty: unchanged
		Comment    *string         `json:"comment,omitempty"`
		Pub        *[]Pattern      `json:"pub,omitempty"`
		Sub        *[]Pattern      `json:"sub,omitempty"`
		Enabled    *bool           `json:"enabled,omitempty"`
		Expires    *time.Time      `json:"expires,omitempty"` // zero: never
		Networks   *[]netip.Prefix `json:"networks,omitempty"`
		MaxMessage *int            `json:"max_message,omitempty"`
	}
	RemoveAuthkey struct {
		Authkey AuthkeyID `json:"authkey"`
	}

	AddShare struct {
		Channel Pattern   `json:"channel"`
		User    UserID    `json:"user,omitempty"`    // exactly one of User
		Group   GroupID   `json:"group,omitempty"`   // and Group
		Type    ShareType `json:"type,omitempty"`    // empty: Own
		History History   `json:"history,omitempty"` // empty: FromShare
		Note    string    `json:"note,omitempty"`
		Expires time.Time `json:"expires,omitzero"`
	}
	RemoveShare struct {
		Share ShareID `json:"share"`
	}
	// DecideShare enables or disables a share for the actor, who must be one of its receivers.
	DecideShare struct {
		Share  ShareID `json:"share"`
		Accept bool    `json:"accept"`
	}

	AddToken struct {
		Owner   UserID    `json:"owner,omitempty"` // 0: the actor
		Hash    []byte    `json:"hash"`
		Comment string    `json:"comment,omitempty"`
		Expires time.Time `json:"expires,omitzero"`
	}
	RemoveToken struct {
		Token TokenID `json:"token"`
	}

	// Expire ends every share, authkey and token whose time has come by the command's time: shares are marked expired,
	// authkeys disabled, tokens removed. Only the system proposes it.
	Expire struct{}
)

// Outcome is what a successful change did.
type Outcome struct {
	Index  uint64 // log index of the change
	Object uint64 // ID of the object added or changed
}
