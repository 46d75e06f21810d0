package view

import "time"

// Retention is how long messages are kept, by the node that was asked.
type Retention struct {
	AgeSeconds int64     `json:"age_seconds" doc:"0: no limit"`
	SizeBytes  int64     `json:"size_bytes" doc:"0: no limit"`
	Held       bool      `json:"held" doc:"nothing is removed for its age"`
	Clock      time.Time `json:"clock" doc:"of the node's machine"`
	Now        time.Time `json:"now" doc:"what the node takes the time to be"`
	Trusted    bool      `json:"clock_trusted" doc:"false: nothing expires or goes for its age yet"`
	Waiting    *Removal  `json:"waiting,omitempty" doc:"left out: nothing waits"`
	Warnings   []string  `json:"warnings" doc:"what to know, and what to do"`
}

// Removal is of messages that go for their age although that is more than usual, once the grace is over or somebody has
// accepted it.
type Removal struct {
	Oldest  time.Time `json:"oldest" doc:"of the messages that go"`
	Until   time.Time `json:"until" doc:"of the messages that go"`
	Seconds int64     `json:"seconds" doc:"until it begins by itself"`
}
