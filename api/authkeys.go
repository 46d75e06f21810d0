package api

import (
	"net/netip"
	"time"

	"hpfriends/graph"
	"hpfriends/query/view"
)

// IdentPath names an authkey.
type IdentPath struct {
	Ident string `path:"ident" limit:"authkey" doc:"percent-encoded"`
}

// AuthkeysQuery selects authkeys.
type AuthkeysQuery struct {
	Page
	Owner string `query:"owner" doc:"handle; empty: all that you may see"`
	Text  string `query:"q" doc:"words that all occur in ident, comment, owner or patterns, in any case"`
	State string `query:"state" enum:"enabled,disabled,expired,unused"`
}

// NewAuthkey is an authkey to add.
type NewAuthkey struct {
	Ident      string          `json:"ident,omitempty" format:"ident" doc:"empty: one is made"`
	Secret     Secret          `json:"secret,omitzero" maxLength:"255" doc:"empty: one is made"`
	Weak       bool            `json:"weak,omitempty" doc:"take one that is guessed first"`
	Owner      string          `json:"owner,omitempty" doc:"handle; empty: yourself"`
	Comment    string          `json:"comment,omitempty" format:"text" maxLength:"1024"`
	Pub        []graph.Pattern `json:"pub,omitempty" format:"channels" doc:"channels, or prefixes followed by *"`
	Sub        []graph.Pattern `json:"sub,omitempty" format:"channels"`
	Expires    *time.Time      `json:"expires,omitempty"`
	Networks   []netip.Prefix  `json:"networks,omitempty" doc:"CIDR; empty: from anywhere"`
	MaxMessage int             `json:"max_message,omitempty" doc:"bytes; 0: 1 MiB"`
}

// AuthkeyEdit changes an authkey. What is nil stays as it is.
type AuthkeyEdit struct {
	IdentPath
	Body AuthkeyChanges
}

// AuthkeyChanges are the new values.
type AuthkeyChanges struct {
	Comment    *string          `json:"comment,omitempty" format:"text" maxLength:"1024"`
	Pub        *[]graph.Pattern `json:"pub,omitempty" format:"channels" doc:"instead of the present ones"`
	Sub        *[]graph.Pattern `json:"sub,omitempty" format:"channels"`
	AddPub     []graph.Pattern  `json:"add_pub,omitempty" format:"channels" doc:"beside the present ones"`
	AddSub     []graph.Pattern  `json:"add_sub,omitempty" format:"channels"`
	RemovePub  []graph.Pattern  `json:"remove_pub,omitempty" format:"channels"`
	RemoveSub  []graph.Pattern  `json:"remove_sub,omitempty" format:"channels"`
	Enabled    *bool            `json:"enabled,omitempty"`
	Expires    *time.Time       `json:"expires,omitempty" doc:"the zero time: never"`
	Networks   *[]netip.Prefix  `json:"networks,omitempty"`
	MaxMessage *int             `json:"max_message,omitempty"`
}

// AuthkeyRotate gives an authkey a new secret.
type AuthkeyRotate struct {
	IdentPath
	Body SecretChange
}

// SecretChange is the new secret.
type SecretChange struct {
	Secret  Secret `json:"secret,omitzero" maxLength:"255" doc:"empty: one is made"`
	Weak    bool   `json:"weak,omitempty" doc:"take one that is guessed first"`
	Overlap string `json:"overlap,omitempty" format:"window-or-none" doc:"how long the old one is good, too (24h); empty: not at all"`
}

// SecretCheck asks whether an authkey has a secret, without having it told.
type SecretCheck struct {
	IdentPath
	Body SecretGuess
}

// SecretGuess is what the secret may be.
type SecretGuess struct {
	Secret Secret `json:"secret" maxLength:"255"`
}

// SecretChecked says whether it is.
type SecretChecked struct {
	Same bool `json:"same"`
}

// Credential is what a sensor logs in with. It is answered when it is made, and to its owner on request.
type Credential struct {
	ID     uint64 `json:"id"`
	Ident  string `json:"ident"`
	Secret string `json:"secret"`
}

// The operations on authkeys.
var (
	ListAuthkeys  = Listing[AuthkeysQuery, view.Authkey]{"GET /authkeys", "List authkeys with their statistics"}
	ShowAuthkey   = Op[IdentPath, view.Authkey]{"GET /authkeys/{ident}", "Show an authkey"}
	AddAuthkey    = Op[With[NewAuthkey], Credential]{"POST /authkeys", "Add an authkey; the answer shows the secret"}
	EditAuthkey   = Op[AuthkeyEdit, None]{"PATCH /authkeys/{ident}", "Change an authkey"}
	RotateAuthkey = Op[AuthkeyRotate, Credential]{
		"POST /authkeys/{ident}/rotate", "Give an authkey a new secret; the answer shows it",
	}
	RevealAuthkey = Op[IdentPath, Credential]{
		"POST /authkeys/{ident}/reveal", "Reveal the secret to its owner; the audit says so",
	}
	CheckSecret = Op[SecretCheck, SecretChecked]{
		"POST /authkeys/{ident}/check", "Say whether a secret is that of an authkey",
	}
	RemoveAuthkey = Op[IdentPath, None]{"DELETE /authkeys/{ident}", "Remove an authkey; its connections end"}
)
