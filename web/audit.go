package web

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"hpfriends/graph"
	"hpfriends/query"
	"hpfriends/web/who"
)

type auditQuery struct {
	Since  string `query:"since" doc:"a time, how long ago (2h), or a position (#812)"`
	Until  string `query:"until" doc:"likewise"`
	Actor  string `query:"actor" doc:"handle of who did it, or operator, or system"`
	Object string `query:"object" doc:"kind or kind:name, as in share:5, user:ada, authkey:IDENT"`
	Op     string `query:"op" doc:"user.add, ...; share.* for all of a kind"`
	User   string `query:"user" doc:"handle: what concerns this user"`
	Order  string `query:"order" enum:"newest,oldest" default:"newest" doc:"which come first"`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"at most this many; a page may be shorter, also when there are more"`
	After  uint64 `query:"after" doc:"from the Link header of the page before; with order=oldest any index: what came after it"`
	path   string
	query  url.Values
}

// Resolve keeps the request's address, for the link to the next page. The library calls it.
func (q *auditQuery) Resolve(ctx huma.Context) []error {
	u := ctx.URL()
	q.path, q.query = u.Path, u.Query()
	return nil
}

type auditIndex struct {
	Index uint64 `path:"index" doc:"of the change in the log"`
}

type auditMoment struct {
	T string `query:"t" doc:"a time, how long ago (2h), or a position (#812); empty: now"`
}

type auditSpan struct {
	From string `query:"from" required:"true" doc:"a time, how long ago (2h), or a position (#812)"`
	To   string `query:"to" doc:"likewise; empty: now"`
}

type accessQuery struct {
	Channel string `query:"channel" required:"true"`
	At      string `query:"at" doc:"as of a time, or of a position (#812); empty: now"`
}

type verifyQuery struct {
	Progress bool `query:"progress" doc:"answer lines of JSON: {\"done\":..,\"total\":..} now and then, then the result"`
}

// verified is the result of a verification.
type verified struct {
	OK bool `json:"ok"`
	query.AuditSummary
	Fault *auditFault `json:"fault,omitempty" doc:"the first event that is wrong"`
}

type auditFault struct {
	Index  uint64 `json:"index" doc:"of the event in the log"`
	Kind   string `json:"kind" enum:"altered,missing,reordered,extra"`
	Reason string `json:"reason"`
}

func (s *Server) registerAudit(h huma.API) {
	op(s, h, "GET /audit", "Changes of the graph that concern you; auditors and admins: all", s.listAudit)
	op(s, h, "GET /audit/{index}", "Show a change of the graph", func(ctx context.Context, in *auditIndex) (*body[query.AuditEvent], error) {
		e, err := s.Query.AuditEvent(who.Actor(ctx), in.Index)
		return &body[query.AuditEvent]{e}, err
	})
	op(s, h, "GET /audit/at", "The graph as of a time or position", func(ctx context.Context, in *auditMoment) (*body[query.AsOf], error) {
		at, err := moment("t", in.T)
		if err != nil {
			return nil, err
		}
		v, err := s.Query.At(who.Actor(ctx), at)
		return &body[query.AsOf]{v}, err
	})
	op(s, h, "GET /audit/diff", "What changed between two moments", func(ctx context.Context, in *auditSpan) (*body[query.AuditDiff], error) {
		from, err := moment("from", in.From)
		to, errTo := moment("to", in.To)
		if err := errors.Join(err, errTo); err != nil {
			return nil, err
		}
		v, err := s.Query.DiffBetween(who.Actor(ctx), from, to)
		return &body[query.AuditDiff]{v}, err
	})
	op(s, h, "GET /audit/access", "Who could read a channel then, and by which path", func(ctx context.Context, in *accessQuery) (*body[query.Access], error) {
		at, err := moment("at", in.At)
		if err != nil {
			return nil, err
		}
		v, err := s.Query.Access(who.Actor(ctx), in.Channel, at)
		return &body[query.Access]{v}, err
	})
	op(s, h, "GET /audit/verify", "Verify the chain of all changes; for auditors and admins", s.verifyAudit)
}

// moment reads a parameter that is a time or a position.
func moment(name, value string) (query.Point, error) {
	m, err := query.ParsePoint(value, time.Now())
	var g *graph.Error
	if errors.As(err, &g) {
		return m, &graph.Error{Code: g.Code, Msg: name + ": " + g.Msg, Hint: g.Hint}
	}
	return m, err
}

func (s *Server) listAudit(ctx context.Context, in *auditQuery) (*array[query.AuditEvent], error) {
	since, err := moment("since", in.Since)
	until, errUntil := moment("until", in.Until)
	if err := errors.Join(err, errUntil); err != nil {
		return nil, err
	}
	events, next, err := s.Query.AuditEvents(who.Actor(ctx), query.AuditFilter{
		Since: since, Until: until, Actor: in.Actor, Object: in.Object, Op: in.Op, User: in.User,
		After: in.After, Oldest: in.Order == "oldest", Limit: in.Limit,
	})
	if err != nil || next == 0 {
		return &array[query.AuditEvent]{Body: events}, err
	}
	in.query.Set("after", strconv.FormatUint(next, 10))
	return &array[query.AuditEvent]{Link: "<" + in.path + "?" + in.query.Encode() + `>; rel="next"`, Body: events}, nil
}

func (s *Server) explain(ctx context.Context, in *explainQuery) (query.Explanation, error) {
	if in.At == "" {
		return s.Query.Explain(who.Actor(ctx), in.From, in.To, in.Channel)
	}
	at, err := moment("at", in.At)
	if err != nil {
		return query.Explanation{}, err
	}
	return s.Query.ExplainAt(who.Actor(ctx), in.From, in.To, in.Channel, at)
}

func (s *Server) verifyAudit(ctx context.Context, in *verifyQuery) (*huma.StreamResponse, error) {
	if !s.Query.Graph().CanSeeAll(who.Actor(ctx)) { // before the answer has begun
		_, err := s.Query.VerifyAudit(ctx, who.Actor(ctx), nil)
		return nil, err
	}
	return s.atLength(in.Progress, func(tell func(any)) (any, error) {
		sum, err := s.Query.VerifyAudit(ctx, who.Actor(ctx), func(done, total uint64) { tell(map[string]uint64{"done": done, "total": total}) })
		result := verified{OK: err == nil, AuditSummary: sum}
		var fault *query.AuditFault
		if errors.As(err, &fault) {
			s.Logger.Error("the audit is not what was written", "err", err)
			result.Fault, err = &auditFault{fault.Index, fault.Kind, fault.Reason}, nil
		}
		return result, err
	}), nil
}
