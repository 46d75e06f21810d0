package web

import (
	"context"
	"errors"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"hpfriends/graph"
	"hpfriends/internal/timespec"
	"hpfriends/query"
	"hpfriends/web/who"
)

type explainQuery struct {
	From    string `query:"from" required:"true" doc:"handle of the publisher"`
	To      string `query:"to" required:"true" doc:"handle of the receiver"`
	Channel string `query:"channel" required:"true"`
	At      string `query:"at" doc:"as of a time, or of a position (#812)"`
}

type logQuery struct {
	Since   string `query:"since" doc:"rows last seen since then: a time, or how long ago (2h)"`
	Ident   string `query:"ident"`
	Channel string `query:"channel"`
	Address string `query:"address"`
	Limit   int    `query:"limit" minimum:"1" maximum:"10000" default:"1000"`
}

type whoami struct {
	User     string     `json:"user,omitempty" doc:"handle"`
	Role     graph.Role `json:"role,omitempty"`
	Operator bool       `json:"operator" doc:"owner of the data directory"`
}

type status struct {
	Version string `json:"version"`
	Ready   bool   `json:"ready"`
	Reason  string `json:"reason,omitempty"`
	Index   uint64 `json:"index" doc:"newest change of the graph"`

	Log   *query.Retained    `json:"log,omitempty" doc:"for admins and auditors"`
	Scrub *query.ScrubStatus `json:"scrub,omitempty" doc:"for admins and auditors"`
}

func (s *Server) registerReads(h huma.API) {
	op(s, h, "GET /explain", "Whether what one user publishes reaches another, and why", func(ctx context.Context, in *explainQuery) (*body[query.Explanation], error) {
		x, err := s.explain(ctx, in)
		return &body[query.Explanation]{x}, err
	})
	op(s, h, "GET /logs", "Refusals that concern your authkeys, newest first", func(ctx context.Context, in *logQuery) (*body[[]query.LogRow], error) {
		f := query.LogFilter{Ident: in.Ident, Channel: in.Channel, Address: in.Address, Limit: in.Limit}
		if in.Since != "" {
			t, err := timespec.Past(in.Since, time.Now())
			if err != nil {
				return nil, &graph.Error{Code: graph.Invalid, Msg: "since: " + err.Error()}
			}
			f.Since = t
		}
		rows, err := s.Query.Logs(who.Actor(ctx), f)
		return &body[[]query.LogRow]{rows}, err
	})
	op(s, h, "GET /stats", "Statistics of your authkeys together", func(ctx context.Context, _ *none) (*body[query.Totals], error) {
		t, err := s.Query.Totals(who.Actor(ctx))
		return &body[query.Totals]{t}, err
	})
	op(s, h, "GET /whoami", "Who you are here", func(ctx context.Context, _ *none) (*body[whoami], error) {
		a := who.Actor(ctx)
		w := whoami{Operator: a.Operator}
		if u, ok := s.Query.Graph().User(a.User); ok {
			w.User, w.Role = u.Handle, u.Role
		}
		return &body[whoami]{w}, nil
	})
	op(s, h, "GET /status", "State of the server", func(ctx context.Context, _ *none) (*body[status], error) {
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		st := status{Version: s.Version, Index: s.Query.Graph().Index(), Ready: true}
		if err := s.Ready(ctx); err != nil {
			st.Ready, st.Reason = false, err.Error()
		}
		kept, err := s.Query.Retained(who.Actor(ctx))
		if err == nil {
			st.Log = &kept
			if s.Scrub != nil {
				scrub := s.Scrub()
				st.Scrub = &scrub
			}
		}
		if errors.Is(err, graph.ErrDenied) {
			err = nil
		}
		return &body[status]{st}, err
	})
}
