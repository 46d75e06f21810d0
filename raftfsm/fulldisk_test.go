package raftfsm

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"hpfriends/eventlog/entry"
)

// TestFullFollowerOverATailSkipsNothing has a follower without room that has a tail which the leader's entries
// contradict. raft would cut the tail off, fail to store what comes in its place, and in time take the tail's end for
// committed.
func TestFullFollowerOverATailSkipsNothing(t *testing.T) {
	for seed := uint64(1); ; seed++ {
		met := false
		synctest.Test(t, func(t *testing.T) {
			w := newSimulation(t, seed, "n1", "n2", "n3")
			w.form()
			w.fill(100)
			w.alike()
			defer w.end()
			first := w.leader()
			if first.id != "n1" {
				return
			}
			w.mu.Lock()
			w.starve = [2]string{"n2", "n3"} // n2 will append alone
			w.mu.Unlock()
			w.isolate("n1", true)
			for i := range 50 {
				var b entry.Builder
				b.Add("c", 99, 1, time.Now().UnixMilli(), netip.Addr{}, frame("k", "c", "x"), 1)
				first.node.raft.Apply(b.Encode([16]byte{99}, uint64(i+1)), time.Second)
			}
			synctest.Wait()
			w.until("another elects", time.Minute, func() bool { return w.leader() != nil && w.leader() != first })
			tail := w.leader()
			if tail.id != "n2" {
				w.isolate("n1", false)
				return
			}
			met = true
			for i := range 60 {
				tail.node.raft.Apply((&entry.Checkpoint{Time: time.UnixMilli(int64(i))}).Encode(), time.Second)
			}
			synctest.Wait()
			w.isolate("n2", true)
			w.sever("n1", "n3", false)
			w.sever("n3", "n1", false)
			w.until("n1 leads again", time.Minute, first.node.Leading)
			w.fill(20)
			tail.full.Store(true)
			time.Sleep(time.Second)
			w.isolate("n2", false)
			time.Sleep(14 * time.Minute)
			tail.full.Store(false)
			w.fill(5)
			w.until("n2 has caught up", time.Minute, func() bool { return tail.log.Applied() >= w.leader().log.Applied() })
			w.alike()
		})
		if met {
			return
		}
		if seed == 20 {
			t.Fatal("with no seed did it come to a tail: this tests nothing")
		}
	}
}

// TestFullFollowerGoesOnAboveTheFloor fills the disk of the one follower that the leader needs, in a log that was cut
// not far below. When there is room again it goes on.
func TestFullFollowerGoesOnAboveTheFloor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimulation(t, 3, "n1", "n2")
		w.form()
		w.fill(20)
		w.alike()
		lead := w.leader()
		w.trim(lead, w.up()...)
		w.fill(10)
		w.alike()
		follower := w.nodes["n2"]
		if follower == lead {
			follower = w.nodes["n1"]
		}
		follower.full.Store(true)
		time.Sleep(time.Second)
		report, err := (&entry.Report{Node: "x", Time: time.Now()}).Encode()
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			lead.node.raft.Apply(report, time.Second)
		}
		time.Sleep(15 * time.Minute)
		if last, _ := lead.log.Last(); lead.node.raft.CommitIndex() >= last {
			t.Error("a follower without room has stored what came")
		}
		follower.full.Store(false)
		w.until("replication goes on", time.Minute, func() bool {
			l := w.leader()
			if l == nil {
				return false
			}
			last, _ := l.log.Last()
			return l.node.raft.CommitIndex() == last && follower.log.Applied()+2 >= last
		})
		w.end()
	})
}

// TestCutLogWithoutRetentionIsJoined has a log that was cut once, by a retention that nobody asks for any more and
// without a checkpoint. A blank node gets one all the same, and no vote before it has it.
func TestCutLogWithoutRetentionIsJoined(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimulation(t, 3, "n1", "n2", "n3")
		w.form()
		w.fill(20)
		w.alike()
		lead := w.leader()
		f := entry.Floor{Floor: lead.log.Applied() - 5, Reason: entry.FloorBySize, Time: time.Now()}
		if _, err := lead.node.propose(t.Context(), f.Encode()); err != nil {
			t.Fatal(err)
		}
		w.alike()
		c := w.join("n4")
		w.until("n4 votes", 2*time.Minute, func() bool {
			lead := w.leader()
			if lead == nil {
				return false
			}
			s, _ := lead.node.members.dir.server("n4")
			votes := s.Suffrage == 0
			if votes && c.log.Applied() == 0 {
				t.Fatal("n4 has nothing, and votes")
			}
			return votes
		})
		w.end()
	})
}
