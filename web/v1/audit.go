package v1

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"hpfriends/api"
	"hpfriends/query"
	"hpfriends/query/past"
	"hpfriends/query/view"
	"hpfriends/web/who"
)

func (s *Service) registerAudit(h huma.API) {
	list(s, h, api.ListAudit, s.listAudit)
	op(s, h, api.ShowAudit, func(ctx context.Context, in *api.AuditPath) (view.AuditEvent, error) {
		return s.Query.AuditEvent(ctx, who.Actor(ctx), in.Index)
	})
	op(s, h, api.AuditAt, func(ctx context.Context, in *api.AuditAtQuery) (view.AsOf, error) {
		at, err := point("t", in.T)
		if err != nil {
			return view.AsOf{}, err
		}
		m, err := s.Query.At(who.Actor(ctx), at)
		if err != nil {
			return view.AsOf{}, err
		}
		return m.AsOf(), nil
	})
	op(s, h, api.AuditDiff, func(ctx context.Context, in *api.AuditDiffQuery) (view.AuditDiff, error) {
		from, err := point("from", in.From)
		to, errTo := point("to", in.To)
		if err := errors.Join(err, errTo); err != nil {
			return view.AuditDiff{}, err
		}
		return s.Query.DiffBetween(who.Actor(ctx), from, to)
	})
	op(s, h, api.AuditAccess, func(ctx context.Context, in *api.AccessQuery) (view.Access, error) {
		at, err := point("at", in.At)
		if err != nil {
			return view.Access{}, err
		}
		return s.Query.Access(who.Actor(ctx), in.Channel, at)
	})
	long(s, h, api.VerifyAudit, s.verifyAudit)
}

// point reads a parameter that is a time or a position.
func point(name, value string) (past.Point, error) {
	p, err := past.ParsePoint(value, time.Now())
	return p, of(name, err)
}

func (s *Service) listAudit(ctx context.Context, in *api.AuditQuery) (p []view.AuditEvent, after string, err error) {
	since, err := point("since", in.Since)
	until, errUntil := point("until", in.Until)
	if err := errors.Join(err, errUntil); err != nil {
		return nil, "", err
	}
	p, next, err := s.Query.AuditEvents(ctx, who.Actor(ctx), query.AuditFilter{
		Since: since, Until: until, Actor: in.Actor, Object: in.Object, Op: in.Op, User: in.User,
		After: in.After, Oldest: in.Order == "oldest", Limit: in.Limit,
	})
	if next != 0 {
		after = strconv.FormatUint(next, 10)
	}
	return p, after, err
}

func (s *Service) verifyAudit(ctx context.Context, tell func(api.Progress)) (api.Verified, error) {
	told := func(done, total uint64) { tell(api.Progress{Done: done, Total: total}) }
	sum, err := s.Query.VerifyAudit(ctx, who.Actor(ctx), told)
	result := api.Verified{OK: err == nil, AuditSummary: sum}
	var fault *query.AuditFault
	if errors.As(err, &fault) {
		s.Logger.Error("the audit is not what was written", "err", err)
		result.Fault, err = &api.AuditFault{Index: fault.Index, Kind: fault.Kind, Reason: fault.Reason}, nil
	}
	return result, err
}
