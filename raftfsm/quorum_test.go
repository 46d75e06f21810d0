package raftfsm

import (
	"testing"
	"time"

	"hpfriends/raftfsm/survey"
)

// A vote is for who has nearly everything and room for more. In a log of a few entries, a blank node is not far behind.
func TestFitForAVote(t *testing.T) {
	r := open(t, t.TempDir())
	m := &Members{node: r.Node}
	good := survey.Member{Lag: promoteLag, Report: survey.Report{Last: 10, Applied: 9}}
	if !m.fit(good) {
		t.Error("a member that is close gets no vote")
	}
	for what, spoil := range map[string]func(*survey.Member){
		"far behind": func(m *survey.Member) { m.Lag++ },
		"silent":     func(m *survey.Member) { m.Err = ErrUnavailable },
		"blank":      func(m *survey.Member) { m.Report.Last, m.Report.Applied, m.Lag = 0, 0, 5 },
		"full":       func(m *survey.Member) { m.Report.Full = true },
	} {
		bad := good
		if spoil(&bad); m.fit(bad) {
			t.Errorf("a member that is %s gets a vote", what)
		}
	}
	r.publish(t, 1, 5, 100, time.Now())
	r.raise(t, r.log.Applied())
	if below := (survey.Member{Report: survey.Report{Last: 1, Applied: 1}}); m.fit(below) {
		t.Error("a member whose log ends below the floor gets a vote")
	}
}
