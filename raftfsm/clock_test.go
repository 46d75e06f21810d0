package raftfsm

import (
	"net/netip"
	"testing"
	"time"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/raftfsm/survey"
)

// A clock that steps years ahead between two looks at the others stamps no message, and ends no authkey, by that.
func TestStampIsBoundedByTheOthersClocks(t *testing.T) {
	r := open(t, t.TempDir())
	others := []survey.Member{{ID: r.ID()}}
	for _, id := range []string{"other-1", "other-2"} {
		others = append(others, survey.Member{ID: id, Report: survey.Report{Times: survey.Times{Now: time.Now()}}})
	}
	if r.clock.compare(r.ID(), others) {
		t.Error("a clock that agrees is called wrong")
	}
	r.clock.skew.Store(int64(3 * 365 * 24 * time.Hour))
	in := NewIngest(r.Node)
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
	if ahead := time.Until(time.UnixMilli(h.Runs[0].Time)); ahead > eventlog.ClockSlack || ahead < 0 {
		t.Errorf("the message is stamped %s ahead of the others, want at most %s", ahead, eventlog.ClockSlack)
	}
	if !r.clock.compare(r.ID(), others) {
		t.Error("a clock that is years ahead is not called wrong")
	}
	if r.clock.compare(r.ID(), others[:1]); time.Until(r.clock.now()) < 24*time.Hour {
		t.Error("without others a node goes by something else than its own clock")
	}
}
