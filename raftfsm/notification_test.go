package raftfsm

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"hpfriends/graph"
)

// A change that nothing follows is applied on the followers within a few ways through the network, which take up to 2
// ms each. Without notifications it takes raft's CommitTimeout.
func TestFollowersHearOfACommitAtOnce(t *testing.T) {
	worst := func(t *testing.T, grace time.Duration) (late time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			w := newSimulation(t, 3, "n1", "n2", "n3")
			w.grace = grace
			w.form()
			for i := range 20 {
				time.Sleep(3 * commitTimeout)
				if _, err := w.leader().node.Change(t.Context(),
					graph.Command{By: operator, Op: graph.AddUser{Handle: fmt.Sprint("user", i)}}); err != nil {
					t.Fatal(err)
				}
				index := w.leader().log.Applied()
				begin := time.Now()
				for _, c := range w.up() {
					if _, err := c.log.Wait(t.Context(), index-1); err != nil {
						t.Fatal(err)
					}
				}
				late = max(late, time.Since(begin))
			}
			for _, c := range w.up() {
				c.stop()
			}
		})
		return late
	}
	const prompt = 15 * time.Millisecond
	with := worst(t, 0)
	without := worst(t, time.Hour)
	t.Logf("followers apply after the leader: %v with notifications, %v without", with, without)
	if with > prompt {
		t.Errorf("a follower applied %v after the leader", with)
	}
	if without <= prompt {
		t.Errorf("without notifications it is %v: this test shows nothing", without)
	}
}
