package eventlog

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"sort"
	"strings"

	"github.com/cockroachdb/pebble/v2"

	"hpfriends/eventlog/block"
	"hpfriends/eventlog/cold"
	"hpfriends/eventlog/entry"
	"hpfriends/eventlog/layout"
)

// Old entries are kept in blocks, see package cold. A block takes the place of the keys of its entries in one synced
// batch, so that a reader who sees the store as of one moment finds an entry in one of the two places. Who reads keys
// one after the other looks for an entry's own key first, and then for a block.

func (s *store) blocks() cold.Blocks { return cold.Blocks{Reader: s.DB} }

// loadBlocks finds where the blocks end, and removes the beginning of one that was not finished.
func (s *store) loadBlocks(readOnly bool) error {
	h, err := s.blocks().Last()
	if err != nil {
		return layout.DamagedBlock(0, err)
	}
	s.frozen.Store(h.Last)
	if readOnly {
		return nil
	}
	return errors.Join(s.spare.RemoveLeftover(), s.files.RemoveLeftovers(), s.removeLeftovers())
}

func (s *store) removeLeftovers() error {
	lower, upper, some, err := s.blocks().Leftovers()
	if err != nil || !some {
		return layout.DamagedBlock(0, err)
	}
	b := s.NewBatch()
	defer b.Close()
	s.must(b.DeleteRange(lower, upper, nil))
	s.commit(b, pebble.NoSync)
	return nil
}

// readable returns why an entry cannot be read, of a cold one whether its block is there.
func (s *store) readable(index uint64) error {
	_, err := s.entry(index)
	if errors.Is(err, pebble.ErrNotFound) {
		if _, ok, errBlock := s.blocks().At(index); ok || errBlock != nil {
			return layout.DamagedBlock(index, errBlock)
		}
	}
	return err
}

// record reads an entry from disk, wherever it is. It is pebble.ErrNotFound when it is nowhere.
func (s *store) record(index uint64) (layout.Record, error) {
	if index <= s.frozen.Load() {
		if e, ok := s.cache.Find(index); ok {
			return layout.ColdRecord(e), nil
		}
	}
	r, err := s.entry(index)
	if !errors.Is(err, pebble.ErrNotFound) || index > s.frozen.Load() {
		return r, err
	}
	h, ok, errBlock := s.blocks().At(index)
	if errBlock != nil || !ok {
		return layout.Record{}, errors.Join(layout.DamagedBlock(index, errBlock), notThere(ok))
	}
	all, errBlock := s.cache.Entries(s.blocks(), &h)
	if errBlock != nil {
		return layout.Record{}, layout.DamagedBlock(index, errBlock)
	}
	return layout.ColdRecord(&all[index-h.First]), nil
}

func notThere(ok bool) error {
	if ok {
		return nil
	}
	return pebble.ErrNotFound
}

// batchMark returns the mark of a batch, or ErrNotFound.
func (s *store) batchMark(index uint64) (layout.BatchMark, error) {
	v, err := s.get(layout.Indexed(layout.SpanBatch, index))
	if err == nil {
		return layout.DecodeBatchMark(index, v)
	}
	if !errors.Is(err, ErrNotFound) || index > s.frozen.Load() {
		return layout.BatchMark{}, err
	}
	m, ok, err := s.blocks().MarkAt(index)
	if err == nil && (!ok || !m.Batch) {
		err = ErrNotFound
	}
	return layout.BatchMark{Hidden: m.Hidden, Time: m.Time}, layout.DamagedBlock(index, err)
}

// Excerpt reads batches for one reader, who wants some series of each: of a block it reads these and no others. It
// belongs to one goroutine.
type Excerpt struct {
	log  *Log
	sel  Selector
	head cold.Head // of the block at hand
	runs []block.Run
	room []entry.Run // of headers
	all  bool        // it wants most of the block, which is then read whole, for all who do so
}

// NewExcerpt returns one. What it leaves out of a batch is not selected; it may leave in what is not selected either.
func NewExcerpt(l *Log, sel Selector) *Excerpt { return &Excerpt{log: l, sel: sel} }

