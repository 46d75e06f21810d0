package version

import (
	"testing"

	"hpfriends/graph"
)

// TestVersionsInForce: who walks along the log is in the version of its place, and knows if it has lost something.
func TestVersionsInForce(t *testing.T) {
	g := graph.New()
	first := New(g, 0)
	v := first
	for _, s := range []struct {
		index uint64
		op    graph.Op
	}{{10, graph.AddUser{Handle: "a"}}, {20, graph.RemoveUser{User: 10}}, {30, graph.AddUser{Handle: "b"}}} {
		old := v
		select {
		case <-old.Changed():
			t.Fatal("changed before there is a newer version")
		default:
		}
		var err error
		if g, _, err = g.Apply(s.index, graph.Command{By: graph.Actor{Operator: true}, Op: s.op}); err != nil {
			t.Fatal(err)
		}
		v = v.Append(g, s.index, s.op)
		<-old.Changed()
	}
	for at, want := range map[uint64]uint64{0: 0, 9: 0, 10: 10, 19: 10, 20: 20, 29: 20, 30: 30, 99: 30} {
		if got := first.At(at); got.Index != want || got.Graph.Index() != want {
			t.Errorf("in force at %d is %d, want %d", at, got.Index, want)
		}
	}
	if first.Newest() != v || v.Newest() != v {
		t.Error("the newest is another")
	}
	for _, tt := range []struct {
		from, to uint64
		want     bool
	}{{0, 0, false}, {0, 10, false}, {10, 20, true}, {0, 30, true}, {20, 30, false}} {
		if got := first.At(tt.to).RevokesSince(first.At(tt.from)); got != tt.want {
			t.Errorf("from %d to %d something is revoked: %v", tt.from, tt.to, got)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("a version that is not the newest was appended to")
		}
	}()
	first.Append(g, 40, graph.Expire{})
}

// A snapshot replaces the graph by changes that nobody saw one by one: readers must look at all their rights again.
func TestVersionWithoutAnOperationRevokes(t *testing.T) {
	first := New(graph.New(), 0)
	if now := first.Append(graph.New(), 9, nil); !now.RevokesSince(first) {
		t.Error("a version of unknown changes takes nothing away")
	}
}
