package feed

import (
	"time"

	"hpfriends/eventlog/entry"
	"hpfriends/internal/ndjson"
	"hpfriends/internal/term"
	"hpfriends/wire"
)

// Everything in a message was chosen by somebody who may be an attacker: payload, channel and ident. What is printed as
// text therefore contains no byte that a terminal acts on, in whatever terminal it ends up.

// message is one that sub prints. Position and time are zero where the broker does not tell them.
type message struct {
	wire.Message
	position entry.Position
	time     time.Time // at which the log took it
	received time.Time // by the clock here
}

// format appends one message as it is printed.
type format func(dst []byte, m *message) []byte

// formatText is one line: channel, ident and payload, separated by one space. The first two contain none.
func formatText(dst []byte, m *message) []byte {
	dst = append(term.AppendWord(dst, m.Channel), ' ')
	dst = append(term.AppendWord(dst, m.Ident), ' ')
	return append(term.AppendVisible(dst, m.Payload, "\t"), '\n')
}

// formatRaw is the payload and nothing else.
func formatRaw(dst []byte, m *message) []byte { return append(dst, m.Payload...) }

// formatJSON is one line of JSON.
func formatJSON(dst []byte, m *message) []byte {
	line := ndjson.Message{
		Time: m.time, Received: m.received, Channel: []byte(m.Channel), Ident: []byte(m.Ident), Payload: m.Payload,
	}
	if (m.position != entry.Position{}) {
		line.Position = m.position.String()
	}
	return ndjson.Append(dst, line)
}
