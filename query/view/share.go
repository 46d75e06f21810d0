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
	// Enabled is the viewer's own decision on a share with them.
	Enabled *bool `json:"enabled,omitempty" doc:"your decision, if you are a receiver"`
	// EnabledBy is who has enabled it, as far as the viewer may see that.
	EnabledBy []string `json:"enabled_by,omitempty" doc:"handles"`
}
