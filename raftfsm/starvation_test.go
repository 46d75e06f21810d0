package raftfsm

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"hpfriends/graph"
	"hpfriends/raftfsm/survey"
)

// starve has the leader refuse a member everything but heartbeats until it leads no more, and says whether the member
// has caught up within limit, and what the status warned of meanwhile.
func starve(t *testing.T, blind bool, limit time.Duration) (fed bool, warned string) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimulation(t, 3, "n1", "n2", "n3")
		w.form()
		time.Sleep(2 * survey.MinTenure * time.Second)
		leader := w.leader()
		victim := w.nodes["n2"]
		if leader == victim {
			victim = w.nodes["n3"]
		}
		w.mu.Lock()
		w.starve = [2]string{leader.id, victim.id}
		w.mu.Unlock()
		if blind { // no member's report arrives
			w.mu.Lock()
			w.lose = 1
			w.mu.Unlock()
		}
		stuck, _ := victim.log.Last()
		for begin := time.Now(); !fed && time.Since(begin) < limit; time.Sleep(time.Second) {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			_, _ = leader.node.Change(ctx, graph.Command{By: operator,
				Op: graph.AddUser{Handle: "u" + time.Now().Format("150405")}})
			if s, err := victim.node.Members().Status(ctx); err == nil &&
				strings.Contains(strings.Join(s.Warnings, ";"), "gets no entries") {
				warned = strings.Join(s.Warnings, ";")
			}
			cancel()
			last, _ := victim.log.Last()
			fed = last > stuck+5 && leader.node.raft.State() != raft.Leader
			if fed {
				t.Logf("fed again after %v", time.Since(begin))
			}
		}
		for _, c := range w.up() {
			c.stop()
		}
		time.Sleep(time.Minute)
	})
	return fed, warned
}

// A follower that hears its leader and gets no entries is given another one.
func TestStarvingFollowerGetsAnotherLeader(t *testing.T) {
	if fed, warned := starve(t, false, 30*time.Second); !fed || warned == "" {
		t.Errorf("fed: %v, warning: %q", fed, warned)
	}
	if testing.Short() {
		t.Skip("the control waits for what must not come")
	}
	if fed, _ := starve(t, true, 3*time.Minute); fed {
		t.Error("the control shows nothing: nobody looked, and the follower was fed")
	}
}
