package raftfsm

import (
	"testing"
	"testing/synctest"
	"time"
)

// A load balancer that asks every second must not fill the log.
func TestReadyWritesOncePerTerm(t *testing.T) {
	r := open(t, t.TempDir())
	before, _ := r.log.Last()
	for range 50 {
		if err := r.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if after, _ := r.log.Last(); after > before+1 {
		t.Errorf("50 questions made %d entries", after-before)
	}
}

// Entries that the FSM never sees are no backlog: leaders come and go in a cluster in which nothing is published.
func TestElectionsAreNoBacklog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimulation(t, 1, "n1", "n2", "n3")
		w.form()
		for range 5 {
			l := w.leader()
			if err := l.node.Members().TransferLeadership(t.Context(), ""); err != nil {
				t.Fatal(err)
			}
			w.until("another leads", 20*time.Second, func() bool {
				next := w.leader()
				return next != nil && next != l && next.node.Ready(t.Context()) == nil
			})
		}
		time.Sleep(2 * time.Second)
		s, err := w.leader().node.Members().Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range s.Members {
			if m.Lag > 0 || m.Err != nil {
				t.Errorf("%s is %d entries behind: %v", m.ID, m.Lag, m.Err)
			}
		}
		for _, c := range w.up() {
			c.stop()
		}
	})
}
