package v1

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/internal/timespec"
	"hpfriends/query"
	"hpfriends/query/view"
	"hpfriends/web/who"
)

const (
	ndjsonType = "application/x-ndjson"
	// chunkBytes of lines are written at once, and what there is at the latest after chunkTime.
	chunkBytes = 64 << 10
	chunkTime  = 100 * time.Millisecond
	// chunkTimeout is the default of Config.ChunkTimeout.
	chunkTimeout = 30 * time.Second
	// countTimeout bounds counting, which reads all that was asked for.
	countTimeout = 10 * time.Minute
)

func (s *Service) registerMessages(h huma.API) {
	operation := describe[api.MessagesQuery](h, api.ReadMessages.Route, api.ReadMessages.Summary)
	operation.Middlewares = huma.Middlewares{patient}
	operation.Responses["200"] = &huma.Response{
		Description: "One object a line: a message (position, time, channel, ident, origin, payload; what is not UTF-8 in " +
			`the field that ends in _base64), {"gap":{"from","to"}} where retention was first, and last ` +
			`{"end":true,"messages","next"}. Without that line the answer was cut off; with end false it failed.`,
		Content: map[string]*huma.MediaType{ndjsonType: {Schema: &huma.Schema{Type: huma.TypeObject}}},
	}
	serve(s, h, operation, func(ctx context.Context, in *api.MessagesQuery) (*huma.StreamResponse, error) {
		f, err := s.filter(in.MessageQuery)
		if err != nil {
			return nil, err
		}
		f.Newest, f.Contains = in.Order == "newest", []byte(in.Text)
		messages := s.Query.Messages(who.Actor(ctx), f)
		return &huma.StreamResponse{Body: func(c huma.Context) { s.stream(c, messages) }}, nil
	})
	op(s, h, api.CountMessages, func(ctx context.Context, in *api.MessageQuery) (view.Count, error) {
		f, err := s.filter(*in)
		if err != nil {
			return view.Count{}, err
		}
		ctx, cancel := context.WithTimeout(ctx, countTimeout)
		defer cancel()
		return s.Query.CountMessages(ctx, who.Actor(ctx), f)
	}, patient)
	op(s, h, api.Sightings, func(ctx context.Context, in *api.SightingsQuery) (view.Sightings, error) {
		return s.Query.Sightings(ctx, who.Actor(ctx), in.Indicator)
	})
}

func (s *Service) registerTimelines(h huma.API) {
	op(s, h, api.CountTimeline, func(ctx context.Context, in *api.TimelineQuery) (view.Timeline, error) {
		t, err := timeline(*in)
		if err != nil {
			return view.Timeline{}, err
		}
		return s.Query.Timeline(ctx, who.Actor(ctx), t)
	})
	op(s, h, api.ChannelRates, func(ctx context.Context, in *api.RatesQuery) (view.Rates, error) {
		t, err := timeline(in.TimelineQuery)
		if err != nil {
			return view.Rates{}, err
		}
		return s.Query.Rates(ctx, who.Actor(ctx), t, in.Limit)
	})
}

func timeline(in api.TimelineQuery) (t query.TimelineQuery, err error) {
	now := time.Now()
	t = query.TimelineQuery{Until: now, Buckets: in.Buckets}
	for _, c := range in.Channel {
		p, err := graph.ParsePattern(c)
		if err != nil {
			return t, err
		}
		t.Patterns = append(t.Patterns, p)
	}
	if t.Since, err = timespec.Past(in.Since, now); err != nil {
		return t, &graph.Error{Code: graph.Invalid, Msg: "since: " + err.Error()}
	}
	if in.Until != "" {
		if t.Until, err = timespec.Past(in.Until, now); err != nil {
			return t, &graph.Error{Code: graph.Invalid, Msg: "until: " + err.Error()}
		}
	}
	return t, nil
}

// patient lets the answer take longer than others may: reading from a log may.
func patient(c huma.Context, next func(huma.Context)) {
	_ = controller(c).SetWriteDeadline(time.Now().Add(countTimeout + chunkTimeout))
	next(c)
}

func controller(c huma.Context) *http.ResponseController {
	_, w := humago.Unwrap(c)
	return http.NewResponseController(w)
}

// filter reads what was asked for.
func (s *Service) filter(in api.MessageQuery) (f query.MessageFilter, err error) {
	f.Limit = in.Limit
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
	bound := func(name, text string, set func(*query.MessageFilter, *query.Query, string, time.Time) error) {
		if text != "" && err == nil {
			err = of(name, set(&f, s.Query, text, now))
		}
	}
	bound("since", in.Since, (*query.MessageFilter).Begin)
	bound("from", in.From, (*query.MessageFilter).Begin)
	bound("until", in.Until, (*query.MessageFilter).End)
	return f, err
}

// stream writes messages until all are written or the client is gone. Whatever happens, the client can tell a whole
// answer by its last line.
func (s *Service) stream(c huma.Context, messages *query.Messages) {
	c.SetHeader("Content-Type", ndjsonType)
	out := chunks{w: c.BodyWriter(), rc: controller(c), timeout: s.ChunkTimeout, flushed: time.Now()}
	for out.err == nil {
		m, err := messages.Next(c.Context())
		var gap *query.Gap
		switch {
		case err == nil:
			out.lines = m.AppendLine(out.lines)
		case errors.As(err, &gap):
			out.lines = gap.AppendLine(out.lines)
		default:
			if !errors.Is(err, io.EOF) && c.Context().Err() == nil {
				s.Logger.Error("a stream of messages failed", "err", err, "at", messages.Rest().String())
			}
			out.lines = messages.AppendEnd(out.lines, err)
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