// Batch returns a visible batch, read-only, as Log.Batch does.
func (x *Excerpt) Batch(index uint64) (*entry.Batch, error) {
	if index > x.log.db.frozen.Load() {
		return x.log.Batch(index)
	}
	if index < x.log.Floor() {
		return nil, ErrBelowFloor
	}
	if !x.head.Holds(index) {
		if ok, err := x.open(index); err != nil || !ok {
			if err != nil && index < x.log.Floor() {
				err = ErrBelowFloor
			}
			if err != nil {
				return nil, err
			}
			return x.log.Batch(index)
		}
	}
	if x.all {
		return x.log.Batch(index)
	}
	n := sort.Search(len(x.runs), func(i int) bool { return x.runs[i].Index >= index })
	b := new(entry.Batch)
	for ; n < len(x.runs) && x.runs[n].Index == index; n++ {
		b.Runs = append(b.Runs, x.runs[n].Run)
		b.Raw += int(x.runs[n].Size)
	}
	return b, nil
}

// open reads of the block that holds an entry what is selected.
func (x *Excerpt) open(index uint64) (ok bool, err error) {
	db := x.log.db
	if !db.Enter() {
		return false, ErrClosed
	}
	defer db.Leave()
	h, ok, err := db.blocks().At(index)
	if err != nil || !ok {
		return false, layout.DamagedBlock(index, err)
	}
	onward := x.head.Last > 0 && x.head.Last+1 == h.First // who goes through the log goes on
	x.head, x.runs, x.all = cold.Head{}, nil, x.sel.Everything()
	if !x.all {
		if err := x.read(&h); err != nil {
			return false, layout.DamagedBlock(index, err)
		}
	}
	if x.head = h; x.all {
		return true, db.unpack(index, &h, onward)
	}
	return true, nil
}

// read reads the stripes of a block that are selected, or finds that it is better read whole.
func (x *Excerpt) read(h *cold.Head) error {
	k, err := x.log.db.cache.Open(x.log.db.blocks(), h)
	if err != nil {
		return err
	}
	chosen := k.Choose(func(channel string, origin uint64) bool {
		return x.sel.selects(layout.Series{Channel: channel, Origin: origin})
	})
	if x.all = h.Raw > 0 || chosen.Bytes > chosen.Total/2; x.all {
		return nil
	}
	if x.runs, err = k.Runs(max(h.First, x.log.Floor()), h.Last, chosen); err != nil {
		return x.log.db.cache.Damage().Note(h, &cold.DamageError{Head: *h, Err: err})
	}
	return nil
}

// unpack unpacks a block that is read whole, and begins with the next one for who goes on there.
func (s *store) unpack(index uint64, h *cold.Head, onward bool) error {
	if _, err := s.cache.Entries(s.blocks(), h); err != nil {
		return layout.DamagedBlock(index, err)
	}
	if onward {
		s.readAhead(h.Last + 1)
	}
	return nil
}

// readAhead unpacks the block that holds an entry, if there is one, beside its caller. The store closes behind it. What
// fails is told to who reads that block.
func (s *store) readAhead(index uint64) {
	if index > s.frozen.Load() || !s.Enter() {
		return
	}
	go func() {
		defer s.Leave()
		if h, ok, err := s.blocks().At(index); err == nil && ok {
			s.cache.Ahead(s.blocks(), &h)
		}
	}()
}

// Read returns a visible batch with what there is of it: its header, which lasts until the next is read, and, when they
// are asked for, its frames.
func (x *Excerpt) Read(index uint64) (c Content, err error) {
	if index <= x.log.db.frozen.Load() {
		b, err := x.Batch(index)
		if err != nil {
			return c, err
		}
		return Content{Header: b.Header, batch: b}, nil
	}
	r, err := x.log.stored(index)
	if err != nil {
		return c, err
	}
	if r.Batch != nil { // it went into a block meanwhile
		return Content{Header: r.Batch.Header, batch: r.Batch}, nil
	}
	c.index, c.Runs = index, x.room
	if c.frames, err = c.Decode(r.Data); err != nil {
		return c, &CorruptError{Index: index, Reason: "undecodable", Err: err}
	}
	x.room = c.Runs
	return c, nil
}

