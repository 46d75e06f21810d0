package web

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"hpfriends/graph"
	"hpfriends/internal/ndjson"
	"hpfriends/query"
	"hpfriends/web/who"
)

// MessageQuery selects past messages. What is embedded must be exported for the library to set it.
type MessageQuery struct {
	Channel []string `query:"channel,explode" required:"true" minItems:"1" maxItems:"1000" doc:"channel, or prefix followed by *; may be given again"`
	Since   string   `query:"since" doc:"the first: a time, or how long ago (2h)"`
	From    string   `query:"from" doc:"the first: a position (#812.4), or first"`
	Until   string   `query:"until" doc:"a time or position; what is there and later is left out. Without it: to the end of the log as it is now"`
	Limit   uint64   `query:"limit" doc:"at most so many; 0: all"`
}

type streamQuery struct {
	MessageQuery
	Order string `query:"order" enum:"oldest,newest" default:"oldest" doc:"which come first"`
}

const (
	ndjsonType = "application/x-ndjson"
	// chunkBytes of lines are written at once, and what there is at the latest after chunkTime.
	chunkBytes = 64 << 10
	chunkTime  = 100 * time.Millisecond
	// chunkTimeout is how long a reader may take for one chunk. There is no limit for the whole.
	chunkTimeout = 30 * time.Second
	// countTimeout bounds counting, which reads all that was asked for.
	countTimeout = 10 * time.Minute
)

func (s *Server) registerMessages(h huma.API) {
	op(s, h, "GET /messages", "Past messages that you may see, as lines of JSON", func(ctx context.Context, in *streamQuery) (*huma.StreamResponse, error) {
		f, err := s.filter(in.MessageQuery)
		if err != nil {
			return nil, err
		}
		f.Newest = in.Order == "newest"
		messages := s.Query.Messages(who.Actor(ctx), f)
		return &huma.StreamResponse{Body: func(c huma.Context) { s.stream(c, messages) }}, nil
	})
	doc := h.OpenAPI().Paths[base+"/messages"].Get
	doc.Responses["200"] = &huma.Response{
		Description: "One object a line: a message (position, time, channel, ident, origin, payload; what is not UTF-8 in the field that ends in _base64), " +
			`{"gap":{"from","to"}} where retention was first, and last {"end":true,"messages","next"}. Without that line the answer was cut off; with end false it failed.`,
		Content: map[string]*huma.MediaType{ndjsonType: {Schema: &huma.Schema{Type: huma.TypeObject}}},
	}
	op(s, h, "GET /messages/count", "How many past messages you may see", func(ctx context.Context, in *MessageQuery) (*body[query.Count], error) {
		f, err := s.filter(*in)
		if err != nil {
			return nil, err
		}
		ctx, cancel := context.WithTimeout(ctx, countTimeout)
		defer cancel()
		c, err := s.Query.CountMessages(ctx, who.Actor(ctx), f)
		return &body[query.Count]{c}, err
	})
}

// Resolve lets the answer take longer than others may: reading from a log may. The library calls it.
func (q *MessageQuery) Resolve(c huma.Context) []error {
	_ = controller(c).SetWriteDeadline(time.Now().Add(countTimeout + chunkTimeout))
	return nil
}

func controller(c huma.Context) *http.ResponseController {
	_, w := humago.Unwrap(c)
	return http.NewResponseController(w)
}

// filter reads what was asked for.
func (s *Server) filter(in MessageQuery) (query.MessageFilter, error) {
	f := query.MessageFilter{Limit: in.Limit}
	for _, c := range in.Channel {
		p, err := graph.ParsePattern(c)
		if err != nil {
			return f, err
		}
		f.Patterns = append(f.Patterns, p)
	}
	if in.Since != "" && in.From != "" {
		return f, &graph.Error{Code: graph.Invalid, Msg: "since and from both say where to begin", Hint: "give one of them"}
	}
	now := time.Now()
	place := func(name, text string) error {
		p, err := s.Query.ParsePosition(text, now)
		if e := (*graph.Error)(nil); errors.As(err, &e) {
			return &graph.Error{Code: e.Code, Msg: name + ": " + e.Msg, Hint: e.Hint}
		}
		if name == "until" {
			if f.Until = p; f.Until.Index == 0 { // before all there is; the zero position would be no end
				f.Until.Offset = 1
			}
		} else {
			f.From = p
		}
		return err
	}
	for _, v := range [][2]string{{"since", in.Since}, {"from", in.From}, {"until", in.Until}} {
		if v[1] == "" {
			continue
		}
		if err := place(v[0], v[1]); err != nil {
			return f, err
		}
	}
	return f, nil
}

// stream writes messages until all are written or the client is gone. Whatever happens, the client can tell a whole answer
// by its last line.
func (s *Server) stream(c huma.Context, messages *query.Messages) {
	c.SetHeader("Content-Type", ndjsonType)
	out := chunks{w: c.BodyWriter(), rc: controller(c), timeout: s.chunkTimeout, flushed: time.Now()}
	for out.err == nil {
		m, err := messages.Next(c.Context())
		var gap *query.Gap
		switch {
		case err == nil:
			out.lines = ndjson.Append(out.lines, ndjson.Message{
				Position: m.Position.String(), Time: m.Time, Channel: []byte(m.Channel), Ident: m.Ident, Origin: m.Origin, Payload: m.Payload,
			})
		case errors.As(err, &gap):
			out.lines = ndjson.AppendGap(out.lines, ndjson.Gap{From: gap.From.String(), To: gap.To.String()})
		default:
			end := ndjson.End{End: err == io.EOF, Messages: messages.Read(), Next: messages.Rest().String()}
			if !end.End {
				end.Error = "the log could not be read further"
				if c.Context().Err() == nil {
					s.Logger.Error("a stream of messages failed", "err", err, "at", end.Next)
				}
			}
			out.lines = ndjson.AppendEnd(out.lines, end)
			out.flush()
			return
		}
		if len(out.lines) >= chunkBytes || time.Since(out.flushed) >= chunkTime {
			out.flush()
		}
	}
}

// chunks writes lines in large pieces, each with a deadline of its own.
type chunks struct {
	w       io.Writer
	rc      *http.ResponseController
	timeout time.Duration // for one
	lines   []byte
	flushed time.Time
	err     error // the client is gone, or does not read
}

func (c *chunks) flush() {
	_ = c.rc.SetWriteDeadline(time.Now().Add(c.timeout))
	_, c.err = c.w.Write(c.lines)
	if c.err == nil {
		if err := c.rc.Flush(); !errors.Is(err, http.ErrNotSupported) {
			c.err = err
		}
	}
	c.lines, c.flushed = c.lines[:0], time.Now()
	if cap(c.lines) > 16*chunkBytes { // one message was large
		c.lines = nil
	}
}
