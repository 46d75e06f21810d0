package eventlog

import (
	"bytes"
	"context"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/raft"
	"pgregory.net/rapid"

	"hpfriends/eventlog/entry"
)

// model is the log as a slice, with what a crash may take back.
type model struct {
	fs      *vfs.MemFS
	log     *Log
	entries map[uint64]*raft.Log
	floor   uint64
	last    uint64 // the log is empty when last < floor
	term    uint64
	applied uint64
	// After a crash applied, and a floor that was moved by a Tx, may be as old as these.
	durableApplied, durableFloor uint64
	chains                       map[uint64][]byte // projection after each applied index
	installed                    map[uint64]uint64 // terms of the entries that snapshots brought
	packs                        int
}

func (m *model) open(t *rapid.T) {
	l, err := Open(testConfig(m.fs))
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	m.log = l
}

func (m *model) empty() bool { return m.last < m.floor }

func (m *model) synced() { m.durableApplied, m.durableFloor = m.applied, m.floor }

// check compares everything that can be asked of the log.
func (m *model) check(t *rapid.T) {
	s := m.log.LogStore()
	first, _ := s.FirstIndex()
	last, _ := s.LastIndex()
	index, term := m.log.Last()
	if m.empty() {
		if first != 0 || last != 0 || index != 0 || term != 0 {
			t.Fatalf("empty log: first %d last %d, Last %d of term %d", first, last, index, term)
		}
	} else if first != m.floor || last != m.last || index != m.last || term != m.entries[m.last].Term {
		t.Fatalf("first %d last %d, Last %d of term %d; want %d to %d", first, last, index, term, m.floor, m.last)
	}
	if m.log.Applied() != m.applied {
		t.Fatalf("applied %d, want %d", m.log.Applied(), m.applied)
	}
	for i := m.floor - min(m.floor, 2); i <= m.last+2; i++ {
		m.checkEntry(t, s, i)
	}
	if m.applied > 0 {
		if got, err := m.log.Get(SpaceMeta, chainKey); err != nil || !bytes.Equal(got, m.chains[m.applied]) {
			t.Fatalf("projection at %d: %x (%v), want %x", m.applied, got, err, m.chains[m.applied])
		}
	}
}

func (m *model) checkEntry(t *rapid.T, s *LogStore, i uint64) {
	var got raft.Log
	err := s.GetLog(i, &got)
	if i > 0 && i == m.floor-1 {
		m.checkBase(t, i, got, err)
		return
	}
	if i < m.floor || i > m.last {
		if err != raft.ErrLogNotFound {
			t.Fatalf("entry %d outside %d to %d: %v", i, m.floor, m.last, err)
		}
		return
	}
	want := m.entries[i]
	if err != nil {
		t.Fatalf("entry %d: %v", i, err)
	}
	same := got.Index == i && got.Term == want.Term && got.Type == want.Type && bytes.Equal(got.Data, want.Data) &&
		bytes.Equal(got.Extensions, want.Extensions) && got.AppendedAt.Equal(want.AppendedAt)
	if !same {
		t.Fatalf("entry %d: %+v, want %+v", i, got, want)
	}
}

// checkBase checks the entry before the floor, of which the term is left.
func (m *model) checkBase(t *rapid.T, i uint64, got raft.Log, err error) {
	want, snapshot := m.installed[i]
	if !snapshot {
		want = m.entries[i].Term
	}
	if term, termErr := m.log.Term(i); err != nil || termErr != nil || got.Index != i || got.Term != want ||
		term != want || got.Data != nil {
		t.Fatalf("entry %d before the floor: %+v (%v), term %d (%v), want term %d and no data",
			i, got, err, term, termErr, want)
	}
}

func (m *model) append(t *rapid.T) {
	rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	next := m.last + 1
	if m.empty() {
		next = m.applied + 1
		m.floor = next
	}
	m.term += rng.Uint64N(2)
	var logs []*raft.Log
	for range 1 + rng.IntN(5) {
		e := command(next, m.term, randomData(rng, next, 2000))
		switch rng.IntN(6) {
		case 0:
			e = &raft.Log{Index: next, Term: m.term, Type: raft.LogNoop}
		case 1:
			e.Extensions = []byte("extension")
		}
		logs = append(logs, e)
		m.entries[next] = e
		m.last = next
		next++
	}
	storeLogs(t, m.log, logs...)
	m.synced()
}

func (m *model) truncateSuffix(t *rapid.T) {
	lowest := max(m.applied+1, m.floor+1)
	if m.empty() || lowest > m.last {
		t.Skip("nothing to truncate")
	}
	from := rapid.Uint64Range(lowest, m.last).Draw(t, "from")
	_ = m.log.LogStore().DeleteRange(from, m.last+rapid.Uint64Range(0, 2).Draw(t, "beyond"))
	m.last = from - 1
	m.synced()
}

func (m *model) truncatePrefix(t *rapid.T) {
	highest := min(m.applied, m.last-1)
	if m.empty() || highest < m.floor {
		t.Skip("nothing to hide")
	}
	to := rapid.Uint64Range(m.floor, highest).Draw(t, "to")
	_ = m.log.LogStore().DeleteRange(m.floor, to)
	m.floor = to + 1
	m.synced()
}

