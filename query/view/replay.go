package view

import "time"

// Replay is a replay of past messages by a server, onto a channel.
type Replay struct {
	ID       uint64      `json:"id"`
	Node     string      `json:"node" doc:"that replays; another one does not know of it"`
	User     string      `json:"user" doc:"handle of who began it"`
	State    ReplayState `json:"state" enum:"counting,running,done,stopped,failed"`
	Error    string      `json:"error,omitempty" doc:"why it failed"`
	Channels []string    `json:"channels" doc:"patterns of what is replayed"`
	Text     string      `json:"text,omitempty" doc:"that the payload of what is replayed contains"`
	To       string      `json:"to,omitempty" doc:"channel; empty: the one that each message came on"`
	Authkey  string      `json:"authkey" doc:"ident with which is published"`
	DryRun   bool        `json:"dry_run,omitempty" doc:"it counts, and publishes nothing"`
	Speed    string      `json:"speed"`

	ReplayProgress
}

// ReplayProgress is how far a replay is.
type ReplayProgress struct {
	Total     uint64     `json:"total" doc:"messages that it replays; 0 while it counts"`
	Published uint64     `json:"published" doc:"messages that were published, and can no longer be lost"`
	First     *time.Time `json:"first,omitempty" doc:"time of the oldest message"`
	Last      *time.Time `json:"last,omitempty" doc:"time of the newest"`
	Gap       bool       `json:"gap,omitempty" doc:"retention has taken some of what was asked for"`
	Started   time.Time  `json:"started"`
	Ended     *time.Time `json:"ended,omitempty"`
}

// ReplayState is where a replay stands.
type ReplayState string

// The states of a replay.
const (
	ReplayCounting ReplayState = "counting"
	ReplayRunning  ReplayState = "running"
	ReplayDone     ReplayState = "done"
	ReplayStopped  ReplayState = "stopped" // by its user, or by the end of the server
	ReplayFailed   ReplayState = "failed"
)

// Over reports whether nothing more comes of it.
func (r Replay) Over() bool { return r.Ended != nil }
