package raftfsm

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"hpfriends/graph"
)

func TestAnyNodeTakesChangesAndReadsItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newArchipelago(t, 1, "n1", "n2", "n3")
		w.form()
		for i := range 30 {
			c := w.nodes[w.names[i%3]]
			handle := fmt.Sprintf("user%d", i)
			out, err := c.node.Change(t.Context(), graph.Command{By: operator, Op: graph.AddUser{Handle: handle}})
			if err != nil {
				t.Fatal(err)
			}
			if u, ok := c.node.Graph().UserByHandle(handle); !ok || uint64(u.ID) != out.Object {
				t.Fatalf("%s does not read what it has written: %s", c.id, handle)
			}
		}
		_, err := w.nodes["n2"].node.Change(t.Context(), graph.Command{By: operator, Op: graph.AddUser{Handle: "user0"}})
		if want := graph.ErrConflict; err == nil || !errors.Is(err, want) {
			t.Errorf("a refusal through a follower is %v, want %v", err, want)
		}
		old := w.leader()
		begin := time.Now()
		old.crash(func() {})
		c := w.up()[0]
		if _, err := c.node.Change(t.Context(), graph.Command{By: operator, Op: graph.AddUser{Handle: "after"}}); err != nil {
			t.Fatalf("a change right after the leader's crash: %v", err)
		}
		t.Logf("change after a crash of the leader: %v", time.Since(begin))
		for _, c := range w.up() {
			c.stop()
		}
	})
}
