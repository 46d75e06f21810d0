package v1

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/internal/timespec"
	"hpfriends/query"
	"hpfriends/query/view"
	"hpfriends/web/who"
)

const (
	// statusTimeout bounds how long the node may take to say whether it is ready.
	statusTimeout = 2 * time.Second
	// logsWait bounds how long an answer waits for rows: a right that is taken away ends within it.
	logsWait = time.Second
)

func (s *Service) registerStatus(h huma.API) {
	op(s, h, api.Explain, s.explain)
	op(s, h, api.ListLogs, s.listLogs)
	op(s, h, api.ShowStats, func(ctx context.Context, _ *api.None) (view.Totals, error) {
		return s.Query.Totals(who.Actor(ctx))
	})
	op(s, h, api.ShowWhoami, func(ctx context.Context, _ *api.None) (api.Whoami, error) {
		a := who.Actor(ctx)
		w := api.Whoami{Operator: a.Operator}
		if u, ok := s.Query.Graph().User(a.User); ok {
			w.User, w.Role = u.Handle, u.Role
		}
		if t, ok := s.Query.Graph().Token(a.Token); ok {
			w.Token = new(view.TokenOf(t, w.User, time.Now()))
		}
		return w, nil
	})
	op(s, h, api.ShowStatus, s.status)
	op(s, h, api.ListEntries, func(ctx context.Context, in *api.EntriesQuery) ([]view.LogEntry, error) {
		return s.Query.Entries(who.Actor(ctx), in.From, in.Limit)
	})
	long(s, h, api.CheckLog, s.check)
	long(s, h, api.CompactLog, func(ctx context.Context, tell func(api.Progress)) (view.Compaction, error) {
		return compact(ctx, s, tell)
	})
}

func (s *Service) status(ctx context.Context, _ *api.None) (api.Status, error) {
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	st := api.Status{Version: s.Version, Index: s.Query.Graph().Index(), Ready: true}
	if err := s.Ready(ctx); err != nil {
		st.Ready, st.Reason = false, err.Error()
	}
	kept, err := s.Query.Retained(who.Actor(ctx))
	if errors.Is(err, graph.ErrDenied) {
		return st, nil
	}
	if err != nil {
		return st, err
	}
	st.Log, st.Warnings = &kept, s.Changer.Retention().Warnings
	if s.Certificates != nil {
		st.Certificates = s.Certificates.Status()
		st.Warnings = append(slices.Clone(st.Warnings), s.Certificates.Warnings(time.Now())...)
	}
	if s.Traffic != nil {
		st.Traffic = new(s.Traffic())
	}
	if s.LastBackup != nil {
		st.Backup = s.LastBackup()
	}
	if s.Scrub != nil {
		scrub := s.Scrub()
		st.Scrub = &scrub
	}
	return st, nil
}

func (s *Service) explain(ctx context.Context, in *api.ExplainQuery) (view.Explanation, error) {
	if in.At == "" {
		return s.Query.Explain(who.Actor(ctx), in.From, in.To, in.Channel)
	}
	at, err := point("at", in.At)
	if err != nil {
		return view.Explanation{}, err
	}
	return s.Query.ExplainAt(who.Actor(ctx), in.From, in.To, in.Channel, at)
}

func (s *Service) listLogs(ctx context.Context, in *api.LogsQuery) ([]view.LogRow, error) {
	f := query.LogFilter{
		User: in.User, Ident: in.Ident, Kind: view.LogKind(in.Kind), Channel: in.Channel, Address: in.Address,
		After: in.After, Limit: in.Limit,
	}
	var err error
	if f.Since, err = earlier("since", in.Since); err == nil {
		f.Until, err = earlier("until", in.Until)
	}
	if err != nil {
		return nil, err
	}
	if in.Wait {
		ctx, cancel := context.WithTimeout(ctx, logsWait)
		defer cancel()
		return s.Query.AwaitLogs(ctx, who.Actor(ctx), f)
	}
	return s.Query.Logs(who.Actor(ctx), f)
}

// earlier reads a parameter that is a time before now; the zero time: nothing was given.
func earlier(name, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := timespec.Past(text, time.Now())
	if err != nil {
		return t, &graph.Error{Code: graph.Invalid, Msg: name + ": " + err.Error()}
	}
	return t, nil
}

func (s *Service) check(ctx context.Context, tell func(api.Progress)) (view.CheckReport, error) {
	told := func(what string, done, total uint64) { tell(api.Progress{What: what, Done: done, Total: total}) }
	r, err := s.Query.Check(ctx, who.Actor(ctx), told)
	if r.Damage != "" {
		s.Logger.Error("the log is not what was written", "damage", r.Damage)
	}
	return r, err
}

// compact packs the log. It takes a core while it lasts, so it is for who has the machine.
func compact(ctx context.Context, s *Service, tell func(api.Progress)) (c view.Compaction, err error) {
	actor := who.Actor(ctx)
	switch {
	case !actor.Operator:
		return c, &graph.Error{
			Code: graph.Denied, Msg: "only the operator may compact the log",
			Hint: "run `hpfriends log compact` on the server itself, where its data directory is",
		}
	case s.Compact == nil:
		return c, &graph.Error{Code: graph.NotFound, Msg: "this server has no log to compact"}
	}
	s.Logger.Info("the log is compacted", "user", actor.User, "from", actor.From)
	return s.Compact(ctx, tell)
}
