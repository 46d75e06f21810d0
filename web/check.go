package web

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"hpfriends/query"
	"hpfriends/web/who"
)

type entryQuery struct {
	From  uint64 `query:"from" doc:"index of the first entry"`
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
}

func (s *Server) registerChecks(h huma.API) {
	op(s, h, "GET /check", "Read the whole log and report the first bad byte; for auditors and admins", s.check)
	op(s, h, "GET /entries", "What is in the entries of the log; for the owner of the data directory", func(ctx context.Context, in *entryQuery) (*body[[]query.LogEntry], error) {
		all, err := s.Query.Entries(who.Actor(ctx), in.From, in.Limit)
		return &body[[]query.LogEntry]{all}, err
	})
}

// checkProgress is a line on the way.
type checkProgress struct {
	What  string `json:"what"`
	Done  uint64 `json:"done"`
	Total uint64 `json:"total"`
}

func (s *Server) check(ctx context.Context, in *verifyQuery) (*huma.StreamResponse, error) {
	if !s.Query.Graph().CanSeeAll(who.Actor(ctx)) { // before the answer has begun
		_, err := s.Query.Check(ctx, who.Actor(ctx), nil)
		return nil, err
	}
	return s.atLength(in.Progress, func(tell func(any)) (any, error) {
		r, err := s.Query.Check(ctx, who.Actor(ctx), func(what string, done, total uint64) { tell(checkProgress{what, done, total}) })
		if r.Damage != "" {
			s.Logger.Error("the log is not what was written", "damage", r.Damage)
		}
		return r, err
	}), nil
}

// progressEvery is how often, at most, a line of progress is written.
const progressEvery = 250 * time.Millisecond

// atLength answers with what run returns, after lines of progress if they are wanted. What takes longer than an answer
// usually may extends its time as it tells.
func (s *Server) atLength(progress bool, run func(tell func(any)) (any, error)) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(h huma.Context) {
		_, w := humago.Unwrap(h)
		rc := http.NewResponseController(w)
		told := time.Now()
		result, err := run(func(v any) {
			if time.Since(told) < progressEvery {
				return
			}
			told = time.Now()
			_ = rc.SetWriteDeadline(told.Add(writeTimeout))
			if progress {
				_ = json.NewEncoder(w).Encode(v)
				_ = rc.Flush()
			}
		})
		if err != nil {
			p := s.refusal(err)
			if !progress {
				p.Write(w)
				return
			}
			_ = json.NewEncoder(w).Encode(p)
			return
		}
		if !progress {
			w.Header().Set("Content-Type", "application/json")
		}
		_ = json.NewEncoder(w).Encode(result)
	}}
}
