package api

import (
	"time"

	"hpfriends/graph"
	"hpfriends/query/view"
)

// SharePath names a share.
type SharePath struct {
	ID uint64 `path:"id"`
}

// SharesQuery selects shares.
type SharesQuery struct {
	Page
	User string `query:"user" doc:"handle; empty: yourself, or all shares for the operator"`
	In   bool   `query:"in" doc:"shares with the user, instead of those they made"`

	Delivered bool `query:"delivered" doc:"with what each has passed on in the last 24 hours"`

	Text     string `query:"q" doc:"words that all occur in channel, note, owner or receiver, in any case"`
	Type     string `query:"type" enum:"own,all"`
	Owner    string `query:"from" doc:"handle of who shares"`
	Receiver string `query:"to" doc:"handle, or group:NAME"`
	State    string `query:"state" enum:"waiting,enabled,disabled" doc:"your decision; of those you made: any receiver's"`
}

// NewShare is a share to add.
type NewShare struct {
	Channel graph.Pattern   `json:"channel" limit:"channel" format:"channels" doc:"a channel, or a prefix followed by *"`
	To      string          `json:"to" format:"receiver" doc:"handle, or group:NAME"`
	Type    graph.ShareType `json:"type,omitempty" enum:"own,all" doc:"own: your own events; all: also what you receive"`
	History graph.History   `json:"history,omitempty" enum:"from-share,full"`
	Note    string          `json:"note,omitempty" format:"text" maxLength:"1024"`
	Expires *time.Time      `json:"expires,omitempty"`
}

// ShareEdit changes a share. What is nil stays as it is.
type ShareEdit struct {
	SharePath
	Body ShareChanges
}

// ShareChanges are the new values.
type ShareChanges struct {
	Note    *string    `json:"note,omitempty" format:"text" maxLength:"1024"`
	Expires *time.Time `json:"expires,omitempty" doc:"the zero time: never"`
}

// SharePreviewQuery describes a share that is not added yet.
type SharePreviewQuery struct {
	Channel string `query:"channel" limit:"channel" required:"true" format:"channels" doc:"a channel, or a prefix followed by *"`
	To      string `query:"to" required:"true" format:"receiver" doc:"handle, or group:NAME"`
	Type    string `query:"type" enum:"own,all" default:"own" doc:"own: your own events; all: also what you receive"`
}

// The operations on shares.
var (
	ListShares   = Listing[SharesQuery, view.Share]{"GET /shares", "List shares"}
	ShowShare    = Op[SharePath, view.Share]{"GET /shares/{id}", "Show a share"}
	AddShare     = Op[With[NewShare], Created]{"POST /shares", "Share a channel with a user or a group"}
	PreviewShare = Op[SharePreviewQuery, view.SharePreview]{
		"GET /shares/preview", "Whom a share would reach, and what it would pass on",
	}
	AcceptShare  = Op[SharePath, None]{"POST /shares/{id}/accept", "Enable a share with you"}
	DisableShare = Op[SharePath, None]{"POST /shares/{id}/disable", "Disable a share with you"}
	EditShare    = Op[ShareEdit, None]{"PATCH /shares/{id}", "Change the note of a share, and when it ends"}
	RemoveShare  = Op[SharePath, None]{"DELETE /shares/{id}", "Remove a share"}
)
