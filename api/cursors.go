package api

import "hpfriends/query/view"

// CursorPath names a durable subscription.
type CursorPath struct {
	Ident string `path:"ident" limit:"authkey" doc:"of the authkey, percent-encoded"`
	Name  string `path:"name" format:"cursor"`
}

// CursorsQuery selects durable subscriptions.
type CursorsQuery struct {
	Page
	Authkey string `query:"authkey" limit:"authkey" doc:"ident; empty: of all authkeys that you may see"`
}

// CursorReset moves a durable subscription.
type CursorReset struct {
	CursorPath
	Body CursorTarget
}

// CursorTarget is where the next connection begins.
type CursorTarget struct {
	To string `json:"to" format:"position" doc:"first, now, a position (#812.4), or a time, also as how long ago (2h)"`
}

// The operations on durable subscriptions.
var (
	ListCursors = Listing[CursorsQuery, view.Cursor]{
		"GET /cursors", "List durable subscriptions and how far they got, those last claimed or reset last",
	}
	ResetCursor = Op[CursorReset, None]{
		"POST /cursors/{ident}/{name}/reset", "Move a durable subscription; a connection that reads by it ends",
	}
	RemoveCursor = Op[CursorPath, None]{
		"DELETE /cursors/{ident}/{name}", "Remove a durable subscription; a connection that reads by it ends",
	}
)
