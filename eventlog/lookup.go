package eventlog

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2"

	"hpfriends/eventlog/cold"
	"hpfriends/eventlog/layout"
)

// Selector selects series: of the channels named, and of those that begin with one of the prefixes (the empty prefix
// selects all channels), what some origins publish.
type Selector struct {
	Exact    []string
	Prefixes []string
	Origins  Origins // nil: all
}

// Origins says whose messages are selected. The origins of On and Within are bounds that tell where to look, in any
// order; From decides.
type Origins interface {
	On(channel string) []uint64                                       // those on a channel
	Within(prefix string) []uint64                                    // those on any channel that begins so
	From(origin uint64, channel string) (first uint64, selected bool) // the index of the first that is selected
}

// Select returns the selector of patterns: a channel's name, or a prefix with * behind it. "*" selects all channels.
func Select[P ~string](patterns ...P) Selector {
	var sel Selector
	for _, p := range patterns {
		if prefix, ok := strings.CutSuffix(string(p), "*"); ok {
			sel.Prefixes = append(sel.Prefixes, prefix)
		} else {
			sel.Exact = append(sel.Exact, string(p))
		}
	}
	return sel
}

// Everything reports whether the selector leaves nothing out.
func (s *Selector) Everything() bool { return s.Origins == nil && slices.Contains(s.Prefixes, "") }

// Lookup asks for batches with a selected series, from From on and below End: the Limit oldest in ascending order, or
// the Limit newest in descending order.
type Lookup struct {
	Selector
	From, End uint64
	Limit     int
	Newest    bool
	Seeks     int // to spend at most; 0: what it takes
}

// Found is what a Lookup has found: fewer than its limit means that there are no more.
type Found struct {
	Indexes []uint64
	Seeks   int  // that it took
	Spent   bool // it would have taken more than it may: nothing is found
}

// Next returns, in ascending order, up to limit indexes >= from and <= Applied of visible batches that hold a selected
// series. Fewer than limit means that there are no more.
func (l *Log) Next(sel Selector, from uint64, limit int) ([]uint64, error) {
	f, err := l.Lookup(Lookup{Selector: sel, From: from, End: l.Applied() + 1, Limit: limit})
	return f.Indexes, err
}

// Lookup finds batches by the index. It costs a seek for each series, or for each origin, whichever are fewer, and then
// what it returns; to select everything, one seek.
func (l *Log) Lookup(q Lookup) (Found, error) {
	if !l.db.Enter() {
		return Found{}, ErrClosed
	}
	defer l.db.Leave()
	// Applied before the floor: the floor then belongs to the same or a later state.
	q.End = min(q.End, l.Applied()+1)
	q.From = max(q.From, l.Floor())
	if q.Limit <= 0 || q.From >= q.End {
		return Found{}, nil
	}
	s := search{Lookup: q, db: l.db, low: q.From, high: q.End - 1}
	if q.Everything() {
		err := s.marks()
		return Found{Indexes: s.found, Seeks: 1}, err
	}
	var err error
	// Entries move from the one span to the other: one iterator sees both as of one moment.
	if s.index, err = l.db.iterate([]byte{layout.SpanIndex}, []byte{layout.SpanStripe + 1}); err != nil {
		return Found{}, err
	}
	s.cold = s.low <= l.db.frozen.Load()
	defer s.index.Close()
	err = s.all()
	if errors.Is(err, errSpent) {
		return Found{Seeks: s.seeks, Spent: true}, nil
	}
	s.trim()
	return Found{Indexes: s.found, Seeks: s.seeks}, err
}

// search is one run of Lookup.
type search struct {
	Lookup
	db        *store
	index     *pebble.Iterator
	cold      bool // blocks may hold some of it
	seeks     int
	low, high uint64   // what else can be among the found lies between, inclusive
	found     []uint64 // at most twice the limit, with repetitions
}

var errSpent = errors.New("eventlog: the seeks are spent")

func (s *search) spend() error {
	if s.seeks++; s.Seeks > 0 && s.seeks > s.Seeks {
		return errSpent
	}
	return nil
}

