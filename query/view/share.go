package view

import (
	"time"

	"hpfriends/graph"
)

// Share is a share, as its owner or a receiver sees it.
type Share struct {
	ID      graph.ShareID   `json:"id"`
	From    string          `json:"from" doc:"handle of the owner"`
	Channel graph.Pattern   `json:"channel"`
	To      string          `json:"to" doc:"handle, or group:NAME"`
	Type    graph.ShareType `json:"type"`
	History graph.History   `json:"history"`
	Note    string          `json:"note,omitempty"`
	Expires *time.Time      `json:"expires,omitempty"`
	Expired bool            `json:"expired,omitempty"`
	Created time.Time       `json:"created"`
	// Enabled and Decision are the viewer's own, on a share with them.
	Enabled  *bool    `json:"enabled,omitempty" doc:"whether you receive it, if it is with you"`
	Decision Decision `json:"decision,omitempty" enum:"waiting,enabled,disabled" doc:"yours, if it is with you"`
	Deciders
	Delivered *DayCount `json:"delivered,omitempty" doc:"messages of the last 24 hours, if asked for and somebody takes it"`
}

// Deciders are who has decided on a share, as far as the viewer may see that.
type Deciders struct {
	EnabledBy  []string `json:"enabled_by,omitempty" doc:"handles, at most 100"`
	DisabledBy []string `json:"disabled_by,omitempty" doc:"handles of those who have decided not to receive it, at most 100"`
	More       bool     `json:"more_decisions,omitempty" doc:"others have decided, too"`
}

// Decision is what a receiver has decided on a share.
type Decision string

// The decisions.
const (
	Waiting  Decision = "waiting" // none yet
	Enabled  Decision = "enabled"
	Disabled Decision = "disabled"
)
