package query

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"hpfriends/graph"
	"hpfriends/query/past"
	"hpfriends/query/trail"
	"hpfriends/query/view"
)

// AuditFilter selects events; what is empty selects all.
type AuditFilter struct {
	Since, Until past.Point
	Actor        string // handle of who did it, or operator, or system
	Object       string // kind, or kind:name: a handle, group, ident or number; what the event was about or has changed
	Op           string // user.add, or user.* for all of a kind
	User         string // handle: what concerns this user
	After        uint64 // continue behind the event of this index, in the order asked for; 0: from the beginning
	Oldest       bool   // oldest first
	Limit        int    // at most this many events
}

// maxExamined bounds how many events one answer may look at: a user whom few concern gets short pages.
const maxExamined = 20_000

// AuditEvents are the events that the viewer may see and the filter selects, newest first if not asked otherwise. next
// is where to continue (AuditFilter.After), 0 when there are no more.
func (q *audits) AuditEvents(ctx context.Context, viewer graph.Actor, f AuditFilter) (
	events []view.AuditEvent, next uint64, err error,
) {
	l := lister{
		ctx: ctx, query: q, history: q.history, viewer: auditViewer{q.Viewer(viewer)}, f: f, events: []view.AuditEvent{},
	}
	if l.kind, l.name, err = parseObject(f.Object); err != nil || !l.viewer.CanSeeAnything() {
		return l.events, 0, err
	}
	lo, hi, err := l.bounds()
	if err != nil || lo > hi {
		return l.events, 0, err
	}
	known, err := l.along(lo, hi)
	if known {
		return l.events, l.next, err
	}
	if f.Oldest {
		err = l.upwards(lo, hi)
	} else {
		err = l.downwards(lo, hi)
	}
	if errors.Is(err, errEnough) {
		err = nil
	}
	return l.events, l.next, err
}

// AuditEvent is the event of one log index.
func (q *audits) AuditEvent(ctx context.Context, viewer graph.Actor, index uint64) (view.AuditEvent, error) {
	events, _, err := q.AuditEvents(ctx, viewer, AuditFilter{
		Since: past.AtIndex(index), Until: past.AtIndex(index), Limit: 1,
	})
	if err == nil && len(events) == 0 {
		err = refuse(graph.NotFound, "list what you can see with `hpfriends audit ls`", "there is no audit event #%d", index)
	}
	if err != nil {
		return view.AuditEvent{}, err
	}
	return events[0], nil
}

// lister is one listing.
type lister struct {
	ctx      context.Context // of the request
	query    *audits
	history  *past.TimeTravel
	viewer   auditViewer
	subject  *trail.Subject // the viewer, for the trail
	f        AuditFilter
	kind     graph.Kind // of f.Object
	name     string
	events   []view.AuditEvent
	examined int
	next     uint64
}

// bounds are the first and the last log index that may be among the answer.
func (l *lister) bounds() (lo, hi uint64, err error) {
	switch since := l.f.Since; {
	case since.IsZero():
	case since.Time.IsZero():
		lo = since.Index
	default: // before the first mark of that time or later nothing is stamped so; what is behind it may not be
		before, err := l.query.log.Audit().At(since.Time.Add(-1))
		if err != nil {
			return 0, 0, err
		}
		lo = before.Index + 1
	}
	until, err := l.query.resolve(l.f.Until)
	if err != nil {
		return 0, 0, err
	}
	hi = until.Last
	if l.f.After != 0 && l.f.Oldest {
		lo = max(lo, l.f.After+1)
	} else if l.f.After != 0 {
		hi = min(hi, l.f.After-1)
	}
	return max(lo, 1), hi, nil
}

func (l *lister) upwards(lo, hi uint64) error {
	from, err := l.history.At(lo - 1)
	if err != nil {
		return err
	}
	_, err = l.history.Walk(from, hi, func(s past.Step) error { return l.look(s, s.Mark.Index == hi) })
	return err
}