func (m *model) apply(t *rapid.T) {
	if m.empty() || m.applied >= m.last {
		t.Skip("nothing to apply")
	}
	to := rapid.Uint64Range(m.applied+1, m.last).Draw(t, "to")
	before := m.chains[m.applied]
	for i := m.applied + 1; i <= to; i++ {
		before = chain(before, m.entries[i].Data)
		m.chains[i] = before
	}
	apply(t, m.log, to)
	m.applied = to
}

func (m *model) raiseFloor(t *rapid.T) {
	if m.empty() || m.applied >= m.last {
		t.Skip("nothing to apply")
	}
	tx := m.log.Begin()
	floor := rapid.Uint64Range(1, m.applied+2).Draw(t, "floor")
	tx.RaiseFloor(floor)
	i := m.applied + 1
	e := m.entries[i]
	if e.Type == raft.LogCommand && entry.Kind(e.Data[0]) == entry.KindBatch {
		tx.HideBatch(i)
	}
	m.chains[i] = chain(m.chains[m.applied], e.Data)
	tx.Put(SpaceMeta, chainKey, m.chains[i])
	if err := tx.Commit(i); err != nil {
		t.Fatalf("%v", err)
	}
	m.applied, m.floor = i, max(m.floor, floor)
}

// install is a snapshot, and what raft does to a monotonic log after it.
func (m *model) install(t *rapid.T) {
	index := m.applied + rapid.Uint64Range(1, 20).Draw(t, "ahead")
	tx := m.log.Begin()
	tx.Install(m.term, 0, nil)
	m.installed[index] = m.term
	m.chains[index] = []byte("snapshot")
	tx.Put(SpaceMeta, chainKey, m.chains[index])
	if err := tx.Commit(index); err != nil {
		t.Fatalf("%v", err)
	}
	m.applied, m.floor = index, index+1
	if first, _ := m.log.LogStore().FirstIndex(); first != 0 && rapid.Bool().Draw(t, "wipe") {
		_ = m.log.LogStore().DeleteRange(first, m.last)
		m.last = index
	}
	m.synced()
}

func (m *model) reclaim(t *rapid.T) {
	if err := m.log.Retention().Reclaim(); err != nil {
		t.Fatalf("%v", err)
	}
}

// pack puts a stretch of what is applied into a block.
func (m *model) pack(t *rapid.T) {
	before := rapid.Uint64Range(1, m.applied+2).Draw(t, "before")
	p, err := m.log.Cold().Pack(context.Background(), Packing{Before: before})
	if err != nil {
		t.Fatalf("%v", err)
	}
	if p.First != 0 {
		m.packs++
		m.log.tail.forget(p.Last + 1)
		m.synced()
	}
}

func (m *model) flush(t *rapid.T) {
	if err := m.log.Flush(); err != nil {
		t.Fatalf("%v", err)
	}
	m.synced()
}

func (m *model) reopen(t *rapid.T) {
	if err := m.log.Close(); err != nil {
		t.Fatalf("%v", err)
	}
	m.synced()
	m.open(t)
}

func (m *model) crash(t *rapid.T) {
	cfg := vfs.CrashCloneCfg{
		UnsyncedDataPercent: rapid.SampledFrom([]int{0, 50, 100}).Draw(t, "percent"),
		RNG:                 rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0)),
	}
	clone := m.fs.CrashClone(cfg)
	_ = m.log.Close()
	m.fs = clone
	m.open(t)
	applied, floor := m.log.Applied(), m.log.Floor()
	if applied < m.durableApplied || applied > m.applied || floor < m.durableFloor || floor > m.floor {
		t.Fatalf("applied %d floor %d, want %d to %d and %d to %d", applied, floor, m.durableApplied, m.applied,
			m.durableFloor, m.floor)
	}
	m.applied, m.floor = applied, floor
	m.synced()
}

// TestLogMatchesModel is the specification of the log under any order of operations, crashes included.
func TestLogMatchesModel(t *testing.T) {
	packs := 0
	rapid.Check(t, func(t *rapid.T) {
		m := &model{
			fs: vfs.NewCrashableMem(), entries: map[uint64]*raft.Log{}, chains: map[uint64][]byte{},
			installed: map[uint64]uint64{},
			floor:     1, term: 1, durableFloor: 1,
		}
		m.open(t)
		defer func() { _ = m.log.Close() }()
		t.Repeat(map[string]func(*rapid.T){
			"append": m.append, "appendMore": m.append, "apply": m.apply, "applyMore": m.apply,
			"truncateSuffix": m.truncateSuffix, "truncatePrefix": m.truncatePrefix,
			"raiseFloor": m.raiseFloor, "install": m.install, "reclaim": m.reclaim, "flush": m.flush,
			"pack": m.pack, "packMore": m.pack,
			"reopen": m.reopen, "crash": m.crash, "": m.check,
		})
		verify(t, m.log)
		packs += m.packs
	})
	if packs == 0 {
		t.Error("no block was made")
	}
}
