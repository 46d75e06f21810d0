package eventlog

import (
	"encoding/binary"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"hpfriends/eventlog/layout"
)

// append stores records that continue the log, and returns when they are synced. It does not return when it cannot, or
// when they do not continue the log: Raft truncates before it overwrites, so anything else is a loss in the making.
func (s *LogStore) append(records []layout.Record) {
	l := s.log
	if len(records) == 0 {
		return
	}
	l.boundsMu.Lock()
	defer l.boundsMu.Unlock()
	if err := s.checkAppend(records); err != nil {
		_ = l.db.failure.Fail(err)
	}
	size := 0
	for i := range records {
		size += records[i].Size() + 32
	}
	b := l.db.NewBatchWithSize(size)
	defer b.Close()
	for i := range records {
		r := &records[i]
		op := b.SetDeferred(9, r.Size())
		op.Key[0] = layout.SpanEntry
		binary.BigEndian.PutUint64(op.Key[1:], r.Index)
		r.Encode(op.Value)
		l.db.must(op.Finish())
	}
	total := l.db.markSizes(b, records, l.total)
	l.db.commit(b, pebble.Sync)

	newest := &records[len(records)-1]
	l.mu.Lock()
	l.last, l.lastTerm, l.total = newest.Index, newest.Term, total
	l.mu.Unlock()
	l.tail.append(records)
}

// checkAppend refuses what does not continue the log. An empty one begins at its floor, right behind the applied index.
func (s *LogStore) checkAppend(records []layout.Record) error {
	l := s.log
	l.mu.RLock()
	floor, last, term := l.floor, l.last, l.lastTerm
	l.mu.RUnlock()
	first := records[0].Index
	if last < floor {
		term = 0
		if first != floor || first != l.Applied()+1 {
			return fmt.Errorf("eventlog: append of entry %d to an empty log, but %d is applied", first, l.Applied())
		}
	} else if first != last+1 {
		return fmt.Errorf("eventlog: append of entry %d after %d", first, last)
	}
	for i := range records {
		r := &records[i]
		if want := first + uint64(i); r.Index != want {
			return fmt.Errorf("eventlog: append with a gap: entry %d, want %d", r.Index, want)
		}
		if r.Term < term {
			return fmt.Errorf("eventlog: append of entry %d of term %d after term %d", r.Index, r.Term, term)
		}
		term = r.Term
	}
	return nil
}

// truncate removes the entries from lowest to highest, which must be the beginning or the end of the log, or all of it.
//
// The beginning is only hidden: the floor moves, readers and Raft see nothing below it, and Reclaim frees the space
// later. The end is deleted and the deletion synced, so that no crash can bring an old entry back beside a new one.
// Applied entries are never deleted; when all of the log goes (Raft does that behind an installed snapshot) they are
// hidden and the rest is deleted.
func (s *LogStore) truncate(lowest, highest uint64) {
	l := s.log
	l.boundsMu.Lock()
	defer l.boundsMu.Unlock()
	floor, last := l.bounds()
	if last < floor || highest < floor || lowest > last || lowest > highest {
		return
	}
	lowest, highest = max(lowest, floor), min(highest, last)
	applied := l.Applied()
	switch {
	case lowest == floor && highest == last:
		end := max(applied+1, floor)
		s.cut(end, end)
	case lowest == floor:
		if highest > applied {
			_ = l.db.failure.Fail(fmt.Errorf("eventlog: removal of entries %d to %d, applied is only %d",
				lowest, highest, applied))
		}
		s.cut(last+1, highest+1)
	case highest == last:
		if lowest <= applied {
			_ = l.db.failure.Fail(fmt.Errorf("eventlog: truncation of entry %d, but %d is applied", lowest, applied))
		}
		s.cut(lowest, floor)
	default:
		_ = l.db.failure.Fail(fmt.Errorf("eventlog: removal of entries %d to %d would leave a hole in %d to %d",
			lowest, highest, floor, last))
	}
}

// cut deletes the entries from end on and moves the floor up, both synced and at once.
func (s *LogStore) cut(end, floor uint64) {
	l := s.log
	oldFloor, last := l.bounds()
	term := uint64(0)
	if end > floor {
		r, err := l.stored(min(end-1, last))
		if err != nil {
			_ = l.db.failure.Fail(fmt.Errorf("eventlog: truncate: %w", err))
		}
		term = r.Term
	}
	b := l.db.NewBatch()
	defer b.Close()
	if end <= last {
		for _, span := range []byte{layout.SpanEntry, layout.SpanSize} {
			_, upper := layout.SpanBounds(span)
			l.db.must(b.DeleteRange(layout.Indexed(span, end), upper, nil))
		}
	}
	at := l.truncated
	if floor != oldFloor {
		at = l.truncatedBelow(floor)
		l.db.setFloor(b, floor, at)
	}
	// Readers must not find in memory what is about to be replaced on disk.
	l.tail.truncate(end)
	l.db.commit(b, pebble.Sync)
	total, err := l.db.totalBytes()
	if err != nil {
		_ = l.db.failure.Fail(fmt.Errorf("eventlog: truncate: %w", err))
	}

	l.mu.Lock()
	l.floor, l.truncated, l.last, l.lastTerm, l.total = floor, at, min(last, end-1), term, total
	l.mu.Unlock()
	l.tail.forget(floor)
}
