package query

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"hpfriends/eventlog"
	"hpfriends/graph"
	"hpfriends/internal/timespec"
	"hpfriends/query/past"
	"hpfriends/query/trail"
	"hpfriends/query/view"
)

// follower makes the trail of the audit. Each call takes it on from where the last one left it.
type follower struct {
	trail.Trail
	log     *eventlog.Log
	history *past.TimeTravel
	behind  uint64 // events that whoever asks takes into the trail; when there are more, the history is read meanwhile
	keep    int    // changes of an event that is kept ready to be told; one with more is told from the graphs

	mu sync.Mutex
	at past.State // zero: not known yet
}

// advance takes up to limit events into the trail, and reports whether these are all.
func (f *follower) advance(limit uint64) (all bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.at.Graph == nil {
		if err := f.begin(); err != nil {
			return false, err
		}
	}
	newest, err := f.log.Audit().Newest()
	if err != nil || newest.Number <= f.at.Mark.Number {
		return err == nil, err
	}
	if all = newest.Number-f.at.Mark.Number <= limit; !all && limit == f.behind {
		return false, nil
	}
	w := f.Begin()
	before := f.at.Mark
	at, err := f.history.WalkSome(f.at, newest.Index, int(limit), func(s past.Step) {
		f.add(w, s, before)
		before = s.Mark
	})
	if err != nil {
		w.Discard()
		return false, err
	}
	if err := w.Commit(); err != nil {
		return false, err
	}
	f.at = at
	return all, nil
}

// followEvery is the pause after which new events are taken into the trail without being asked for.
const followEvery = time.Second

// run keeps the trail near the end of the audit until ctx is done. What fails ends it: whoever lists the audit then is
// told, by the history itself.
func (f *follower) run(ctx context.Context) {
	for ctx.Err() == nil {
		all, err := f.advance(past.Portion)
		if err != nil {
			return
		}
		if all {
			_ = timespec.Sleep(ctx, followEvery)
		}
	}
}

// begin finds the state that the trail has reached. One that is of another audit begins anew.
func (f *follower) begin() error {
	index, hash, err := f.Newest()
	if err != nil {
		return err
	}
	r, err := f.log.Audit().Event(index)
	switch {
	case index == 0, errors.Is(err, eventlog.ErrNotFound), err == nil && r.Hash != hash:
		if err := f.Reset(); err != nil {
			return err
		}
		index = 0
	case err != nil:
		return err
	}
	at, err := f.history.At(index)
	if err == nil {
		f.at = at
	}
	return err
}

// add adds one event to the trail.
func (f *follower) add(w trail.Writer, s past.Step, before eventlog.AuditMark) {
	r := &trail.Record{
		AuditMark: s.Mark, Before: before, By: uint64(s.Command.By.User), Stamped: past.Stamp(s.Command).UnixMilli(),
		Op: s.Command.OpName(), Actor: actorName(s),
	}
	for d := range effects(s) {
		r.Changes = append(r.Changes, whom(d, s.Before, s.After))
		note(w, d, s.Mark.Index)
	}
	if len(r.Changes) <= f.keep {
		e, _ := auditViewer{s.After.Viewer(graph.Actor{Operator: true})}.event(s)
		data, err := json.Marshal(e)
		if err != nil { // views are plain structs
			panic(fmt.Sprintf("query: event #%d: %v", s.Mark.Index, err))
		}
		r.Event = data
	}
	w.Add(r)
}

// whom says whom a difference concerns, as graph.Difference.Concerns decides it.
func whom(d graph.Difference, before, after *graph.Graph) (c trail.Change) {
	switch d.Kind {
	case graph.KindUser:
		c.Users = []uint64{d.ID}
	case graph.KindGroup:
		c.Group = d.ID
	case graph.KindMembership, graph.KindRequest:
		c.Users, c.Group = []uint64{uint64(d.User)}, d.ID
	default:
		owners(&c, d.Before, before)
		owners(&c, d.After, after)
	}
	return c
}

func owners(c *trail.Change, o graph.Object, g *graph.Graph) {
	user := func(id graph.UserID) {
		if id != 0 {
			c.Users = append(c.Users, uint64(id))
		}
	}
	switch o := o.(type) {
	case *graph.Authkey:
		user(o.Owner)
	case *graph.Token:
		user(o.Owner)
	case *graph.Invitation:
		user(o.By)
	case *graph.Share:
		user(o.Owner)
		user(o.User)
		c.Group = uint64(o.Group)
	case *graph.Acceptance:
		user(o.User)
		if s, ok := g.Share(o.Share); ok {
			user(s.Owner)
		}
	}
}

