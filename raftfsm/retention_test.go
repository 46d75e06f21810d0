package raftfsm

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	raftboltdb "github.com/hashicorp/raft-boltdb/v2"

	"hpfriends/eventlog"
	"hpfriends/eventlog/cold"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/raftfsm/retention"
	"hpfriends/raftfsm/store"
)

// publish proposes n batches of about size bytes that cannot be compressed, with the time at.
func (r *running) publish(t *testing.T, session byte, n, size int, at time.Time) {
	t.Helper()
	rng := rand.New(rand.NewPCG(uint64(session), 1))
	payload := make([]byte, size)
	for seq := range n {
		for i := range payload {
			payload[i] = byte(rng.Uint32())
		}
		var b entry.Builder
		b.Add("c", 1, 1, at.UnixMilli(), netip.Addr{}, frame("i", "c", string(payload)), 1)
		if _, err := r.propose(t.Context(), b.Encode([16]byte{session}, uint64(seq)+1)); err != nil {
			t.Fatal(err)
		}
	}
}

func (r *running) raise(t *testing.T, floor uint64) {
	t.Helper()
	e := entry.Floor{Floor: floor, Reason: entry.FloorBySize, Time: time.Now()}
	if _, err := r.propose(t.Context(), e.Encode()); err != nil {
		t.Fatal(err)
	}
}

// checkpoint has a checkpoint kept.
func (r *running) checkpoint(t *testing.T) (index uint64) {
	t.Helper()
	e := entry.Checkpoint{Kept: true, Time: time.Now()}
	if _, err := r.propose(t.Context(), e.Encode()); err != nil {
		t.Fatal(err)
	}
	index = r.log.Applied()
	eventually(t, "the checkpoint is not kept", func() bool {
		kept, err := r.log.Checkpoints().Indexes()
		return err == nil && slices.Contains(kept, index)
	})
	return index
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for begin := time.Now(); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Since(begin) > 20*time.Second {
			t.Fatalf("after 20 s: %s", what)
		}
	}
}

// TestRestartWithAnyFloor moves the floor beyond the newest raft configuration, to the last entries, and to the entry
// of the floor itself, which then is the whole log; the node starts again, knows its graph, and takes changes.
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
			if err := r.log.Retention().Reclaim(); err != nil {
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
			if n := len(messages(t, r.log, r.log.Floor())[1]); n == 0 || n > 11 {
				t.Errorf("%d messages above the floor", n)
			}
			r.close(t)
		})
	}
}

// TestRetentionBySize writes more than is kept: the floor follows, the audit stays, and what is left is sound.
func TestRetentionBySize(t *testing.T) {
	const limit = 8 << 20
	r := openWith(t, t.TempDir(), Config{Retention: retention.Policy{Size: limit, Age: time.Hour}})
	out := r.mustChange(t, operator, graph.AddUser{Handle: "ada"})
	for i := range 20 {
		before := r.fsm.CheckpointMark().Kept
		r.publish(t, byte(i), 5, 200<<10, time.Now())
		eventually(t, "no checkpoint comes", func() bool { return r.fsm.CheckpointMark().Kept > before })
	}
	eventually(t, "the log is still too large", func() bool {
		size, err := r.log.Retention().Size()
		return err == nil && size <= limit+1<<20 && r.log.Retention().Reclaimed() > 8<<20
	})
	least := int64(limit / 2)
	if cold.PacksSoon {
		least = 1 // whole blocks go, and one may have 64 of these entries
	}
	if size, err := r.log.Retention().Size(); err != nil || size < least {
		t.Errorf("%d bytes are left, %v", size, err)
	}
	if _, err := r.log.Entry(out.Index); !errors.Is(err, eventlog.ErrBelowFloor) {
		t.Errorf("entry %d: %v", out.Index, err)
	}
	if _, err := r.log.Audit().Event(out.Index); err != nil {
		t.Errorf("the audit event is gone with its entry: %v", err)
	}
	if _, err := r.log.Verify(t.Context(), nil); err != nil {
		t.Error(err)
	}
	r.close(t)
}

