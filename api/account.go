package api

import "hpfriends/query/view"

// Account is all that the server keeps about one user, without secrets. What they have published is theirs to read by
// messages, and what they have changed by the audit.
type Account struct {
	User       view.User      `json:"user"`
	Authkeys   []view.Authkey `json:"authkeys"`
	Cursors    []view.Cursor  `json:"cursors" doc:"of durable subscriptions of the authkeys"`
	Shares     []view.Share   `json:"shares" doc:"with others"`
	SharedWith []view.Share   `json:"shared_with" doc:"by others, with the user or groups of theirs"`
	Groups     []view.Group   `json:"groups" doc:"of which the user is a member, or asks to become one"`
	Tokens     []view.Token   `json:"tokens"`
	Sessions   []view.Session `json:"sessions"`
	Logs       []view.LogRow  `json:"logs" doc:"what was refused to the authkeys, newest first"`
}

// ShowAccount is for users about themselves.
var ShowAccount = Op[None, Account]{"GET /account", "All that is kept about you, without secrets"}
