package view

import "time"

// Timeline is how many messages there were when, as far as the viewer may read them.
type Timeline struct {
	Since    time.Time `json:"since" doc:"where the first bucket begins"`
	Step     float64   `json:"step" doc:"seconds of a bucket"`
	Messages []uint64  `json:"messages" doc:"in each bucket"`
	Total    uint64    `json:"total"`
	Estimate bool      `json:"estimate,omitempty" doc:"counted by parts of the log: within a part the rate is taken for even"`
}

// Rates are the timelines of channels.
type Rates struct {
	Since    time.Time     `json:"since"`
	Step     float64       `json:"step" doc:"seconds of a bucket"`
	Channels []ChannelRate `json:"channels" doc:"the most messages first"`
	Estimate bool          `json:"estimate,omitempty" doc:"as in a timeline"`
}

// ChannelRate is the timeline of one channel.
type ChannelRate struct {
	Channel
	Messages []uint64 `json:"messages" doc:"in each bucket"`
	Total    uint64   `json:"total"`
}
