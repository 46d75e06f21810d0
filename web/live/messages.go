package live

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"hpfriends/api"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/query"
)

// An event holds at most so many messages, and bytes of lines, so that neither end holds much.
const (
	maxMessages = 500
	maxBytes    = 256 << 10
)

// serveMessages streams messages on the channels that ?channel= names (patterns, more than one allowed), as far as the
// reader may see them, from Last-Event-ID, or else the position ?from=, or else now. ?text= selects those whose payload
// contains it. An event has lines of package ndjson; one that begins with a line {"behind":seconds} says that the
// reader is not at the end of the log yet.
func (s *Streams) serveMessages(w http.ResponseWriter, r *http.Request, d door) {
	contains := []byte(r.URL.Query().Get("text"))
	s.stream(w, r, d, func(lines []byte, m query.Message) []byte {
		if bytes.Contains(m.Payload, contains) {
			lines = m.AppendLine(lines)
		}
		return lines
	})
}

// appendLine adds what is told of a message, if anything is.
type appendLine func(lines []byte, m query.Message) []byte

// stream streams what is told of messages.
func (s *Streams) stream(w http.ResponseWriter, r *http.Request, d door, tell appendLine) {
	q := r.URL.Query()
	f := query.MessageFilter{Limit: maxMessages}
	for _, c := range q["channel"] {
		p, err := graph.ParsePattern(c)
		if err != nil {
			d.refuse(w, r, err)
			return
		}
		f.Patterns = append(f.Patterns, p)
	}
	begin, err := s.begin(r)
	if err == nil && len(f.Patterns) == 0 {
		err = api.NewProblem(http.StatusUnprocessableEntity, api.Invalid, "No channel is named.", "Add ?channel=.")
	}
	if err != nil {
		d.refuse(w, r, err)
		return
	}
	s.serve(w, r, d, begin, source{
		next: func(st *stream, at query.Position) query.Position {
			f.From = at
			return s.sendMessages(st, f, tell)
		},
		rest: s.rest,
	})
}

// begin is where a stream begins.
func (s *Streams) begin(r *http.Request) (query.Position, error) {
	text := r.Header.Get("Last-Event-ID")
	if text == "" {
		text = r.URL.Query().Get("from")
	}
	if text == "" {
		return s.Query.ParsePosition("now", time.Now())
	}
	at, err := entry.ParsePosition(text)
	if err != nil {
		return at, &graph.Error{Code: graph.Invalid, Msg: "from: " + err.Error(), Hint: "write a position like #812.4"}
	}
	return at, nil
}

// sendMessages sends what there is, in one event, and returns the position behind it.
func (s *Streams) sendMessages(st *stream, f query.MessageFilter, tell appendLine) query.Position {
	messages := s.Query.Messages(st.Actor, f)
	var lines []byte
	var newest time.Time
	for len(lines) < maxBytes {
		m, err := messages.Next(st.ctx)
		var gap *query.Gap
		switch {
		case errors.As(err, &gap):
			lines = gap.AppendLine(lines)
			continue
		case errors.Is(err, io.EOF): // for now
		case err != nil:
			st.err = err
			return messages.Rest()
		default:
			newest = m.Time
			lines = tell(lines, m)
			continue
		}
		break
	}
	rest := messages.Rest()
	if full := messages.Read() == f.Limit || len(lines) >= maxBytes; full {
		lines = append(behind(time.Since(newest)), lines...)
	}
	if len(lines) > 0 {
		st.event("messages", rest, lines)
	}
	return rest
}

func behind(d time.Duration) []byte {
	return fmt.Appendf(nil, "{\"behind\":%d}\n", int64(d.Seconds()))
}
