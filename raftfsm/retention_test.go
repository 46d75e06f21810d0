package raftfsm

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"hpfriends/eventlog"
	"hpfriends/graph"
)

// openWith opens a node that keeps its log as c says.
func openWith(t *testing.T, dir string, c Config) *running {
	t.Helper()
	log, err := eventlog.Open(eventlog.Config{Dir: filepath.Join(dir, "log"), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	c.Dir, c.Log, c.Logger = dir, log, slog.New(slog.DiscardHandler)
	c.Fail = func(err error) { t.Errorf("fail-stop: %v", err) }
	n, err := Open(c)
	if err != nil {
		log.Close()
		t.Fatal(err)
	}
	if err := n.AwaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	return &running{n, log}
}

// publish proposes n batches of about size bytes that cannot be compressed, with the time at.
func (r *running) publish(t *testing.T, session byte, n, size int, at time.Time) {
	t.Helper()
	rng := rand.New(rand.NewPCG(uint64(session), 1))
	payload := make([]byte, size)
	for seq := range n {
		for i := range payload {
			payload[i] = byte(rng.Uint32())
		}
		var b eventlog.Builder
		b.Add("c", 1, 1, at.UnixMilli(), netip.Addr{}, frame("i", "c", string(payload)), 1)
		if _, err := r.propose(t.Context(), b.Encode([16]byte{session}, uint64(seq)+1)); err != nil {
			t.Fatal(err)
		}
	}
}

func (r *running) raise(t *testing.T, floor uint64) {
	t.Helper()
	e := eventlog.FloorEntry{Floor: floor, Reason: eventlog.FloorBySize, Time: time.Now()}
	if _, err := r.propose(t.Context(), e.Encode()); err != nil {
		t.Fatal(err)
	}
}

// TestRestartWithAnyFloor moves the floor beyond the newest raft configuration, to the last entries, and to the entry of the
// floor itself, which then is the whole log; the node starts again, knows its graph, and takes changes.
func TestRestartWithAnyFloor(t *testing.T) {
	for name, floor := range map[string]func(applied uint64) uint64{
		"beyond the configuration": func(uint64) uint64 { return 5 },
		"the last entries":         func(applied uint64) uint64 { return applied - 1 },
		"at applied":               func(applied uint64) uint64 { return applied + 1 },
		"above applied":            func(applied uint64) uint64 { return applied + 1000 },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			r := openWith(t, dir, Config{})
			r.mustChange(t, operator, graph.AddUser{Handle: "ada"})
			r.publish(t, 1, 10, 1000, time.Now())
			want := floor(r.log.Applied())
			r.raise(t, want)
			entry := r.log.Applied()
			if got := r.log.Floor(); got != min(want, entry) {
				t.Fatalf("the floor is %d, want %d, its own entry is %d", got, want, entry)
			}
			if err := r.log.Reclaim(); err != nil {
				t.Fatal(err)
			}
			for i := range 3 {
				r.close(t)
				r = openWith(t, dir, Config{})
				if got := r.log.Floor(); got != min(want, entry) {
					t.Fatalf("restart %d: the floor is %d, want %d", i, got, min(want, entry))
				}
				if _, ok := r.Graph().UserByHandle("ada"); !ok {
					t.Error("the graph is lost")
				}
				r.mustChange(t, operator, graph.AddUser{Handle: fmt.Sprintf("user%d", i)})
			}
			r.publish(t, 1, 11, 1000, time.Now()) // the session is still known: ten repeats and one more
			if n := len(messages(t, r.log)[1]); n == 0 || n > 11 {
				t.Errorf("%d messages above the floor", n)
			}
			r.close(t)
		})
	}
}

// TestRetentionBySize writes more than is kept: the floor follows, the audit stays, and what is left is sound.
func TestRetentionBySize(t *testing.T) {
	const limit = 8 << 20
	r := openWith(t, t.TempDir(), Config{})
	defer r.close(t)
	out := r.mustChange(t, operator, graph.AddUser{Handle: "ada"})
	r.publish(t, 1, 100, 200<<10, time.Now())
	keep := retainer{node: r.Node, Retention: Retention{Size: limit, Age: time.Hour}}
	if err := keep.look(time.Now()); err != nil {
		t.Fatal(err)
	}
	size, err := r.log.Size()
	if err != nil || size > limit || size < limit/2 || r.log.Reclaimed() < 10<<20 {
		t.Errorf("%d bytes are kept, %d reclaimed, %v", size, r.log.Reclaimed(), err)
	}
	if _, err := r.log.Entry(out.Index); !errors.Is(err, eventlog.ErrBelowFloor) {
		t.Errorf("entry %d: %v", out.Index, err)
	}
	if _, err := r.log.Get(eventlog.SpaceAudit, eventlog.IndexKey(out.Index)); err != nil {
		t.Errorf("the audit event is gone with its entry: %v", err)
	}
	if _, err := r.log.Verify(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

// TestRetentionByAge keeps what is young, and comes to rest when there is nothing left to drop.
func TestRetentionByAge(t *testing.T) {
	r := openWith(t, t.TempDir(), Config{})
	defer r.close(t)
	now := time.Now()
	r.publish(t, 1, 20, 100<<10, now.Add(-2*time.Hour)) // clocks of publishers' nodes are what counts
	r.publish(t, 2, 5, 100<<10, now)
	keep := retainer{node: r.Node, Retention: Retention{Age: time.Hour}}
	look := func(at time.Time) (floor uint64) {
		t.Helper()
		if err := keep.look(at); err != nil {
			t.Fatal(err)
		}
		return r.log.Floor()
	}
	floor := look(now)
	left := 0
	for index := floor; index <= r.log.Applied(); index++ {
		if b, err := r.log.Batch(index); err == nil {
			left += int(b.Messages())
		}
	}
	if left != 5 {
		t.Errorf("%d messages are left, want the 5 young ones", left)
	}
	for _, later := range []time.Duration{0, 20 * time.Minute, 40 * time.Minute} {
		if got := look(now.Add(later)); got != floor {
			t.Errorf("after %v: floor %d, want %d still", later, got, floor)
		}
	}
	empty := look(now.Add(3 * time.Hour))
	if empty <= floor {
		t.Errorf("the floor stays at %d when all is old", empty)
	}
	for _, later := range []time.Duration{30 * time.Hour, 60 * time.Hour} {
		if got := look(now.Add(later)); got != empty {
			t.Errorf("the floor of an empty log rises from %d to %d", empty, got)
		}
	}
}
