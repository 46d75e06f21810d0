package definitions

import (
	"net/netip"
	"time"

	"hpfriends/graph"
	"hpfriends/internal/secret"
)

// Document is what there should be. In a file, lists stand in the order of their names.
type Document struct {
	Users    []User    `json:"users,omitempty" yaml:"users,omitempty"`
	Groups   []Group   `json:"groups,omitempty" yaml:"groups,omitempty"`
	Authkeys []Authkey `json:"authkeys,omitempty" yaml:"authkeys,omitempty"`
	Shares   []Share   `json:"shares,omitempty" yaml:"shares,omitempty"`
}

// User is an account. Passwords are in no document.
type User struct {
	Handle   string     `json:"handle" yaml:"handle"`
	Name     string     `json:"name,omitempty" yaml:"name,omitempty"`
	Role     graph.Role `json:"role,omitempty" yaml:"role,omitempty"` // empty: member
	Disabled bool       `json:"disabled,omitempty" yaml:"disabled,omitempty"`
}

// Group is a named set of users, by their handles. Its admins are members, too.
type Group struct {
	Name    string   `json:"name" yaml:"name"`
	Admins  []string `json:"admins" yaml:"admins"`
	Members []string `json:"members,omitempty" yaml:"members,omitempty"`
}

// Authkey is what one piece of software logs in with.
type Authkey struct {
	Ident      string          `json:"ident" yaml:"ident"`
	Owner      string          `json:"owner" yaml:"owner"`
	Secret     secret.Secret   `json:"-" yaml:"-"` // empty: unknown. A file has all of them in one place, sealed
	Comment    string          `json:"comment,omitempty" yaml:"comment,omitempty"`
	Pub        []graph.Pattern `json:"pub,omitempty" yaml:"pub,omitempty"`
	Sub        []graph.Pattern `json:"sub,omitempty" yaml:"sub,omitempty"`
	Disabled   bool            `json:"disabled,omitempty" yaml:"disabled,omitempty"`
	Expires    *time.Time      `json:"expires,omitempty" yaml:"expires,omitempty"`
	Networks   []netip.Prefix  `json:"networks,omitempty" yaml:"networks,omitempty"`
	MaxMessage int             `json:"max_message,omitempty" yaml:"max_message,omitempty"` // bytes; 0: the default
}

// Share is an edge, with those who have decided on it, by their handles.
type Share struct {
	From       string          `json:"from" yaml:"from"`
	Channel    graph.Pattern   `json:"channel" yaml:"channel"`
	To         string          `json:"to" yaml:"to"`                               // handle, or group:NAME
	Type       graph.ShareType `json:"type,omitempty" yaml:"type,omitempty"`       // empty: own
	History    graph.History   `json:"history,omitempty" yaml:"history,omitempty"` // empty: from-share
	Note       string          `json:"note,omitempty" yaml:"note,omitempty"`
	Expires    *time.Time      `json:"expires,omitempty" yaml:"expires,omitempty"`
	EnabledBy  []string        `json:"enabled_by,omitempty" yaml:"enabled_by,omitempty"`
	DisabledBy []string        `json:"disabled_by,omitempty" yaml:"disabled_by,omitempty"`
}
