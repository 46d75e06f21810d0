package feed

import (
	"time"

	"hpfriends/internal/ndjson"
	"hpfriends/internal/term"
	"hpfriends/wire"
)

// Everything in a message was chosen by somebody who may be an attacker: payload, channel and ident. What is printed as
// text therefore contains no byte that a terminal acts on, in whatever terminal it ends up.

// format appends one message as it is printed.
type format func(dst []byte, m wire.Message, now time.Time) []byte

// formatText is one line: channel, ident and payload, separated by one space. The first two contain none.
func formatText(dst []byte, m wire.Message, _ time.Time) []byte {
	dst = append(term.AppendWord(dst, m.Channel), ' ')
	dst = append(term.AppendWord(dst, m.Ident), ' ')
	return append(term.AppendVisible(dst, m.Payload, "\t"), '\n')
}

// formatRaw is the payload and nothing else.
func formatRaw(dst []byte, m wire.Message, _ time.Time) []byte { return append(dst, m.Payload...) }

// formatJSON is one line of JSON. The time is that of receiving.
func formatJSON(dst []byte, m wire.Message, now time.Time) []byte {
	return ndjson.Append(dst, ndjson.Message{Time: now, Channel: []byte(m.Channel),
		Ident: []byte(m.Ident), Payload: m.Payload})
}
