package eventlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/raft"
)

// sum identifies an entry's content.
type sum string

func sumOf(term uint64, data []byte) sum { return sum(fmt.Sprintf("%d/%x", term, chain(nil, data))) }

// promised is what the log has promised at one instant. Nothing that changes it happens while a crash clone is taken.
type promised struct {
	acked     []sum                  // entry i+1, its StoreLogs has returned and no truncation of it has begun
	ackedTerm []uint64               // likewise
	possible  map[uint64]map[sum]int // entries of a StoreLogs or DeleteRange that is under way: there or not
	applying  uint64                 // newest index that a Commit was called for
	durable   uint64                 // applied index that a later synced write has made durable
}

// plant is one node's disk under load, from which crash clones are taken at any moment.
type plant struct {
	fs       *vfs.MemFS
	log      *Log
	packing  atomic.Bool
	ackEarly bool // negative control: promise before StoreLogs returns

	mu sync.Mutex
	promised
	commit uint64 // entries that may be applied; truncations stay above
}

func newPlant(t *testing.T, ackEarly bool) *plant {
	fs := vfs.NewCrashableMem()
	return &plant{fs: fs, log: openLog(t, fs), ackEarly: ackEarly, promised: promised{possible: map[uint64]map[sum]int{}}}
}

func (p *plant) maybe(i uint64, s sum, n int) {
	if p.possible[i] == nil {
		p.possible[i] = map[sum]int{}
	}
	if p.possible[i][s] += n; p.possible[i][s] == 0 {
		delete(p.possible[i], s)
	}
}

// write is Raft's side: appends, now and then a truncation of what is not committed.
func (p *plant) write(rng *rand.Rand, rounds int) {
	term := uint64(1)
	for range rounds {
		p.mu.Lock()
		next := uint64(len(p.acked)) + 1
		if low := p.commit + 1; low < next && rng.IntN(6) == 0 {
			from := low + rng.Uint64N(next-low)
			term++
			p.truncate(from, next-1)
			continue
		}
		applied := p.log.Applied() // committed before the append, so its sync covers it
		var logs []*raft.Log
		for i := range 1 + rng.Uint64N(3) {
			e := command(next+i, term, randomData(rng, next+i, 1<<(4+rng.IntN(10))))
			logs = append(logs, e)
			p.maybe(e.Index, sumOf(e.Term, e.Data), 1)
		}
		p.ack(logs, p.ackEarly)
		p.mu.Unlock()
		_ = p.log.LogStore().StoreLogs(logs)
		p.mu.Lock()
		p.ack(logs, !p.ackEarly)
		for _, e := range logs {
			p.maybe(e.Index, sumOf(e.Term, e.Data), -1)
		}
		p.durable = max(p.durable, applied)
		p.commit = uint64(len(p.acked)) - rng.Uint64N(min(4, uint64(len(p.acked))-p.commit)+1)
		p.mu.Unlock()
	}
}

func (p *plant) ack(logs []*raft.Log, really bool) {
	if !really {
		return
	}
	for _, e := range logs {
		p.acked = append(p.acked, sumOf(e.Term, e.Data))
		p.ackedTerm = append(p.ackedTerm, e.Term)
	}
}

// truncate is called with the lock and returns without it.
func (p *plant) truncate(from, to uint64) {
	old := slices.Clone(p.acked[from-1:])
	for i, s := range old {
		p.maybe(from+uint64(i), s, 1)
	}
	p.acked, p.ackedTerm = p.acked[:from-1], p.ackedTerm[:from-1]
	p.mu.Unlock()
	_ = p.log.LogStore().DeleteRange(from, to)
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, s := range old {
		p.maybe(from+uint64(i), s, -1)
	}
}

// run is the FSM's side.
func (p *plant) run(t *testing.T, stop *atomic.Bool) {
	for !stop.Load() {
		p.mu.Lock()
		commit := p.commit
		p.applying = max(p.applying, commit)
		p.mu.Unlock()
		if commit > p.log.Applied() {
			apply(t, p.log, commit)
		}
	}
}

// pack puts what is applied into blocks, a piece at a time.
func (p *plant) pack(t *testing.T, rng *rand.Rand, stop *atomic.Bool) {
	for !stop.Load() {
		_, err := p.log.Cold().Pack(t.Context(), Packing{
			Before: p.log.Applied() - min(p.log.Applied(), rng.Uint64N(20)),
			Rest: func(time.Duration) {
				p.packing.Store(true)
				time.Sleep(time.Duration(rng.IntN(100)) * time.Microsecond)
			},
		})
		p.packing.Store(false)
		if err != nil {
			t.Errorf("pack: %v", err)
			return
		}
	}
}

// crash takes a clone of the disk and of what was promised, at one instant.
func (p *plant) crash(rng *rand.Rand) (*vfs.MemFS, promised) {
	p.mu.Lock()
	defer p.mu.Unlock()
	percent := []int{0, 10, 50, 90, 100}[rng.IntN(5)]
	clone := p.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rng})
	want := p.promised
	want.acked, want.ackedTerm = slices.Clone(want.acked), slices.Clone(want.ackedTerm)
	want.possible = maps.Clone(want.possible)
	for i, s := range want.possible {
		want.possible[i] = maps.Clone(s)
	}
	return clone, want
}

