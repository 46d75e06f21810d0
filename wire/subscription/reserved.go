package subscription

import (
	"fmt"
	"strings"
	"time"

	"hpfriends/graph"
)

// Channels that nobody publishes on.
const (
	Acks           = "$acks"    // how many of a publisher's messages are durable
	Audit          = "$audit"   // changes of the sharing graph
	Replay         = "$replay"  // what became of a history
	PresenceSuffix = "..broker" // behind a channel: who subscribes to it
)

// Notice is the payload of a frame on $replay.
type Notice struct {
	Event        string `json:"event"` // done, gap, or with notify=1 skipped
	Subscription string `json:"subscription"`
	Next         string `json:"next,omitempty"` // done: the first position that was not part of it
	Messages     uint64 `json:"messages,omitempty"`
	Live         bool   `json:"live,omitempty"` // done: messages go on coming
	From         string `json:"from,omitempty"` // gap: these are no longer kept
	To           string `json:"to,omitempty"`
	Position     string `json:"position,omitempty"` // skipped: of the message
	Channel      string `json:"channel,omitempty"`
	Size         int    `json:"size,omitempty"`  // bytes of its frame
	Limit        int    `json:"limit,omitempty"` // most that the authkey takes
}

// acksEvery is how often, at most, the count is sent while it grows.
const AcksEvery = 50 * time.Millisecond

// Reserved returns which of the reserved channels, or PresenceSuffix, a subscription is for: empty for messages. A
// channel that begins with $ and is none of them is an error.
func (s *Subscription) Reserved() (string, error) {
	switch {
	case s.Channel == Acks, s.Channel == Audit, s.Channel == Replay:
		return s.Channel, nil
	case strings.HasPrefix(s.Channel, "$"):
		//lint:ignore ST1005 it is the text of an ERROR frame, in the style of the others
		return "", fmt.Errorf(
			"There is no reserved channel %q: want %s, %s or %s.", graph.Clip(s.Channel), Acks, Audit, Replay,
		)
	case strings.HasSuffix(s.Channel, PresenceSuffix):
		return PresenceSuffix, nil
	}
	return "", nil
}