// note notes handles and memberships as they come and go.
func note(w trail.Writer, d graph.Difference, index uint64) {
	switch d.Kind {
	case graph.KindUser:
		all := trail.Span{Group: uint64(graph.Everyone), From: index}
		if u, ok := d.Before.(*graph.User); ok {
			all.From = u.Created.Index
		}
		if u, ok := d.After.(*graph.User); ok {
			w.Named(d.ID, u.Handle)
		} else {
			all.To = index
		}
		w.Member(all, d.ID)
	case graph.KindMembership:
		in := trail.Span{Group: d.ID, From: index}
		if m, ok := d.Before.(*graph.Membership); ok {
			in.From = m.Joined.Index
		}
		if d.After == nil {
			in.To = index
		}
		w.Member(in, uint64(d.User))
	default: // has no handle and is in no group
	}
}

// along lists by the trail. It reports false where that does not know enough.
func (l *lister) along(lo, hi uint64) (known bool, err error) {
	if all, err := l.query.trail.advance(l.query.trail.behind); err != nil || !all {
		return false, nil // the history itself says what is wrong
	}
	t := l.query.trail
	l.subject = trail.Everybody()
	if !l.viewer.CanSeeAll() {
		if l.subject, err = t.Subject(uint64(l.viewer.User)); err != nil {
			return true, err
		}
	}
	of := l.subject
	if l.f.User != "" {
		called, err := t.Called(l.f.User)
		switch {
		case err != nil || len(called) == 0:
			return true, err
		case len(called) > 1:
			return false, nil
		}
		if of, err = t.Subject(called[0]); err != nil {
			return true, err
		}
	}
	r := t.Read(of, lo, hi, !l.f.Oldest)
	for {
		rec, err := r.Next()
		if err != nil || rec == nil {
			return true, err
		}
		if err := l.lookAt(rec, of); err != nil {
			return true, err
		}
		if len(l.events) == l.f.Limit && l.f.Limit > 0 || l.examined >= maxExamined {
			if more, err := r.Next(); err != nil || more == nil {
				return true, err
			}
			l.next = rec.Index
			return true, nil
		}
	}
}

// told is what an event costs that is read whole, in events of which only the head is read.
const told = 20

// lookAt adds an event if it is one of those asked for.
func (l *lister) lookAt(r *trail.Record, of *trail.Subject) error {
	if err := l.ctx.Err(); err != nil {
		return err
	}
	l.examined++
	if !l.selects(r.Op, r.Actor, r.Stamped) || !l.concernedTo(r, of) {
		return nil
	}
	kind := fmt.Appendf(nil, `"kind":%q`, l.kind)
	if r.Event != nil && l.kind != "" && !bytes.Contains(r.Event, kind) {
		return nil
	}
	l.examined += told
	e, ok, err := l.tell(r)
	if err != nil || !ok || !l.matches(e) {
		return err
	}
	if err := l.query.stands(r); err != nil {
		return err
	}
	l.events = append(l.events, e)
	return nil
}

// concernedTo reports whether an event concerns the user whom the filter names, by what the viewer sees of it.
func (l *lister) concernedTo(r *trail.Record, of *trail.Subject) bool {
	if l.f.User == "" || of.Made(r) {
		return true
	}
	for _, c := range r.Changes {
		if of.Concerns(c, r.Index) && l.subject.Concerns(c, r.Index) {
			return true
		}
	}
	return false
}

// tell is what the viewer may see of an event; ok is false if that is nothing.
func (l *lister) tell(r *trail.Record) (e view.AuditEvent, ok bool, err error) {
	if r.Event == nil {
		err = l.query.retell(r, func(s past.Step) { e, ok = l.viewer.event(s) })
		return e, ok, err
	}
	dec := json.NewDecoder(bytes.NewReader(r.Event))
	dec.UseNumber()
	if err := dec.Decode(&e); err != nil || len(e.Changes) != len(r.Changes) {
		return e, false, fmt.Errorf("query: event #%d of the trail: %d changes: %w", r.Index, len(e.Changes), err)
	}
	if l.viewer.CanSeeAll() {
		return e, true, nil
	}
	e.Hash = ""
	if !l.subject.Made(r) {
		e.From = ""
	}
	seen := []view.AuditChange{}
	for i, c := range e.Changes {
		if l.subject.Concerns(r.Changes[i], r.Index) {
			seen = append(seen, c)
		}
	}
	e.Changes = seen
	return e, len(seen) > 0 || l.subject.Made(r), nil
}

// retell makes a step anew from the graphs.
func (q *audits) retell(r *trail.Record, tell func(past.Step)) error {
	s, err := q.history.At(r.Before.Index)
	if err == nil {
		_, err = q.history.WalkSome(s, r.Index, 1, tell)
	}
	return err
}

// stands is an error if an event is not any more as it was when it was taken into the trail.
func (q *audits) stands(r *trail.Record) error {
	now, err := q.log.Audit().Event(r.Index)
	switch {
	case errors.Is(err, eventlog.ErrNotFound):
		return &eventlog.AuditError{Index: r.Index, Kind: eventlog.Missing, Reason: "it is not there any more"}
	case err != nil:
		return err
	case now.Hash != r.Hash:
		return &eventlog.AuditError{Index: r.Index, Kind: eventlog.Altered, Reason: "its hash is another than it was"}
	}
	return r.Before.Check(now)
}
