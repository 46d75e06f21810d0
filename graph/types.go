package graph

import (
	"net/netip"
	"time"

	"hpfriends/graph/limit"
	"hpfriends/graph/scope"
)

// Identifiers are the log index of the change that created the object: unique, ordered, never reused. Everyone is the
// one that exists from the beginning.
type (
	UserID       uint64
	GroupID      uint64
	ShareID      uint64
	AuthkeyID    uint64
	TokenID      uint64
	InvitationID uint64
)

// Everyone is the built-in group that holds all users.
const Everyone GroupID = 1

// Role says what a user may see and do beyond their own objects.
type Role string

const (
	Member  Role = "member"  // their own objects
	Auditor Role = "auditor" // sees everything, changes nothing of others
	Admin   Role = "admin"   // sees and changes everything
)

// ShareType says whose events a share passes on.
type ShareType string

const (
	Own ShareType = "own" // what the sharer's own authkeys publish
	All ShareType = "all" // also what the sharer receives from others
)

// History says from which position on a share lets its receivers see messages.
type History string

const (
	FromShare History = "from-share" // from the share's creation, or the receiver's joining of the group
	Full      History = "full"       // from the beginning of the log
)

// User is an account.
type User struct {
	ID       UserID
	Handle   string
	Name     string // display name
	Password string // PHC string of the hash, empty: cannot log in with a password
	Role     Role
	Enabled  bool
	Created  Mark
	Limits   limit.Limits // that an admin has set for them
}

// Group is a named set of users. Its members are in the graph, not here.
type Group struct {
	ID      GroupID
	Name    string
	Created Mark
}

// Membership is that a user belongs to a group.
type Membership struct {
	Group  GroupID
	User   UserID
	Admin  bool
	Joined Mark
}

// JoinRequest is that a user asks to become a member of a group.
type JoinRequest struct {
	Group   GroupID
	User    UserID
	Note    string // to the group
	Created Mark
}

// Authkey is a single-purpose token of one user for one piece of software.
type Authkey struct {
	ID         AuthkeyID
	Owner      UserID
	Ident      string
	Secret     []byte // sealed; the graph never sees the clear secret
	Comment    string
	Pub, Sub   []Pattern
	Enabled    bool
	Expires    time.Time      // zero: never
	Networks   []netip.Prefix // empty: from anywhere
	MaxMessage int            // bytes of one frame it accepts; 0: DefaultMaxMessage
	Created    Mark
	Old        OldSecret
}

// OldSecret is the secret that an authkey had before, while it may still be used.
type OldSecret struct {
	Secret []byte // sealed; nil: none
	Until  time.Time
}

// DefaultMaxMessage is the largest frame that every known hpfeeds client accepts, in bytes, its header included:
// hpfeeds-rs ends at more.
const DefaultMaxMessage = 1 << 20

// Share is an edge: its owner shares a channel pattern with a user or a group. Exactly one of User and Group is set.
type Share struct {
	ID      ShareID
	Owner   UserID
	Channel Pattern
	User    UserID
	Group   GroupID
	Type    ShareType
	History History
	Note    string
	Expires time.Time // zero: never
	Expired bool      // set by Expire
	Created Mark
}

// Token authenticates a user: an API token to the API, a login session to the pages, and neither to the other. Only the
// hash of its secret is known.
type Token struct {
	ID      TokenID
	Owner   UserID
	Hash    []byte // SHA-256
	Comment string
	Expires time.Time // zero: never
	Created Mark
	Grant   scope.Grant // of an API token

	Session bool   // it is a login session
	From    string // of a session: the address that logged in
	Agent   string // of a session: the user agent
}

// Invitation lets who has its secret become a user, or a user become a member of a group.
type Invitation struct {
	ID      InvitationID
	By      UserID // 0: the operator
	Hash    []byte // SHA-256 of the secret
	Role    Role   // of who becomes a user; empty: it is for those who are users
	Group   GroupID
	Note    string
	Uses    int // how many more may accept it
	Expires time.Time
	Created Mark
}

// Mark is the position and time of a change.
type Mark struct {
	Index uint64    `json:"index"` // log index
	Time  time.Time `json:"time"`
}
