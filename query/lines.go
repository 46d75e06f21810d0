package query

import (
	"errors"
	"io"

	"hpfriends/internal/ndjson"
)

// AppendLine appends the message as a line of package ndjson.
func (m *Message) AppendLine(dst []byte) []byte {
	return ndjson.Append(dst, ndjson.Message{
		Position: m.Position.String(), Time: m.Time, Channel: []byte(m.Channel), Ident: m.Ident, Origin: m.Origin,
		Payload: m.Payload,
	})
}

// AppendLine appends the gap as a line of package ndjson.
func (g *Gap) AppendLine(dst []byte) []byte {
	return ndjson.AppendGap(dst, ndjson.Gap{From: g.From.String(), To: g.To.String()})
}

// AppendEnd appends the last line of package ndjson, which tells a whole answer from one that failed with err.
func (m *Messages) AppendEnd(dst []byte, err error) []byte {
	end := ndjson.End{End: errors.Is(err, io.EOF), Messages: m.Read(), Next: m.Rest().String()}
	if !end.End {
		end.Error = "the log could not be read further"
	}
	return ndjson.AppendEnd(dst, end)
}