func (s *search) all() error {
	for _, channel := range s.Exact {
		if err := s.channel(channel); err != nil {
			return err
		}
	}
	for _, prefix := range s.Prefixes {
		if err := s.prefix(prefix); err != nil {
			return err
		}
	}
	return nil
}

const (
	fewOrigins   = 16   // of a channel are looked for without a look at the directory
	someOrigins  = 1024 // of a prefix are: each has a few channels, but there may be any number of those
	keysForASeek = 8    // keys that are read one after the other in the time of a seek
)

// channel looks for the series of one channel: by its origins or, where it has fewer, by the directory.
func (s *search) channel(channel string) error {
	lower := AppendChannel([]byte{layout.SpanSeries}, channel)
	if s.Origins == nil {
		return s.directory(lower)
	}
	origins := s.Origins.On(channel)
	if len(origins) > fewOrigins {
		fewer, err := s.fewerThan(len(origins), lower)
		if err != nil {
			return err
		}
		if fewer {
			return s.directory(lower)
		}
	}
	for _, origin := range origins {
		if first, ok := s.Origins.From(origin, channel); ok {
			if err := s.series(layout.Series{Channel: channel, Origin: origin}, first); err != nil {
				return err
			}
		}
	}
	return nil
}

// prefix looks for the series of all channels that begin alike.
func (s *search) prefix(prefix string) error {
	lower := AppendChannelPrefix([]byte{layout.SpanSeries}, prefix)
	if s.Origins == nil {
		return s.directory(lower)
	}
	origins := s.Origins.Within(prefix)
	if len(origins) > someOrigins {
		return s.directory(lower)
	}
	for _, origin := range origins {
		if err := s.origin(origin, prefix); err != nil {
			return err
		}
	}
	return nil
}

// fewerThan reports whether the directory has fewer than n series from lower on.
func (s *search) fewerThan(n int, lower []byte) (bool, error) {
	err := s.db.scan(lower, layout.After(lower), func([]byte, []byte) error {
		if n--; n <= 0 {
			return errSpent
		}
		return nil
	})
	if errors.Is(err, errSpent) {
		return false, nil
	}
	return true, err
}

// directory looks for the series of a part of the directory. It says which have nothing from the beginning on.
func (s *search) directory(lower []byte) error {
	keys := 0
	return s.db.scan(lower, layout.After(lower), func(k, v []byte) error {
		if keys++; keys%keysForASeek == 0 {
			if err := s.spend(); err != nil {
				return err
			}
		}
		of, ok := layout.ParseSeriesKey(k)
		newest, known := ParseIndexKey(v)
		switch {
		case !ok || !known:
			return layout.Corrupt(0, "directory of channel %q of user %d has %d bytes", of.Channel, of.Origin, len(v))
		case newest < s.low:
			return nil
		case s.Origins == nil:
			return s.series(of, 0)
		}
		first, selected := s.Origins.From(of.Origin, of.Channel)
		if !selected || first > newest {
			return nil
		}
		return s.series(of, first)
	})
}

// origin looks for the series of one origin on the channels that begin alike.
func (s *search) origin(origin uint64, prefix string) error {
	var known map[layout.Series]bool
	if s.cold {
		known = make(map[layout.Series]bool)
		if err := s.originIn(layout.SpanStripe, origin, prefix, known); err != nil {
			return err
		}
	}
	return s.originIn(layout.SpanIndex, origin, prefix, known)
}

// originIn looks in one span, from each channel it skips to the next, and leaves out what is known.
func (s *search) originIn(span byte, origin uint64, prefix string, known map[layout.Series]bool) error {
	lower := AppendChannelPrefix(binary.BigEndian.AppendUint64([]byte{span}, origin), prefix)
	key := slices.Clone(lower)
	for {
		if err := s.spend(); err != nil {
			return err
		}
		if !s.index.SeekGE(key) || !bytes.HasPrefix(s.index.Key(), lower) {
			return layout.Damaged(s.index.Error())
		}
		of, _, ok := layout.ParseSeriesIndex(s.index.Key())
		if err := malformedIndex(ok, s.index.Key()); err != nil {
			return err
		}
		if first, selected := s.Origins.From(origin, of.Channel); selected && !known[of] {
			if err := s.series(of, first); err != nil {
				return err
			}
		}
		if known != nil {
			known[of] = true
		}
		key = of.IndexPrefix()
		key[0] = span
		key = layout.After(key)
	}
}

