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
