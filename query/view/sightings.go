package view

import "time"

// Sightings say where an indicator was seen among the newest messages that a viewer may see.
type Sightings struct {
	Indicator string     `json:"indicator"`
	Messages  uint64     `json:"messages" doc:"that hold it"`
	Channels  int        `json:"channels" doc:"of those messages"`
	First     *time.Time `json:"first,omitempty" doc:"of those messages, the oldest"`
	Last      *time.Time `json:"last,omitempty" doc:"... and the newest"`
	Position  string     `json:"position,omitempty" doc:"of the newest"`
	Looked    uint64     `json:"looked" doc:"messages that were looked at, the newest"`
	All       bool       `json:"all" doc:"those are all that you may see"`
}
