package graph

import (
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"time"

	"hpfriends/graph/limit"
	"hpfriends/graph/scope"
)

// operations declares every kind of change: its name in the log and in the audit, for ever; whether it may take away a
// right that somebody had; and which object it is about. Who may ask for it and what it does are the methods of its
// type, beside the objects that it changes.
var operations = []operation{
	declare("user.add", never, func(AddUser, Actor) Ref { return added(KindUser) }),
	declare("user.edit", always, func(op EditUser, _ Actor) Ref { return about(KindUser, op.User) }),
	declare("user.limits", never, func(op SetLimits, _ Actor) Ref { return about(KindUser, op.User) }),
	declare("user.remove", always, func(op RemoveUser, _ Actor) Ref { return about(KindUser, op.User) }),

	declare("group.add", never, func(AddGroup, Actor) Ref { return added(KindGroup) }),
	declare("group.remove", always, func(op RemoveGroup, _ Actor) Ref { return about(KindGroup, op.Group) }),
	declare("member.add", never, func(op AddMember, _ Actor) Ref { return aboutMember(op.Group, op.User) }),
	declare("member.remove", always, func(op RemoveMember, _ Actor) Ref { return aboutMember(op.Group, op.User) }),
	declare("member.admin", never, func(op SetGroupAdmin, _ Actor) Ref { return aboutMember(op.Group, op.User) }),

	declare("request.add", never, func(op AskToJoin, by Actor) Ref { return aboutRequest(op.Group, by.User) }),
	declare("request.remove", never, func(op RemoveRequest, _ Actor) Ref { return aboutRequest(op.Group, op.User) }),

	declare("authkey.add", never, func(AddAuthkey, Actor) Ref { return added(KindAuthkey) }),
	declare("authkey.edit", always, func(op EditAuthkey, _ Actor) Ref { return about(KindAuthkey, op.Authkey) }),
	declare("authkey.reveal", never, func(op RevealAuthkey, _ Actor) Ref { return about(KindAuthkey, op.Authkey) }),
	declare("authkey.remove", always, func(op RemoveAuthkey, _ Actor) Ref { return about(KindAuthkey, op.Authkey) }),

	declare("share.add", never, func(AddShare, Actor) Ref { return added(KindShare) }),
	declare("share.edit", never, func(op EditShare, _ Actor) Ref { return about(KindShare, op.Share) }),
	declare("share.remove", always, func(op RemoveShare, _ Actor) Ref { return about(KindShare, op.Share) }),
	declare("share.decide", func(op DecideShare) bool { return !op.Accept }, func(op DecideShare, by Actor) Ref {
		return Ref{KindAcceptance, uint64(op.Share), by.User}
	}),

	declare("token.add", never, func(AddToken, Actor) Ref { return added(KindToken) }),
	declare("token.remove", always, func(op RemoveToken, _ Actor) Ref { return about(KindToken, op.Token) }),

	declare("session.add", never, func(AddSession, Actor) Ref { return added(KindSession) }),
	declare("session.remove", never, func(op RemoveSession, _ Actor) Ref { return about(KindSession, op.Session) }),
	declare("session.clear", never, func(op ClearSessions, _ Actor) Ref { return about(KindUser, op.User) }),

	declare("retention.hold", never, func(HoldRetention, Actor) Ref { return Ref{} }),
	declare("retention.resume", never, func(ResumeRetention, Actor) Ref { return Ref{} }),
	declare("retention.accept", never, func(AcceptRetention, Actor) Ref { return Ref{} }),

	declare("invitation.add", never, func(AddInvitation, Actor) Ref { return added(KindInvitation) }),
	declare("invitation.remove", never, func(op RemoveInvitation, _ Actor) Ref {
		return about(KindInvitation, op.Invitation)
	}),
	declare("invitation.accept", never, func(_ AcceptInvitation, by Actor) Ref { return about(KindUser, by.User) }),

	declare("expire", always, func(Expire, Actor) Ref { return Ref{} }), // about many
}

