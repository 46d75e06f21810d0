package query

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
)

// traffic is the projection of the batches that says who published how much on which channel, and where. It follows the log
// as any reader does, so applying costs nothing more, and it is brought up to Applied by whoever asks.
//
// It cuts the log into segments. The open one is in memory, and what it holds is written when it is sealed: for each lane
// that occurs in it, a history record and the lane's new totals. After a restart the open segment is read again. A segment
// ends before each change of the graph, so that what a share shows begins with a segment, and when it has become large, so
// that a part of one is read quickly.
type traffic struct {
	log    *eventlog.Log
	limits segmentLimits

	mu      sync.Mutex
	counted uint64 // entries up to here are in the records or in open
	stored  uint64 // ... in the records
	pruned  uint64 // the floor when records were last removed
	start   uint64 // of the open segment
	open    map[lane]*stretch
	batches int // of the open segment
	bytes   int // ... as stored
}

// segmentLimits bound a segment: the first that is reached ends it.
type segmentLimits struct {
	batches int
	bytes   int
	lanes   int // also bounds memory, however many channels are made up
	entries uint64
}

var defaultSegments = segmentLimits{batches: 1024, bytes: 64 << 20, lanes: 8192, entries: 8192}

// followEvery is how often the projection is brought up while nobody asks: often enough to find entries in memory.
const followEvery = 250 * time.Millisecond

func newTraffic(log *eventlog.Log) *traffic { return &traffic{log: log, limits: defaultSegments} }

