package query

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"hpfriends/eventlog"
	"hpfriends/graph"
	"hpfriends/query/past"
	"hpfriends/query/view"
)

// listed is what a lister of its own finds, along the trail or in the history.
func (f *fixture) listed(
	q *Query, viewer graph.Actor, filter AuditFilter, along bool,
) (_ []view.AuditEvent, known bool) {
	f.TB.Helper()
	l := lister{ctx: f.TB.Context(), query: &q.audits, history: q.history, viewer: auditViewer{q.Viewer(viewer)},
		f: filter, events: []view.AuditEvent{}}
	var err error
	if l.kind, l.name, err = parseObject(filter.Object); err != nil {
		f.TB.Fatal(err)
	}
	lo, hi, err := l.bounds()
	if err != nil {
		f.TB.Fatal(err)
	}
	switch {
	case along:
		if known, err = l.along(lo, hi); !known {
			return nil, false
		}
	case filter.Oldest:
		err = l.upwards(lo, hi)
	default:
		err = l.downwards(lo, hi)
	}
	if err != nil && !errors.Is(err, errEnough) {
		f.TB.Fatal(err)
	}
	return l.events, true
}

// The trail tells every viewer what the history itself tells them, whatever they ask for, also of events that are too
// large to be kept.
func TestTheTrailTellsWhatTheHistoryTells(t *testing.T) {
	f, q := newFixture(t)
	f.history(500, rand.New(rand.NewPCG(7, 8)).IntN, 20, 64)
	q.trail.keep = 3
	viewers := []graph.Actor{{Operator: true}}
	users := []string{""}
	for u := range f.Graph.Users() {
		if users = append(users, u.Handle); u.Enabled {
			viewers = append(viewers, graph.Actor{User: u.ID})
		}
	}
	asked, some := 0, 0
	for _, viewer := range viewers {
		for _, user := range users {
			for _, filter := range []AuditFilter{
				{}, {Op: "share.*"}, {Op: "user.remove"}, {Actor: "operator"}, {Object: "share"}, {Object: "membership"},
				{Since: past.AtIndex(f.Index / 3), Until: past.AtIndex(2 * f.Index / 3)},
			} {
				for _, filter.Oldest = range []bool{false, true} {
					filter.User = user
					got, known := f.listed(q, viewer, filter, true)
					if !known {
						continue // two users have had the handle
					}
					want, _ := f.listed(q, viewer, filter, false)
					if !reflect.DeepEqual(got, want) {
						t.Fatalf("%+v, %+v: %d events, want %d", viewer, filter, len(got), len(want))
					}
					if asked++; viewer.User != 0 {
						some += len(got)
					}
				}
			}
		}
	}
	if asked < 50 || some < 50 {
		t.Errorf("%d questions, %d events of users", asked, some)
	}
}

// What a user's audit costs does not grow with what the others do.
func TestTheAuditOfOneCostsWhatItShows(t *testing.T) {
	f, q := newFixture(t)
	quiet := graph.UserID(f.change(0, graph.AddUser{Handle: "quiet"}))
	loud := graph.UserID(f.change(0, graph.AddUser{Handle: "loud"}))
	q.trail.behind = 20
	for i := range 50 {
		f.change(loud, graph.AddAuthkey{Ident: fmt.Sprint("key", i), Secret: []byte("x")})
	}
	f.change(loud, graph.AddShare{Channel: "c", Group: graph.Everyone})
	if _, known := f.listed(q, graph.Actor{User: quiet}, AuditFilter{}, true); known {
		t.Error("whoever asks takes a long history into the trail")
	}
	for all := false; !all; {
		var err error
		if all, err = q.trail.advance(10); err != nil {
			t.Fatal(err)
		}
	}
	l := lister{
		ctx: t.Context(), query: &q.audits, history: q.history, viewer: auditViewer{q.Viewer(graph.Actor{User: quiet})},
	}
	if known, err := l.along(1, f.Index); !known || err != nil || len(l.events) != 2 {
		t.Fatal(known, err, len(l.events))
	}
	if l.examined > 2*(1+told) {
		t.Errorf("%d examined for 2 events", l.examined)
	}
	// A fresh process goes on where the last one has stopped.
	again := New(f.Log, func() *graph.Graph { return f.Graph }, f)
	f.change(quiet, graph.AddAuthkey{Ident: "mine", Secret: []byte("x")})
	events, _, err := again.AuditEvents(t.Context(), graph.Actor{User: quiet}, AuditFilter{})
	if err != nil || len(events) != 3 || events[0].Op != "authkey.add" || again.trail.at.Mark.Index != f.Index {
		t.Errorf("%d events, %v", len(events), err)
	}
}

// An event that was altered after it was taken into the trail is an error, and no answer.
func TestTheTrailShowsNothingThatWasAltered(t *testing.T) {
	f, q := newFixture(t)
	f.change(0, graph.AddUser{Handle: "ada"})
	f.change(0, graph.AddUser{Handle: "bob"})
	operator := graph.Actor{Operator: true}
	if events, _, err := q.AuditEvents(t.Context(), operator, AuditFilter{}); err != nil || len(events) != 2 {
		t.Fatal(events, err)
	}
	first := f.raws()[0]
	first.value[len(first.value)-3] ^= 1
	f.tamper(func(tx *eventlog.Update) {
		tx.Put(eventlog.SpaceAudit, eventlog.IndexKey(first.index), first.value)
	})
	var fault *eventlog.AuditError
	_, _, err := q.AuditEvents(t.Context(), operator, AuditFilter{})
	if !errors.As(err, &fault) || fault.Index != first.index {
		t.Errorf("the altered event is answered: %v", err)
	}
	f.tamper(func(tx *eventlog.Update) { tx.Delete(eventlog.SpaceAudit, eventlog.IndexKey(first.index)) })
	_, _, err = q.AuditEvents(t.Context(), operator, AuditFilter{})
	if !errors.As(err, &fault) || fault.Kind != eventlog.Missing {
		t.Errorf("the missing event is answered: %v", err)
	}
}