// check opens a clone and reports the first broken promise.
func (want *promised) check(t *testing.T, fs *vfs.MemFS) (err error) {
	l, err := Open(testConfig(fs))
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	if n := len(want.acked); n > 0 {
		if err := l.CheckHighWater(uint64(n), want.ackedTerm[n-1]); err != nil {
			return err
		}
	}
	last, _ := l.Last()
	for i := uint64(1); i <= last; i++ {
		r, err := l.stored(i)
		if err != nil {
			return fmt.Errorf("entry %d of %d: %w", i, last, err)
		}
		got := sumOf(r.Term, r.Bytes())
		if i <= uint64(len(want.acked)) && got != want.acked[i-1] {
			return fmt.Errorf("acknowledged entry %d is another", i)
		}
		if i > uint64(len(want.acked)) && want.possible[i][got] == 0 {
			return fmt.Errorf("entry %d was never stored there, or was truncated", i)
		}
	}
	if a := l.Applied(); a < want.durable || a > want.applying || a > last {
		return fmt.Errorf("applied %d, want %d to %d and at most %d", a, want.durable, want.applying, last)
	}
	if err := checkProjections(l); err != nil {
		return err
	}
	if last > l.Applied() { // the index of what is applied again is that of a first time
		apply(t, l, last)
	}
	return checkProjections(l)
}

// checkProjections verifies that everything derived is that of exactly the entries up to applied.
func checkProjections(l *Log) error {
	if _, err := l.Verify(context.Background(), nil); err != nil {
		return err
	}
	var want []byte
	for i := uint64(1); i <= l.Applied(); i++ {
		r, err := l.stored(i)
		if err != nil {
			return err
		}
		want = chain(want, r.Bytes())
	}
	got, err := l.Get(SpaceMeta, chainKey)
	if l.Applied() > 0 && (err != nil || !bytes.Equal(got, want)) {
		return fmt.Errorf("projection at %d is %x (%v), want %x", l.Applied(), got, err, want)
	}
	return nil
}

// crashRun takes clones of one plant under load and returns how many it took and the first broken promise.
func crashRun(t *testing.T, seed uint64, clones int, ackEarly bool, seen *packings) (int, error) {
	p := newPlant(t, ackEarly)
	defer p.log.Close()
	var done sync.WaitGroup
	var written, stop atomic.Bool
	done.Go(func() {
		p.write(rand.New(rand.NewPCG(seed, 1)), 150)
		written.Store(true)
	})
	done.Go(func() { p.run(t, &stop) })
	done.Go(func() { p.pack(t, rand.New(rand.NewPCG(seed, 3)), &stop) })
	defer done.Wait()
	defer stop.Store(true)
	rng := rand.New(rand.NewPCG(seed, 2))
	for n := range clones {
		if p.packing.Load() {
			seen.during++
		}
		fs, want := p.crash(rng)
		seen.blocks += blocksIn(t, fs)
		if err := want.check(t, fs); err != nil {
			return n + 1, fmt.Errorf("seed %d clone %d: %w", seed, n, err)
		}
		if written.Load() {
			return n + 1, nil
		}
	}
	return clones, nil
}

// packings counts crashes while a block was made, and blocks that they left.
type packings struct{ during, blocks int }

func blocksIn(t *testing.T, fs *vfs.MemFS) int {
	l, err := Open(testConfig(fs.CrashClone(vfs.CrashCloneCfg{})))
	if err != nil {
		return 0 // whoever looks closer says so
	}
	defer l.Close()
	n, _, err := l.Cold().Stored()
	if err != nil {
		t.Error(err)
	}
	return n
}

// TestCrashLosesNothingPromised takes the power away at random moments of appends, truncations and applies, with any
// part of the unsynced data surviving.
func TestCrashLosesNothingPromised(t *testing.T) {
	const midst = 2000 // crashes while a block is made, of a long test
	want, long := times(2000), os.Getenv("EVENTLOG_LONG") != ""
	total, begun := 0, time.Now()
	var seen packings
	for seed := uint64(1); !long && total < want || long && seen.during < midst; seed++ {
		if total >= want/4 && time.Since(begun) > 12*time.Second && !long {
			break // a busy machine
		}
		n, err := crashRun(t, seed, max(want-total, 100), false, &seen)
		if err != nil {
			t.Fatal(err)
		}
		total += n
	}
	t.Logf("%d crashes, %d of them while a block was made, with %d blocks: nothing promised was lost", total, seen.during,
		seen.blocks)
	if seen.during == 0 || seen.blocks == 0 {
		t.Error("no block was made")
	}
}

// TestCrashFindsEarlyAcks is the control: a log that answers before the sync is found out by the same test.
func TestCrashFindsEarlyAcks(t *testing.T) {
	for seed := uint64(1); seed <= 50; seed++ {
		if _, err := crashRun(t, seed, 50, true, new(packings)); errors.Is(err, ErrLogBehind) {
			return
		} else if err != nil {
			t.Fatalf("another error than the expected loss: %v", err)
		}
	}
	t.Fatal("acknowledging before the sync went unnoticed")
}