// downwards takes stretches of events from the newest on: graphs are rebuilt forwards only.
func (l *lister) downwards(lo, hi uint64) error {
	for hi >= lo {
		from, err := l.history.Below(hi)
		if err != nil {
			return err
		}
		var steps []past.Step
		_, err = l.history.Walk(from, hi, func(s past.Step) error {
			if s.Mark.Index >= lo {
				steps = append(steps, s)
			}
			return nil
		})
		if err != nil {
			return err
		}
		hi = from.Mark.Index
		for i := len(steps) - 1; i >= 0; i-- {
			if err := l.look(steps[i], i == 0 && hi < lo); err != nil {
				return err
			}
		}
	}
	return nil
}

// look adds an event if it is one of those asked for, and ends the listing when it is long enough. There is no next
// page behind the last event.
func (l *lister) look(s past.Step, last bool) error {
	if err := l.ctx.Err(); err != nil {
		return err
	}
	l.examined++
	if l.admits(s) {
		if e, ok := l.viewer.event(s); ok && l.matches(e) {
			l.events = append(l.events, e)
		}
	}
	if l.f.Limit > 0 && len(l.events) == l.f.Limit || l.examined == maxExamined {
		if !last {
			l.next = s.Mark.Index
		}
		return errEnough
	}
	return nil
}

// admits is the part of the filter that costs little.
func (l *lister) admits(s past.Step) bool {
	return l.selects(s.Command.OpName(), actorName(s), past.Stamp(s.Command).UnixMilli()) &&
		(l.f.User == "" || l.viewer.concerns(s, l.f.User))
}

func (l *lister) selects(name, actor string, stamped int64) bool {
	if op := l.f.Op; op != "" && op != name {
		kind, all := strings.CutSuffix(op, "*")
		if !all || !strings.HasPrefix(name, kind) {
			return false
		}
	}
	return l.f.stampedWithin(time.UnixMilli(stamped)) && (l.f.Actor == "" || strings.EqualFold(l.f.Actor, actor))
}

// stampedWithin reports whether a change of that time is wanted: the marks of time only tell where to look.
func (f *AuditFilter) stampedWithin(t time.Time) bool {
	return !t.Before(f.Since.Time) && (f.Until.Time.IsZero() || !t.After(f.Until.Time))
}

// concerns reports whether an event concerns the user who had that handle then, by what the viewer sees of it.
func (v auditViewer) concerns(s past.Step, handle string) bool {
	for _, g := range []*graph.Graph{s.Before, s.After} {
		u, ok := g.UserByHandle(handle)
		if !ok {
			continue
		}
		if s.Command.By.User == u.ID {
			return true
		}
		for d := range effects(s) {
			if d.Concerns(s.Before, s.After, u.ID) && v.sees(d, s.Before, s.After) {
				return true
			}
		}
	}
	return false
}

// matches is the rest of the filter. It sees what the viewer sees, so that nobody learns by asking.
func (l *lister) matches(e view.AuditEvent) bool {
	if l.kind == "" || e.Object != nil && l.object(*e.Object) {
		return true
	}
	return slices.ContainsFunc(e.Changes, func(c view.AuditChange) bool { return l.object(c.AuditObject) })
}

func (l *lister) object(o view.AuditObject) bool {
	return o.Kind == l.kind && (l.name == "" || strings.EqualFold(l.name, o.Name) || strings.EqualFold(l.name, o.User) ||
		strings.TrimPrefix(l.name, "#") == strconv.FormatUint(o.ID, 10))
}

func parseObject(s string) (kind graph.Kind, name string, err error) {
	if s == "" {
		return "", "", nil
	}
	before, name, _ := strings.Cut(s, ":")
	if kind = graph.Kind(before); slices.Contains(graph.Kinds, kind) {
		return kind, name, nil
	}
	hint := fmt.Sprintf("want one of %v, as in share:5 or user:ada", graph.Kinds)
	return "", "", refuse(graph.Invalid, hint, "there is no kind of object %q", graph.Clip(before))
}
