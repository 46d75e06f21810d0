package past

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"hpfriends/eventlog"
	"hpfriends/graph"
)

// rebuilt is the graph at an index, from the first event and nothing else.
func (f fixture) rebuilt(index uint64) *graph.Graph {
	f.TB.Helper()
	g := graph.New()
	_, err := f.Log.Audit().Scan(0, 1<<30, func(r eventlog.AuditRecord) (err error) {
		if r.Index <= index {
			g, _, err = g.Replay(r.Index, r.Command)
		}
		return err
	})
	if err != nil {
		f.TB.Fatal(err)
	}
	return g
}

// The graph at any position is the one that was there, and the one rebuilt from the first event: from stored graphs,
// from waypoints, in any order, with all but a few of both thrown away.
func TestGraphAtAnyPositionIsTheOneRebuiltFromTheFirstEvent(t *testing.T) {
	f := newFixture(t)
	random := rand.New(rand.NewPCG(7, 7))
	want := f.history(400, random.IntN, 9, 32)
	stored, err := f.Log.StoredGraphs().List()
	if err != nil || len(stored) < 4 || len(stored) > 12 {
		t.Fatalf("%d graphs are stored, %v: want one in each span of 32 events", len(stored), err)
	}
	past := New(f.Log, Config{Every: 6, Waypoints: 5})
	order := random.Perm(len(want) + 3)
	for _, i := range order {
		g, err := past.GraphAt(uint64(i))
		if err != nil {
			t.Fatal(err)
		}
		got, _ := g.MarshalBinary()
		if !bytes.Equal(got, want[min(i, len(want)-1)]) {
			t.Fatalf("the graph at #%d is another than it was", i)
		}
		if i%10 == 0 {
			if first, _ := f.rebuilt(uint64(i)).MarshalBinary(); !bytes.Equal(got, first) {
				t.Fatalf("the graph at #%d is another than that of the first events", i)
			}
		}
		if len(past.waypoints) > past.config.Waypoints {
			t.Fatalf("%d waypoints are kept, want %d", len(past.waypoints), past.config.Waypoints)
		}
	}
}

// With milestones no moment is far from a graph that is in memory, however long the history; they do not multiply, and
// the graphs are those that were there.
func TestMilestonesMakeEveryMomentNear(t *testing.T) {
	f := newFixture(t)
	random := rand.New(rand.NewPCG(5, 5))
	want := f.history(400, random.IntN, 1000, 1000)
	past := New(f.Log, Config{Every: 4, Waypoints: 3, Milestones: 12})
	survey := func(room bool) {
		t.Helper()
		for at := (State{Graph: graph.New()}); ; {
			next, err := past.survey(at, func() bool { return room })
			if err != nil {
				t.Fatal(err)
			}
			if next.Mark == at.Mark {
				return
			}
			at = next
		}
	}
	if survey(false); len(past.waypoints) > 0 {
		t.Errorf("%d milestones are kept where there is no room", len(past.waypoints))
	}
	survey(true)
	newest, err := f.Log.Audit().Newest()
	if err != nil || newest.Number < 100 {
		t.Fatalf("%d events, %v", newest.Number, err)
	}
	if many := len(past.waypoints); many > 12 || uint64(many) != newest.Number/past.every {
		t.Errorf("%d milestones are kept, each %d of %d events, want at most 12", many, past.every, newest.Number)
	}
	for _, i := range random.Perm(len(want)) {
		target, err := f.Log.Audit().Before(uint64(i))
		if err != nil {
			t.Fatal(err)
		}
		near, err := past.nearest(target)
		if err != nil || target.Number-near.Mark.Number >= past.every {
			t.Fatalf("event %d is reached from event %d, %v", target.Number, near.Mark.Number, err)
		}
		g, err := past.GraphAt(uint64(i))
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := g.MarshalBinary(); !bytes.Equal(got, want[i]) {
			t.Fatalf("the graph at #%d is another than it was", i)
		}
	}
	if many := uint64(len(past.waypoints)); many > newest.Number/past.every+3 {
		t.Errorf("%d waypoints are kept beside the milestones, want 3", many-newest.Number/past.every)
	}
}

// Whoever asks for a moment does not wait for somebody who asks for another one, and the newest is not rebuilt.
func TestNobodyWaitsForAnotherMoment(t *testing.T) {
	f := newFixture(t)
	past := New(f.Log, Config{Newest: func() *graph.Graph { return f.Graph }})
	f.history(100, rand.New(rand.NewPCG(3, 4)).IntN, 20, 64)
	mark, err := f.Log.Audit().Before(50)
	if err != nil {
		t.Fatal(err)
	}
	begun, end := make(chan struct{}), make(chan struct{})
	defer close(end)
	go func() {
		_, _, _ = past.flight.Do(format(mark.Index), func() (any, error) {
			close(begun)
			<-end
			return State{}, nil
		})
	}()
	<-begun
	done := make(chan error)
	go func() {
		_, err := past.GraphAt(mark.Index - 1)
		done <- err
	}()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("who asks for a moment waits for another one")
	}
	if g, err := past.GraphAt(f.Graph.Index()); err != nil || g != f.Graph {
		t.Errorf("the newest graph is rebuilt, %v", err)
	}
}
