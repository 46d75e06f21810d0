package eventlog

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2"
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
	if s.index, err = l.db.iterate(spanBounds(spanIndex)); err != nil {
		return Found{}, err
	}
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
	lower := AppendChannel([]byte{spanSeries}, channel)
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
			if err := s.series(series{channel, origin}, first); err != nil {
				return err
			}
		}
	}
	return nil
}

// prefix looks for the series of all channels that begin alike.
func (s *search) prefix(prefix string) error {
	lower := AppendChannelPrefix([]byte{spanSeries}, prefix)
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
	err := s.db.scan(lower, after(lower), func([]byte, []byte) error {
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
	return s.db.scan(lower, after(lower), func(k, v []byte) error {
		if keys++; keys%keysForASeek == 0 {
			if err := s.spend(); err != nil {
				return err
			}
		}
		of, ok := parseSeriesKey(k)
		newest, known := ParseIndexKey(v)
		switch {
		case !ok || !known:
			return corrupt(0, "directory of channel %q of user %d has %d bytes", of.channel, of.origin, len(v))
		case newest < s.low:
			return nil
		case s.Origins == nil:
			return s.series(of, 0)
		}
		first, selected := s.Origins.From(of.origin, of.channel)
		if !selected || first > newest {
			return nil
		}
		return s.series(of, first)
	})
}

// origin looks for the series of one origin on the channels that begin alike: from each it skips to the next.
func (s *search) origin(origin uint64, prefix string) error {
	lower := AppendChannelPrefix(binary.BigEndian.AppendUint64([]byte{spanIndex}, origin), prefix)
	key := slices.Clone(lower)
	for {
		if err := s.spend(); err != nil {
			return err
		}
		if !s.index.SeekGE(key) || !bytes.HasPrefix(s.index.Key(), lower) {
			return damaged(s.index.Error())
		}
		of, _, ok := parseIndexKey(s.index.Key())
		if !ok {
			return fmt.Errorf("eventlog: malformed index key %x", s.index.Key())
		}
		if first, selected := s.Origins.From(origin, of.channel); selected {
			if err := s.series(of, first); err != nil {
				return err
			}
		}
		key = after(of.indexPrefix())
	}
}

// series adds the indexes of one series that are not before first.
func (s *search) series(of series, first uint64) error {
	if err := s.spend(); err != nil {
		return err
	}
	prefix, low, it := of.indexPrefix(), max(first, s.low), s.index
	if low > s.high {
		return nil
	}
	n, seek, step, key := 0, it.SeekGE, it.Next, of.indexKey(low)
	if s.Newest {
		seek, step, key = it.SeekLT, it.Prev, of.indexKey(s.high+1)
	}
	for ok := seek(key); ok && n < s.Limit; ok = step() {
		k := it.Key()
		if !bytes.HasPrefix(k, prefix) {
			break
		}
		if len(k) != len(prefix)+8 {
			return fmt.Errorf("eventlog: malformed index key %x", k)
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
	return damaged(it.Error())
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
	it, err := s.db.iterate(indexed(spanBatch, s.low), indexed(spanBatch, s.high+1))
	if err != nil {
		return err
	}
	defer it.Close()
	begin, step := it.First, it.Next
	if s.Newest {
		begin, step = it.Last, it.Prev
	}
	for ok := begin(); ok && len(s.found) < s.Limit; ok = step() {
		index, mark, err := parseBatchMark(it)
		if err != nil {
			return err
		}
		if !mark.hidden {
			s.found = append(s.found, index)
		}
	}
	return damaged(it.Error())
}