// TestRetentionByAgeComesToRest keeps what is young, and wants nothing more when only entries without messages are old.
func TestRetentionByAgeComesToRest(t *testing.T) {
	r := openWith(t, t.TempDir(), Config{})
	now := time.Now()
	r.publish(t, 1, 20, 1000, now.Add(-2*time.Hour)) // the clock of the node that received it is what counts
	cut := r.checkpoint(t)
	r.publish(t, 2, 5, 1000, now)
	r.checkpoint(t)
	wants := func(at time.Time) uint64 {
		t.Helper()
		accepted := graph.Retention{Accepted: graph.Mark{Index: 1, Time: at}, Clock: at}
		e, err := retention.NewKeeper(retention.Policy{Age: time.Hour}, r.log).Floor(
			retention.Moment{Time: at, Trusted: true, Retention: accepted})
		if err != nil {
			t.Fatal(err)
		}
		if e == nil {
			return 0
		}
		return e.Floor
	}
	if floor := wants(now); floor != cut+1 {
		t.Fatalf("floor %d is wanted, want that behind the checkpoint %d", floor, cut)
	}
	r.raise(t, wants(now))
	if n := len(messages(t, r.log, r.log.Floor())[1]); n != 5 {
		t.Errorf("%d messages are left, want the 5 young ones", n)
	}
	if floor := wants(now.Add(40 * time.Minute)); floor != 0 {
		t.Errorf("floor %d is wanted before anything more is old", floor)
	}
	if last := wants(now.Add(3 * time.Hour)); last == 0 {
		t.Error("all messages are old, and stay")
	} else {
		r.raise(t, last)
	}
	if floor := wants(now.Add(30 * time.Hour)); floor != 0 {
		t.Errorf("a log without messages wants floor %d: floors would make floors", floor)
	}
}

// TestRetentionFreesAFullDisk turns retention on when the disk is full already.
func TestRetentionFreesAFullDisk(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir)
	r.publish(t, 1, 40, 100<<10, time.Now())
	r.close(t)
	// It refuses, and goes on.
	full := func() (store.Space, error) { return store.Space{Free: 3 << 29, Total: 100 << 30}, nil }
	r = openWith(t, dir, Config{Retention: retention.Policy{Size: 1 << 20}, Space: full})
	eventually(t, "nothing is removed", func() bool { return r.log.Floor() > 1 })
	if r.Full() == nil {
		t.Error("the disk was not full: this tests nothing")
	}
}

// TestClockThatWasAheadEndsNothing has a checkpoint of a leader whose clock was a month ahead.
func TestClockThatWasAheadEndsNothing(t *testing.T) {
	r := openWith(t, t.TempDir(), Config{Retention: retention.Policy{Age: 20 * time.Second}})
	e := entry.Checkpoint{Kept: true, Time: time.Now().Add(30 * 24 * time.Hour)}
	if _, err := r.propose(t.Context(), e.Encode()); err != nil {
		t.Fatal(err)
	}
	ahead := r.fsm.CheckpointMark().Kept
	r.publish(t, 1, 10, 1<<10, time.Now().Add(-time.Minute))
	eventually(t, "no checkpoint comes after it", func() bool { return r.fsm.CheckpointMark().Kept > ahead })
}

// TestCheckOfAStoppedNode is clean for a sound one, writes nothing, and finds a wrong value and a missing file.
func TestCheckOfAStoppedNode(t *testing.T) {
	dir := t.TempDir()
	r := openWith(t, dir, Config{})
	r.mustChange(t, operator, graph.AddUser{Handle: "ada"})
	r.close(t)
	check := func() error {
		t.Helper()
		log, err := eventlog.Open(eventlog.Config{Dir: filepath.Join(dir, "log"), ReadOnly: true,
			Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		defer log.Close()
		return CheckStable(dir, log)
	}
	before, err := os.ReadFile(filepath.Join(dir, store.StableFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := check(); err != nil {
		t.Error(err)
	}
	if after, err := os.ReadFile(filepath.Join(dir, store.StableFile)); err != nil || string(after) != string(before) {
		t.Errorf("the check has changed the stable store (%v)", err)
	}
	for _, key := range []string{"CurrentTerm", "hpfriends/node"} { // raft's, and one that only a start reads
		bolt, err := raftboltdb.NewBoltStore(filepath.Join(dir, store.StableFile))
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(bolt.Set([]byte(key), []byte("123456789012")), bolt.Close()); err != nil {
			t.Fatal(err)
		}
		if err := check(); !errors.Is(err, store.ErrStableCorrupt) || !strings.Contains(err.Error(), key) {
			t.Errorf("a wrong %s: %v", key, err)
		}
		if err := os.WriteFile(filepath.Join(dir, store.StableFile), before, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(filepath.Join(dir, store.StableFile)); err != nil {
		t.Fatal(err)
	}
	if err := check(); !errors.Is(err, store.ErrStableCorrupt) {
		t.Errorf("without a stable store: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, store.StableFile)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the check has made one: %v", err)
	}
}