// operation is a row of the table.
type operation struct {
	name    string
	args    reflect.Type // a struct that implements Op
	secrets []string     // its fields that nobody is shown, by their JSON names
	decode  func(args []byte) (Op, error)
	revokes func(Op) bool
	about   func(op Op, by Actor) Ref
}

// declare makes a row. T is the type of the operation, which holds its arguments.
func declare[T Op](name string, revokes func(T) bool, about func(T, Actor) Ref) operation {
	o := operation{
		name: name, args: reflect.TypeFor[T](),
		revokes: func(op Op) bool { return revokes(op.(T)) },
		about:   func(op Op, by Actor) Ref { return about(op.(T), by) },
		decode: func(args []byte) (Op, error) {
			var op T
			if err := decodeStrict(args, &op); err != nil {
				return nil, fmt.Errorf("graph: arguments of %s: %w", name, err)
			}
			return op, nil
		},
	}
	for _, f := range reflect.VisibleFields(o.args) {
		if f.Tag.Get("secret") == "true" {
			o.secrets = append(o.secrets, strings.Split(f.Tag.Get("json"), ",")[0])
		}
	}
	return o
}

func never[T Op](T) bool { return false }

func always[T Op](T) bool { return true }

// added is the object that the change itself adds.
func added(kind Kind) Ref { return Ref{Kind: kind} }

func about[ID ~uint64](kind Kind, id ID) Ref { return Ref{Kind: kind, ID: uint64(id)} }

func aboutMember(group GroupID, user UserID) Ref { return Ref{KindMembership, uint64(group), user} }

func aboutRequest(group GroupID, user UserID) Ref { return Ref{KindRequest, uint64(group), user} }

var operationsByType, operationsByName = indexOperations()

func indexOperations() (map[reflect.Type]*operation, map[string]*operation) {
	byType, byName := make(map[reflect.Type]*operation), make(map[string]*operation)
	for i := range operations {
		o := &operations[i]
		byType[o.args], byName[o.name] = o, o
	}
	return byType, byName
}

// operationOf finds the row of an operation; nil for what is none.
func operationOf(op Op) *operation { return operationsByType[reflect.TypeOf(op)] }

// Revokes reports whether op may take away a right that somebody had.
func Revokes(op Op) bool { return operationOf(op).revokes(op) }

