package raftfsm

import (
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/graph/scope"
	"hpfriends/raftfsm/survey"
)

// A clock that steps years ahead between two looks at the others stamps no message, and ends no authkey, by that.
func TestStampIsBoundedByTheOthersClocks(t *testing.T) {
	var ahead atomic.Int64
	r := openWith(t, t.TempDir(), Config{Wall: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }})
	others := []survey.Member{{ID: r.ID()}}
	for _, id := range []string{"other-1", "other-2"} {
		others = append(others, survey.Member{ID: id, Report: survey.Report{Times: survey.Times{Now: time.Now()}}})
	}
	r.clock.Compare(r.ID(), others)
	ahead.Store(int64(3 * 365 * 24 * time.Hour))
	in := NewIngest(r.Node, nil)
	stop := runIngest(t, in)
	s := &Source{Authkey: 1, Origin: 1, Remote: netip.Addr{}}
	if err := in.Publish(t.Context(), s, "c", frame("k", "c", "x"), 1); err != nil {
		t.Fatal(err)
	}
	stop()
	found, err := r.log.Next(everything, 0, 1)
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	e, err := r.log.Entry(found[0])
	if err != nil {
		t.Fatal(err)
	}
	h, err := entry.DecodeHeader(e.Data)
	if err != nil {
		t.Fatal(err)
	}
	if off := time.Until(time.UnixMilli(h.Runs[0].Time)); off > eventlog.ClockSlack || off < 0 {
		t.Errorf("the message is stamped %s ahead of the others, want at most %s", off, eventlog.ClockSlack)
	}
}

// What has expired is ended by a time that is trusted, and stays ended for who logs in whatever the clock says next.
func TestStepOfTheClockExpiresNothing(t *testing.T) {
	var off atomic.Int64
	r := openWith(t, t.TempDir(), Config{Wall: func() time.Time { return time.Now().Add(time.Duration(off.Load())) }})
	ada := r.mustChange(t, operator, graph.AddUser{Handle: "ada"})
	expires := time.Now().Add(time.Hour)
	r.mustChange(t, operator, graph.AddToken{
		Owner: graph.UserID(ada.Object), Hash: make([]byte, 32), Expires: expires,
		Grant: scope.Grant{Scopes: []scope.Scope{scope.Read}},
	})
	off.Store(int64(3 * 365 * 24 * time.Hour))
	r.clock.Look()
	r.expire()
	if _, ok := r.Graph().TokenByHash(make([]byte, 32)); !ok {
		t.Error("a token was removed by one reading of a wrong clock")
	}
	if now := r.Now(); now.After(expires) {
		t.Errorf("by a clock that has just stepped it is %v", now)
	}
	r.clock.Accept(time.Now().Add(time.Duration(off.Load())))
	r.expire()
	if _, ok := r.Graph().TokenByHash(make([]byte, 32)); ok {
		t.Error("a token whose time has come by an accepted clock stays")
	}
	off.Store(0)
	r.clock.Look()
	if now := r.Now(); now.Before(expires) {
		t.Errorf("by a clock that went back it is %v: what had expired is valid again", now)
	}
}