// Run keeps the projection of channels near the end of the log until ctx is done, so that who asks does not wait.
func (q *Query) Run(ctx context.Context) error {
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for {
		err := q.traffic.catchUp(ctx)
		switch {
		case ctx.Err() != nil || errors.Is(err, eventlog.ErrClosed):
			return nil
		case err != nil:
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func (t *traffic) catchUp(ctx context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.follow(ctx)
}

// follow counts what was applied. The caller holds mu.
func (t *traffic) follow(ctx context.Context) error {
	end := t.log.Applied()
	if t.open != nil && t.counted == end {
		return nil
	}
	if err := t.load(); err != nil {
		return err
	}
	if floor := t.log.Floor(); t.counted+1 < floor { // retention was faster, or a snapshot came
		if err := t.cut(floor); err != nil {
			return err
		}
		t.counted, t.start = floor-1, floor
	}
	for t.counted < end {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := t.chunk(end); err != nil {
			return fmt.Errorf("query: count channels from entry %d: %w", t.counted+1, err)
		}
	}
	return t.prune()
}

// load reads how far it is counted, and begins anew from there if that is not what this process has written.
func (t *traffic) load() error {
	stored, pruned, err := t.cursor()
	if err != nil || t.open != nil && t.stored == stored {
		return err
	}
	if stored > t.log.Applied() { // a snapshot brought records of a log that this node does not have yet
		tx := t.log.BeginAside()
		tx.DeleteRange(eventlog.SpaceChannels, nil, nil)
		if err := tx.CommitAside(); err != nil {
			return err
		}
		stored, pruned = 0, 0
	}
	t.stored, t.counted, t.pruned, t.start = stored, stored, pruned, stored+1
	t.reset()
	return nil
}

// cursor is how far the records go.
func (t *traffic) cursor() (stored, pruned uint64, err error) {
	v, err := t.log.Get(eventlog.SpaceChannels, []byte{recordCursor})
	switch {
	case errors.Is(err, eventlog.ErrNotFound):
		return 0, 0, nil
	case err != nil:
		return 0, 0, err
	case len(v) != 16:
		return 0, 0, fmt.Errorf("query: the channels' cursor has %d bytes, want 16", len(v))
	}
	return binary.BigEndian.Uint64(v), binary.BigEndian.Uint64(v[8:]), nil
}

func (t *traffic) reset() {
	t.open, t.batches, t.bytes = make(map[lane]*stretch), 0, 0
}

// chunk counts up to 512 batches and what lies between them.
func (t *traffic) chunk(end uint64) error {
	const size = 512
	visible, err := t.log.Next(everything, t.counted+1, size)
	if err != nil {
		return err
	}
	if len(visible) == size {
		end = visible[size-1]
	}
	for t.counted < end {
		index := t.counted + 1
		e, err := t.log.Entry(index)
		if err != nil && !errors.Is(err, eventlog.ErrBelowFloor) {
			return err
		}
		if e.Kind == entry.KindChange || t.full(index) {
			if err := t.cut(index); err != nil {
				return err
			}
		}
		if len(visible) > 0 && visible[0] == index {
			visible = visible[1:]
			if err := t.count(e); err != nil {
				return err
			}
		}
		t.counted = index
	}
	return nil
}

var everything = eventlog.Selector{Prefixes: []string{""}}

// full is whether the open segment must end before index.
func (t *traffic) full(index uint64) bool {
	l := t.limits
	return index-t.start >= l.entries || t.batches >= l.batches || t.bytes >= l.bytes || len(t.open) >= l.lanes
}

// count adds a visible batch to the open segment.
func (t *traffic) count(e eventlog.Entry) error {
	if e.Kind != entry.KindBatch {
		return nil // it went below the floor meanwhile
	}
	h, err := entry.DecodeHeader(e.Data)
	if err != nil {
		return &eventlog.CorruptError{Index: e.Index, Reason: "undecodable", Err: err}
	}
	t.batches++
	t.bytes += len(e.Data)
	tallyRuns(t.open, e.Index, h.Runs)
	return nil
}

// tallyRuns adds the runs of one entry. Consecutive runs are often of one lane.
func tallyRuns(to map[lane]*stretch, index uint64, runs []entry.Run) {
	var l lane
	var s *stretch
	for i := range runs {
		r := &runs[i]
		if s == nil || l.channel != r.Channel || uint64(l.origin) != r.Origin {
			l = lane{r.Channel, graph.UserID(r.Origin)}
			if s = to[l]; s == nil {
				s = new(stretch)
				to[l] = s
			}
		}
		s.add(index, r)
	}
}

// cut seals the open segment; the next one begins at index. Nothing needs to be written while there are no messages, except
// now and then how far that was.
func (t *traffic) cut(index uint64) error {
	if len(t.open) == 0 && index-t.stored <= t.limits.entries {
		t.start = index
		return nil
	}
	tx := t.log.BeginAside()
	for l, s := range t.open {
		all, err := t.sealed(l)
		if err != nil {
			tx.Discard()
			return err
		}
		tx.Put(eventlog.SpaceChannels, l.historyKey(t.start), history{first: s.first, before: all.tally}.encode())
		all.join(*s)
		tx.Put(eventlog.SpaceChannels, l.key(recordLane), all.encode())
	}
	if len(t.open) > 0 {
		tx.Put(eventlog.SpaceChannels, segmentKey(t.start), nil)
	}
	t.putCursor(tx, index-1, t.pruned)
	if err := tx.CommitAside(); err != nil {
		return err
	}
	t.stored, t.start = index-1, index
	t.reset()
	return nil
}

func (t *traffic) putCursor(tx *eventlog.Tx, counted, pruned uint64) {
	v := binary.BigEndian.AppendUint64(nil, counted)
	tx.Put(eventlog.SpaceChannels, []byte{recordCursor}, binary.BigEndian.AppendUint64(v, pruned))
}

// sealed is what the records say of a lane.
func (t *traffic) sealed(l lane) (stretch, error) {
	v, err := t.log.Get(eventlog.SpaceChannels, l.key(recordLane))
	if errors.Is(err, eventlog.ErrNotFound) {
		return stretch{}, nil
	}
	if err != nil {
		return stretch{}, err
	}
	return parseStretch(v)
}
