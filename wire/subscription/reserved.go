package subscription

import "time"

// Channels that nobody publishes on.
const (
	Acks           = "$acks"    // how many of a publisher's messages are durable
	Audit          = "$audit"   // changes of the sharing graph
	Replay         = "$replay"  // what became of a history
	PresenceSuffix = "..broker" // behind a channel: who subscribes to it
)

// Notice is the payload of a frame on $replay.
type Notice struct {
	Event        string `json:"event"` // done, or gap
	Subscription string `json:"subscription"`
	Next         string `json:"next,omitempty"` // done: the first position that was not part of it
	Messages     uint64 `json:"messages,omitempty"`
	Live         bool   `json:"live,omitempty"` // done: messages go on coming
	From         string `json:"from,omitempty"` // gap: these are no longer kept
	To           string `json:"to,omitempty"`
}

// acksEvery is how often, at most, the count is sent while it grows.
const AcksEvery = 50 * time.Millisecond