func malformedIndex(ok bool, key []byte) error {
	if ok {
		return nil
	}
	return fmt.Errorf("eventlog: malformed index key %x", key)
}

// series adds the indexes of one series that are not before first.
func (s *search) series(of layout.Series, first uint64) error {
	if err := s.spend(); err != nil {
		return err
	}
	low := max(first, s.low)
	if low > s.high {
		return nil
	}
	parts := []func(layout.Series, uint64, int) (int, error){s.stripes, s.keys}
	switch {
	case !s.cold:
		parts = parts[1:]
	case s.Newest:
		slices.Reverse(parts)
	}
	n := 0
	for _, part := range parts {
		var err error
		if n, err = part(of, low, n); err != nil {
			return err
		}
	}
	return nil
}

// keys adds the indexes of a series in [low, high] that are keys of their own, up to the limit, of which n are found.
func (s *search) keys(of layout.Series, low uint64, n int) (int, error) {
	prefix, it := of.IndexPrefix(), s.index
	seek, step, key := it.SeekGE, it.Next, of.IndexKey(low)
	if s.Newest {
		seek, step, key = it.SeekLT, it.Prev, of.IndexKey(s.high+1)
	}
	for ok := seek(key); ok && n < s.Limit; ok = step() {
		k := it.Key()
		if !bytes.HasPrefix(k, prefix) {
			break
		}
		if err := malformedIndex(len(k) == len(prefix)+8, k); err != nil {
			return n, err
		}
		index := binary.BigEndian.Uint64(k[len(prefix):])
		if index < max(low, s.low) || index > s.high {
			break
		}
		n++
		if s.found = append(s.found, index); len(s.found) >= 2*s.Limit {
			s.trim()
		}
	}
	return n, layout.Damaged(it.Error())
}

// trim puts the found in order, and leaves out what is not among the first of them.
func (s *search) trim() {
	slices.Sort(s.found)
	s.found = slices.Compact(s.found)
	if s.Newest {
		slices.Reverse(s.found)
	}
	if len(s.found) < s.Limit {
		return
	}
	s.found = s.found[:s.Limit]
	if last := s.found[s.Limit-1]; s.Newest {
		s.low = last
	} else {
		s.high = last
	}
}

// marks finds visible batches, whatever they hold.
func (s *search) marks() error {
	snapshot := s.db.NewSnapshot()
	defer snapshot.Close()
	blocks := cold.Blocks{Reader: snapshot}
	s.cold = s.low <= s.db.frozen.Load()
	if s.cold && !s.Newest {
		var err error
		s.found, err = coldMarks(s.db.cache, blocks, s.low, s.high, s.Limit, false)
		if err != nil || len(s.found) >= s.Limit {
			return err
		}
	}
	if err := s.ownMarks(snapshot); err != nil {
		return err
	}
	if left := s.Limit - len(s.found); s.cold && s.Newest && left > 0 {
		older, err := coldMarks(s.db.cache, blocks, s.low, s.high, left, true)
		s.found = append(s.found, older...)
		return err
	}
	return nil
}

func (s *search) ownMarks(r pebble.Reader) error {
	it, err := layout.Iterate(r, layout.Indexed(layout.SpanBatch, s.low), layout.Indexed(layout.SpanBatch, s.high+1))
	if err != nil {
		return err
	}
	defer it.Close()
	begin, step := it.First, it.Next
	if s.Newest {
		begin, step = it.Last, it.Prev
	}
	for ok := begin(); ok && len(s.found) < s.Limit; ok = step() {
		index, mark, err := layout.ParseBatchMark(it)
		if err != nil {
			return err
		}
		if !mark.Hidden {
			s.found = append(s.found, index)
		}
	}
	return layout.Damaged(it.Error())
}
