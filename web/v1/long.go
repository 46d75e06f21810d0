package v1

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"hpfriends/api"
)

const (
	// progressEvery is how often, at most, a line of progress is written.
	progressEvery = 250 * time.Millisecond
	// progressTimeout is how long the answer may then take to go on.
	progressTimeout = time.Minute
)

// long registers an operation for auditors and admins that takes its time. It answers with what run returns, after
// lines of progress if they are wanted, and its time to answer is extended as it tells of progress.
func long[O any](
	s *Service, h huma.API, o api.Long[O], run func(ctx context.Context, tell func(api.Progress)) (O, error),
) {
	operation := describe[api.Watched](h, o.Route, o.Summary)
	schema := h.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[O](), true, "")
	operation.Responses["200"] = &huma.Response{
		Description: "The result; with progress=true after lines of progress, and it may be a problem",
		Content: map[string]*huma.MediaType{
			"application/json": {Schema: schema}, ndjsonType: {Schema: &huma.Schema{Type: huma.TypeObject}},
		},
	}
	serve(s, h, operation, func(ctx context.Context, in *api.Watched) (*huma.StreamResponse, error) {
		if !s.viewer(ctx).CanSeeAll() {
			_, err := run(ctx, nil) // refuses before the answer has begun
			return nil, err
		}
		return &huma.StreamResponse{Body: func(h huma.Context) {
			_, w := humago.Unwrap(h)
			watch := &watch{w: w, lines: in.Progress, told: time.Now()}
			result, err := run(ctx, watch.tell)
			watch.end(s, result, err)
		}}, nil
	})
}

// watch is the answer of a long operation.
type watch struct {
	w     http.ResponseWriter
	lines bool
	told  time.Time
}

func (a *watch) tell(p api.Progress) {
	if time.Since(a.told) < progressEvery {
		return
	}
	a.told = time.Now()
	rc := http.NewResponseController(a.w)
	_ = rc.SetWriteDeadline(a.told.Add(progressTimeout))
	if a.lines {
		a.w.Header().Set("Content-Type", ndjsonType)
		_ = json.NewEncoder(a.w).Encode(p)
		_ = rc.Flush()
	}
}

func (a *watch) end(s *Service, result any, err error) {
	if err != nil && !a.lines {
		s.Refusal(err).Write(a.w)
		return
	}
	a.w.Header().Set("Content-Type", "application/json")
	if a.lines {
		a.w.Header().Set("Content-Type", ndjsonType)
	}
	if err != nil {
		result = s.Refusal(err)
	}
	_ = json.NewEncoder(a.w).Encode(result)
}
