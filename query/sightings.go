package query

import (
	"context"
	"errors"
	"io"

	"hpfriends/graph"
	"hpfriends/query/indicator"
	"hpfriends/query/view"
)

// What Sightings looks at, at most: the payloads of the newest messages, in number and in bytes.
const (
	maxSightings      = 10_000
	maxSightingsBytes = 16 << 20
)

// Sightings looks for an address, or the hash of a file, in the newest messages that the viewer may see. A text that is
// no indicator is refused.
func (q *Query) Sightings(ctx context.Context, viewer graph.Actor, text string) (view.Sightings, error) {
	s := view.Sightings{Indicator: text}
	sought, ok := indicator.Parse(text)
	if !ok {
		return s, refuse(graph.Invalid, "for other text use text= of messages, or History",
			"%q is neither an IP address nor a hash in hexadecimal", graph.Clip(text))
	}
	channels := make(map[string]bool)
	messages := q.Messages(viewer, MessageFilter{Patterns: []graph.Pattern{"*"}, Newest: true})
	for bytes := 0; !s.All && s.Looked < maxSightings && bytes < maxSightingsBytes; {
		m, err := messages.any(ctx) // no payload is kept
		var gap *Gap
		switch {
		case errors.As(err, &gap):
			continue
		case errors.Is(err, io.EOF):
			s.All = true
			continue
		case err != nil:
			return s, err
		}
		s.Looked++
		bytes += len(m.Payload)
		if !sought.In(m.Payload) {
			continue
		}
		at := m.Time // few are kept
		if s.Messages++; s.Last == nil {
			s.Last, s.Position = &at, m.Position.String()
		}
		s.First = &at
		channels[m.Channel] = true
	}
	s.Channels = len(channels)
	return s, nil
}