// Content is a batch whose frames are unpacked when they are asked for.
type Content struct {
	entry.Header
	index  uint64
	frames entry.Frames
	batch  *entry.Batch // of a block
}

// Batch returns the batch with its frames, for which it may use room.
func (c *Content) Batch(room *[]byte) (*entry.Batch, error) {
	if c.batch == nil {
		b, err := c.frames.Batch(c.Header, room)
		if err != nil {
			return nil, &CorruptError{Index: c.index, Reason: "undecodable", Err: err}
		}
		c.batch = b
	}
	return c.batch, nil
}

// selects reports whether something of a series is selected.
func (s *Selector) selects(of layout.Series) bool {
	begins := func(prefix string) bool { return strings.HasPrefix(of.Channel, prefix) }
	named := slices.Contains(s.Exact, of.Channel) || slices.ContainsFunc(s.Prefixes, begins)
	if !named || s.Origins == nil {
		return named
	}
	_, ok := s.Origins.From(of.Origin, of.Channel)
	return ok
}

// coldMarks finds visible batches of blocks in [low, high], at most limit: the oldest in ascending order, or the newest
// in descending order.
func coldMarks(
	cache *cold.Cache, blocks cold.Blocks, low, high uint64, limit int, newest bool,
) (found []uint64, err error) {
	walk, from := blocks.Each, low
	if newest {
		walk, from = blocks.Down, high
	}
	err = walk(from, func(h cold.Head) error {
		if newest && h.Last < low || !newest && h.First > high {
			return io.EOF
		}
		marks, err := cache.Marks(blocks, &h)
		if err != nil {
			return err
		}
		// Who goes on within a block does not go through the beginning of it again.
		from, to := max(low, h.First)-h.First, min(high, h.Last)-h.First
		for i := from; i <= to; i++ {
			at := i
			if newest {
				at = from + to - i
			}
			index := h.First + at
			if !marks[at].Batch || marks[at].Hidden {
				continue
			}
			if found = append(found, index); len(found) >= limit {
				return io.EOF
			}
		}
		return nil
	})
	return found, layout.DamagedBlock(0, err)
}

// stripes adds the indexes of a series in [low, high] that blocks hold, as search.series does.
func (s *search) stripes(of layout.Series, low uint64, n int) (int, error) {
	it, prefix := s.index, of.StripeKey(0)
	prefix = prefix[:len(prefix)-8]
	is := func(ok bool) bool { return ok && bytes.HasPrefix(it.Key(), prefix) }
	ok, step := false, it.Next
	if s.Newest {
		step = it.Prev
		if ok = is(it.SeekGE(of.StripeKey(s.high))); !ok {
			ok = is(it.SeekLT(of.StripeKey(s.high)))
		}
	} else {
		ok = is(it.SeekGE(of.StripeKey(low)))
	}
	for ; ok && n < s.Limit; ok = is(step()) {
		_, last, known := layout.ParseSeriesIndex(it.Key())
		v, err := it.ValueAndErr()
		if err != nil || !known {
			return n, errors.Join(layout.Damaged(err), malformedIndex(known, it.Key()))
		}
		entries, err := cold.Positions(last, v)
		if err != nil {
			return n, layout.DamagedBlock(last, err)
		}
		if s.Newest && last < max(low, s.low) || !s.Newest && entries[0] > s.high {
			break
		}
		for i := range entries {
			if s.Newest {
				i = len(entries) - 1 - i
			}
			if at := entries[i]; at >= max(low, s.low) && at <= s.high && n < s.Limit {
				n++
				s.found = append(s.found, at)
			}
		}
		if len(s.found) >= 2*s.Limit {
			s.trim()
		}
	}
	return n, layout.Damaged(it.Error())
}
