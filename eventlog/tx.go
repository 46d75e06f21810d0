package eventlog

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"hpfriends/eventlog/cold"
	"hpfriends/eventlog/entry"
	"hpfriends/eventlog/layout"
)

// Tx collects what applying one or more entries writes. It is used by one goroutine and ended by Commit or Discard.
type Tx struct {
	writes
	log      *Log
	lowest   uint64 // entries indexed or hidden by it
	highest  uint64
	lastTime int64
	floor    uint64
	install  bool
	term     uint64                     // of the applied entry that a snapshot brings
	publish  func() error               // called between writing a snapshot and raising Applied
	seen     map[layout.Series]struct{} // of the header at hand
}

// Begin starts a Tx.
func (l *Log) Begin() *Tx {
	return &Tx{
		writes: writes{l.db, l.db.NewBatch()}, log: l, lastTime: l.lastTime.Load(), seen: make(map[layout.Series]struct{}),
	}
}

// IndexBatch makes the batch at index visible and findable by its series and its time. The indexes of one Tx rise.
func (t *Tx) IndexBatch(index uint64, h entry.Header) {
	t.touch(index)
	t.lastTime = max(t.lastTime, h.Time())
	t.mark(index, false)
	clear(t.seen)
	var before layout.Series
	for i := range h.Runs {
		of := layout.Series{Channel: h.Runs[i].Channel, Origin: h.Runs[i].Origin}
		if of == before { // consecutive runs are often of one
			continue
		}
		before = of
		if _, ok := t.seen[of]; ok {
			continue
		}
		t.seen[of] = struct{}{}
		t.db.must(t.batch.Set(of.IndexKey(index), nil, nil))
		t.db.must(t.batch.Set(of.Key(), IndexKey(index), nil))
	}
}

// HideBatch notes that the batch at index repeats an earlier one (same session and seq) or was refused. Readers skip
// it. Every entry.KindBatch entry is either indexed or hidden; Verify insists.
func (t *Tx) HideBatch(index uint64) {
	t.touch(index)
	t.mark(index, true)
}

func (t *Tx) touch(index uint64) {
	if t.lowest == 0 {
		t.lowest = index
	}
	t.lowest, t.highest = min(t.lowest, index), max(t.highest, index)
}

func (t *Tx) mark(index uint64, hidden bool) {
	m := layout.BatchMark{Hidden: hidden, Time: t.lastTime}
	t.db.must(t.batch.Set(layout.Indexed(layout.SpanBatch, index), m.Encode(), nil))
}

// RaiseFloor hides the entries below floor: the decision of retention, the same on every node at the same index. It
// never lowers the floor. Reclaim frees the space.
func (t *Tx) RaiseFloor(floor uint64) { t.floor = max(t.floor, floor) }

// Install makes the Tx replace the projections by what it writes after this call, as a snapshot does: of an entry of a
// term, with the newest time of any batch up to it (Unix milliseconds). Commit then takes an applied index that the log
// has not reached, hides everything up to it, syncs, and calls publish before anybody sees that it is applied.
func (t *Tx) Install(term uint64, newest int64, publish func() error) {
	t.install, t.term, t.publish = true, term, publish
	t.lastTime = max(t.lastTime, newest)
	for _, s := range installed {
		t.DeleteRange(s, nil, nil)
	}
}

// Commit writes everything and the applied index at once, unsynced (an append, Flush or Close makes it durable), then
// raises Applied and wakes who waits for it. applied must be above Applied, and its entry must be in the log unless a
// snapshot is installed. On an error nothing is written and the Tx is over.
func (t *Tx) Commit(applied uint64) error {
	if err := t.commit(applied); err != nil {
		return err
	}
	if l := t.log; cold.PacksSoon {
		l.Cold().soon(cold.Soon(applied, l.db.frozen.Load()))
	}
	return nil
}

func (t *Tx) commit(applied uint64) error {
	defer t.Discard()
	if !t.db.Enter() {
		return ErrClosed
	}
	defer t.db.Leave()
	if err := t.check(applied); err != nil {
		return err
	}
	l, sync := t.log, pebble.NoSync
	if t.install {
		sync = pebble.Sync
		t.RaiseFloor(applied + 1)
	}
	l.db.setNumber(t.batch, layout.KeyApplied, applied)
	l.directory.Lock()
	defer l.directory.Unlock()
	if t.floor == 0 {
		l.db.commit(t.batch, sync)
	} else {
		t.commitFloor(sync)
	}
	l.lastTime.Store(t.lastTime)
	if t.publish != nil {
		if err := t.publish(); err != nil {
			return err
		}
	}
	l.applied.Raise(applied)
	return nil
}

// commitFloor commits with a new floor, which Raft's goroutine moves too.
func (t *Tx) commitFloor(sync *pebble.WriteOptions) {
	l := t.log
	l.boundsMu.Lock()
	defer l.boundsMu.Unlock()
	floor, at := l.Floor(), l.truncated
	if t.floor > floor {
		floor = t.floor
		if at = l.truncatedBelow(floor); t.install {
			at.index, at.term = floor-1, t.term
		}
		at.time = t.lastTime
		l.db.setFloor(t.batch, floor, at)
	}
	l.db.commit(t.batch, sync)
	l.mu.Lock()
	l.floor, l.truncated = floor, at
	l.mu.Unlock()
	l.tail.forget(floor)
}

func (t *Tx) check(applied uint64) error {
	before := t.log.Applied()
	_, last := t.log.bounds()
	switch {
	case applied <= before:
		return fmt.Errorf("eventlog: commit of index %d, but %d is applied", applied, before)
	case applied > last && !t.install:
		return fmt.Errorf("eventlog: commit of index %d, the log ends at %d", applied, last)
	case t.lowest != 0 && (t.lowest <= before || t.highest > applied):
		return fmt.Errorf("eventlog: commit of index %d after %d has index keys for %d to %d",
			applied, before, t.lowest, t.highest)
	case t.install && t.lowest != 0:
		return errors.New("eventlog: a snapshot brings no batches")
	case t.floor > applied+1:
		return fmt.Errorf("eventlog: commit of index %d with the floor at %d", applied, t.floor)
	}
	return nil
}

// Flush makes everything that is committed durable.
func (l *Log) Flush() error {
	if !l.db.Enter() {
		return ErrClosed
	}
	defer l.db.Leave()
	b := l.db.NewBatch()
	defer b.Close()
	// An empty batch would not reach the WAL. There is one WAL, so what came before is synced with it.
	l.db.must(b.LogData(nil, nil))
	l.db.commit(b, pebble.Sync)
	return nil
}
