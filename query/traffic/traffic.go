package traffic

import (
	"bytes"
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

// Projection counts the messages of a log by series. Make one with New.
type Projection struct {
	log    *eventlog.Log
	limits Limits

	mu      sync.Mutex
	counted uint64 // entries up to here are in the records or in open
	stored  uint64 // ... in the records
	pruned  uint64 // the floor when records were last removed
	start   uint64 // of the open segment
	open    map[Series]*Span
	order   []openSeries // of open, by key; made when it is asked for
	batches int          // of the open segment
	bytes   int          // ... as stored
}

// Limits bound a segment: the first that is reached ends it. They also say how many series that nobody wants are passed
// over before they are left out.
type Limits struct {
	Batches int
	Bytes   int
	Series  int // also bounds memory, however many channels are made up
	Entries uint64

	Unwanted int
}

// DefaultLimits are those of a node.
func DefaultLimits() Limits {
	return Limits{Batches: 1024, Bytes: 64 << 20, Series: 8192, Entries: 8192, Unwanted: 4096}
}

// followEvery is how often Run brings the projection up while nobody asks: often enough to find entries in memory.
const followEvery = 250 * time.Millisecond

// New returns a Projection of a log. It begins to count when it is first asked.
func New(log *eventlog.Log, limits Limits) *Projection { return &Projection{log: log, limits: limits} }

// Run keeps the projection near the end of the log until ctx is done, so that whoever asks does not wait.
func (p *Projection) Run(ctx context.Context) error {
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for {
		err := p.catchUp(ctx)
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

func (p *Projection) catchUp(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.follow(ctx)
}

// follow counts what was applied. The caller holds mu.
func (p *Projection) follow(ctx context.Context) error {
	end := p.log.Applied()
	if p.open != nil && p.counted == end {
		return nil
	}
	if err := p.load(ctx); err != nil {
		return err
	}
	if floor := p.log.Floor(); p.counted+1 < floor { // retention was faster, or a snapshot came
		if err := p.seal(floor); err != nil {
			return err
		}
		p.counted, p.start = floor-1, floor
	}
	for p.counted < end {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := p.chunk(end); err != nil {
			return fmt.Errorf("traffic: count channels from entry %d: %w", p.counted+1, err)
		}
	}
	return p.prune()
}

// load reads how far the log is counted, and begins anew from there if that is not what this process has written.
func (p *Projection) load(ctx context.Context) error {
	at, err := cursor(p.log)
	if err != nil || p.open != nil && p.stored == at.counted && at.named {
		return err
	}
	if at.counted > p.log.Applied() { // a snapshot brought records of a log that this node does not have yet
		tx := p.log.BeginUpdate()
		tx.DeleteRange(eventlog.SpaceChannels, nil, nil)
		if err := tx.Commit(); err != nil {
			return err
		}
		at = progress{named: true}
	}
	if !at.named {
		if err := nameAll(ctx, p.log); err != nil {
			return err
		}
	}
	p.stored, p.counted, p.pruned, p.start = at.counted, at.counted, at.pruned, at.counted+1
	p.reset()
	return nil
}

// progress is how far the records go.
type progress struct {
	counted uint64 // entries
	pruned  uint64 // the floor when records were last removed
	named   bool   // the channels of each origin are complete: an older program does not know of them
}

func cursor(log *eventlog.Log) (at progress, err error) {
	v, err := log.Get(eventlog.SpaceChannels, []byte{recordCursor})
	switch {
	case errors.Is(err, eventlog.ErrNotFound):
		return progress{named: true}, nil
	case err != nil:
		return at, err
	case len(v) != 16:
		return at, fmt.Errorf("traffic: the channels' cursor has %d bytes, want 16", len(v))
	}
	at.counted, at.pruned = binary.BigEndian.Uint64(v), binary.BigEndian.Uint64(v[8:])
	named, err := log.Get(eventlog.SpaceChannels, []byte{recordNamed})
	if errors.Is(err, eventlog.ErrNotFound) {
		return at, nil
	}
	at.named = bytes.Equal(named, v)
	return at, err
}

// put writes the progress of records that are complete.
func (at progress) put(tx *eventlog.Update) {
	v := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, at.counted), at.pruned)
	tx.Put(eventlog.SpaceChannels, []byte{recordCursor}, v)
	tx.Put(eventlog.SpaceChannels, []byte{recordNamed}, v)
}

func (p *Projection) reset() {
	p.open, p.order, p.batches, p.bytes = make(map[Series]*Span), nil, 0, 0
}

// chunk counts up to 512 batches and what lies between them.
func (p *Projection) chunk(end uint64) error {
	const size = 512
	visible, err := p.log.Next(everything, p.counted+1, size)
	if err != nil {
		return err
	}
	if len(visible) == size {
		end = visible[size-1]
	}
	for p.counted < end {
		index := p.counted + 1
		e, err := p.log.Entry(index)
		if err != nil && !errors.Is(err, eventlog.ErrBelowFloor) {
			return err
		}
		if e.Kind == entry.KindChange || p.full(index) {
			if err := p.seal(index); err != nil {
				return err
			}
		}
		if len(visible) > 0 && visible[0] == index {
			visible = visible[1:]
			if err := p.count(e); err != nil {
				return err
			}
		}
		p.counted = index
	}
	return nil
}

var everything = eventlog.Select("*")

// full reports whether the open segment must end before index.
func (p *Projection) full(index uint64) bool {
	l := p.limits
	return index-p.start >= l.Entries || p.batches >= l.Batches || p.bytes >= l.Bytes || len(p.open) >= l.Series
}

// count adds a visible batch to the open segment.
func (p *Projection) count(e eventlog.Entry) error {
	if e.Kind != entry.KindBatch {
		return nil // it went below the floor meanwhile
	}
	h, err := entry.DecodeHeader(e.Data)
	if err != nil {
		return &eventlog.CorruptError{Index: e.Index, Reason: "undecodable", Err: err}
	}
	p.batches++
	p.bytes += len(e.Data)
	addRuns(p.open, e.Index, h.Runs)
	return nil
}

// addRuns adds the runs of one entry. Consecutive runs are often of one series.
func addRuns(to map[Series]*Span, index uint64, runs []entry.Run) {
	var of Series
	var s *Span
	for i := range runs {
		r := &runs[i]
		if s == nil || of.Channel != r.Channel || uint64(of.Origin) != r.Origin {
			of = Series{r.Channel, graph.UserID(r.Origin)}
			if s = to[of]; s == nil {
				s = new(Span)
				to[of] = s
			}
		}
		s.add(index, r)
	}
}

// seal writes the open segment; the next one begins at index. While there are no messages nothing needs to be written,
// except now and then how far that was.
func (p *Projection) seal(index uint64) error {
	if len(p.open) == 0 && index-p.stored <= p.limits.Entries {
		p.start = index
		return nil
	}
	tx := p.log.BeginUpdate()
	for of, s := range p.open {
		all, err := sealed(p.log, of)
		if err != nil {
			tx.Discard()
			return err
		}
		if all.Messages == 0 {
			tx.Put(eventlog.SpaceChannels, of.namedKey(), nil)
		}
		tx.Put(eventlog.SpaceChannels, of.historyKey(p.start), history{first: s.First, before: all.Count}.encode())
		all.join(*s)
		tx.Put(eventlog.SpaceChannels, of.key(recordSeries), all.encode())
	}
	if len(p.open) > 0 {
		tx.Put(eventlog.SpaceChannels, segmentKey(p.start), nil)
	}
	progress{counted: index - 1, pruned: p.pruned}.put(tx)
	if err := tx.Commit(); err != nil {
		return err
	}
	p.stored, p.start = index-1, index
	p.reset()
	return nil
}

// sealed returns what the records say of a series.
func sealed(log *eventlog.Log, of Series) (Span, error) {
	v, err := log.Get(eventlog.SpaceChannels, of.key(recordSeries))
	if errors.Is(err, eventlog.ErrNotFound) {
		return Span{}, nil
	}
	if err != nil {
		return Span{}, err
	}
	return parseSpan(v)
}
