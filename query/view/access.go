package view

import "time"

// Access lists who could read what was published on a channel, as of a point.
type Access struct {
	Version
	Channel   string       `json:"channel"`
	Readers   []AccessPath `json:"readers" doc:"by publisher and reader"`
	Truncated bool         `json:"truncated" doc:"there are more readers than are listed"`
}

// AccessPath is one reader of what one user publishes.
type AccessPath struct {
	Publisher   string     `json:"publisher" doc:"handle of a user with an enabled authkey that may publish on the channel"`
	Reader      string     `json:"reader" doc:"handle"`
	VisibleFrom string     `json:"visible_from" doc:"position from which on it may be read; #0: from the beginning"`
	Since       *time.Time `json:"visible_since,omitempty" doc:"time of the change at visible_from; absent: from the beginning"`
	Subscribes  *bool      `json:"subscribes,omitempty" doc:"the reader had an enabled authkey for it; told to the reader"`
	Path        []Hop      `json:"path" doc:"the shares it came by; none for the publisher"`
}