// The operations. A pointer field that is nil is left as it is. The JSON names are those of the log and of the audit;
// what is tagged as secret is shown to nobody.
type (
	AddUser struct {
		Handle   string `json:"handle"`
		Name     string `json:"name,omitempty"`
		Password string `json:"password,omitempty" secret:"true"`
		Role     Role   `json:"role,omitempty"`  // empty: Member
		First    bool   `json:"first,omitempty"` // an admin, if there is none
	}
	// EditUser that disables ends the user's login sessions. Another password ends those and the API tokens, but the one
	// that asks. With KeepAdmin only the operator ends the last enabled admin; commands of earlier versions lack it.
	EditUser struct {
		User      UserID  `json:"user"`
		Name      *string `json:"name,omitempty"`
		Password  *string `json:"password,omitempty" secret:"true"`
		Role      *Role   `json:"role,omitempty"`    // admins only
		Enabled   *bool   `json:"enabled,omitempty"` // admins only
		KeepAdmin bool    `json:"keep_admin,omitempty"`
	}
	// SetLimits sets what a user may have and change. Admins only.
	SetLimits struct {
		User UserID `json:"user"`
		limit.Set
	}
	// RemoveUser removes a user with all their authkeys, shares, memberships and tokens, and the groups of which they are
	// the only member. Users may remove themselves. KeepAdmin is as in EditUser.
	RemoveUser struct {
		User      UserID `json:"user"`
		KeepAdmin bool   `json:"keep_admin,omitempty"`
	}

	AddGroup struct { // the actor becomes its first admin
		Name string `json:"name"`
	}
	RemoveGroup struct {
		Group GroupID `json:"group"`
	}
	// AddMember answers the user's request to join, if there is one. With Asked it adds nobody who does not ask, or no
	// longer.
	AddMember struct {
		Group GroupID `json:"group"`
		User  UserID  `json:"user"`
		Asked bool    `json:"asked,omitempty"`
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

	// AskToJoin asks the admins of a group to make the actor a member.
	AskToJoin struct {
		Group GroupID `json:"group"`
		Note  string  `json:"note,omitempty"`
	}
	RemoveRequest struct {
		Group GroupID `json:"group"`
		User  UserID  `json:"user"`
	}

	AddAuthkey struct {
		Owner      UserID         `json:"owner,omitempty"` // 0: the actor
		Ident      string         `json:"ident"`
		Secret     []byte         `json:"secret" secret:"true"`
		Comment    string         `json:"comment,omitempty"`
		Pub        []Pattern      `json:"pub,omitempty"`
		Sub        []Pattern      `json:"sub,omitempty"`
		Expires    time.Time      `json:"expires,omitzero"`
		Networks   []netip.Prefix `json:"networks,omitempty"`
		MaxMessage int            `json:"max_message,omitempty"`
	}
	EditAuthkey struct {
		Authkey    AuthkeyID       `json:"authkey"`
		Secret     []byte          `json:"secret,omitempty" secret:"true"` // empty: unchanged
		OldUntil   time.Time       `json:"old_until,omitzero"`             // with a new secret: until when the old one is good
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
	// RevealAuthkey changes nothing: it is the entry of the audit before the secret is told to the actor, who owns the
	// authkey or is an admin.
	RevealAuthkey struct {
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
	// EditShare changes what a share says and when it ends. What it shares with whom stays: that is another share.
	EditShare struct {
		Share   ShareID    `json:"share"`
		Note    *string    `json:"note,omitempty"`
		Expires *time.Time `json:"expires,omitempty"` // zero: never
	}
	RemoveShare struct {
		Share ShareID `json:"share"`
	}
	// DecideShare enables or disables a share for the actor, who must be one of its receivers.
	DecideShare struct {
		Share  ShareID `json:"share"`
		Accept bool    `json:"accept"`
	}

	// AddToken adds an API token. One that only admins may add has no end.
	AddToken struct {
		Owner   UserID      `json:"owner,omitempty"` // 0: the actor
		Hash    []byte      `json:"hash" secret:"true"`
		Comment string      `json:"comment,omitempty"`
		Expires time.Time   `json:"expires,omitzero"`
		Grant   scope.Grant `json:"grant"`
	}
	RemoveToken struct {
		Token TokenID `json:"token"`
	}

	// AddSession logs the actor in.
	AddSession struct {
		Hash    []byte    `json:"hash" secret:"true"`
		Agent   string    `json:"agent,omitempty"`
		Expires time.Time `json:"expires"`
	}
	RemoveSession struct {
		Session TokenID `json:"session"`
	}
	// ClearSessions ends all login sessions of a user but the one that asks.
	ClearSessions struct {
		User UserID `json:"user"`
	}

	// HoldRetention keeps what would be removed for its age, until ResumeRetention.
	HoldRetention   struct{}
	ResumeRetention struct{}
	// AcceptRetention vouches for the clock, which says the same now on the node that was asked, and for what retention by
	// age is about to remove.
	AcceptRetention struct {
		Clock time.Time `json:"clock"`
	}

	// AddInvitation invites somebody new, as an admin, or users into a group, as an admin of it, or both.
	AddInvitation struct {
		Hash    []byte    `json:"hash" secret:"true"`
		Role    Role      `json:"role,omitempty"`
		Group   GroupID   `json:"group,omitempty"`
		Note    string    `json:"note,omitempty"`
		Uses    int       `json:"uses"`
		Expires time.Time `json:"expires"`
	}
	RemoveInvitation struct {
		Invitation InvitationID `json:"invitation"`
	}
	// AcceptInvitation by the system makes a user of the invitation's role. Otherwise it is the actor who joins its group.
	AcceptInvitation struct {
		Hash     []byte `json:"hash" secret:"true"`
		Handle   string `json:"handle,omitempty"`
		Name     string `json:"name,omitempty"`
		Password string `json:"password,omitempty" secret:"true"`
	}

	// Expire ends everything whose time has come by the command's time: shares are marked expired, authkeys disabled,
	// tokens, sessions and invitations removed. Only the system proposes it.
	Expire struct{}
)
