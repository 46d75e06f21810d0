package query

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
)

// row is a lane as of one moment.
type row struct {
	lane
	all     stretch // all that was counted
	open    stretch // ... in the open segment
	start   uint64  // of the open segment at that moment
	counted uint64  // entries up to here
}

// rowsAtOnce is how many records are read under the lock.
const rowsAtOnce = 1024

var errEnough = errors.New("query: enough")

// rows calls fn, in order of channel and origin, for the lanes whose key is in [from, to).
func (t *traffic) rows(ctx context.Context, from, to []byte, fn func(row) error) error {
	for from != nil {
		rows, next, err := t.someRows(ctx, from, to)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if err := fn(r); err != nil {
				return err
			}
		}
		from = next
	}
	return nil
}

// someRows returns the first lanes from a key on, and the key to go on with or nil.
func (t *traffic) someRows(ctx context.Context, from, to []byte) (rows []row, next []byte, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.follow(ctx); err != nil {
		return nil, nil, err
	}
	err = t.log.Scan(eventlog.SpaceChannels, from, to, func(k, v []byte) error {
		if len(rows) == rowsAtOnce {
			next = slices.Clone(k)
			return errEnough
		}
		l, _, err := parseLane(k)
		if err != nil {
			return err
		}
		s, err := parseStretch(v)
		rows = append(rows, row{lane: l, all: s, start: t.start, counted: t.counted})
		return err
	})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, nil, err
	}
	if next != nil {
		to = next
	}
	return t.withOpen(rows, string(from), string(to)), next, nil
}

// withOpen adds what the open segment holds of the lanes in [from, to).
func (t *traffic) withOpen(rows []row, from, to string) []row {
	sealed := make(map[lane]int, len(rows))
	for i := range rows {
		sealed[rows[i].lane] = i
	}
	for l, s := range t.open {
		k := string(l.key(recordLane))
		if k < from || k >= to {
			continue
		}
		i, ok := sealed[l]
		if !ok {
			i = len(rows)
			rows = append(rows, row{lane: l, start: t.start, counted: t.counted})
		}
		rows[i].open = *s
		rows[i].all.join(*s)
	}
	slices.SortFunc(rows, func(a, b row) int {
		if c := strings.Compare(a.channel, b.channel); c != 0 {
			return c
		}
		return compare(a.origin, b.origin)
	})
	return rows
}

// counter counts what lanes got from some index on, for one answer.
type counter struct {
	log     *eventlog.Log
	channel string // "": any
	parts   map[[2]uint64]map[lane]*stretch
}

func (t *traffic) counter(channel string) *counter {
	return &counter{log: t.log, channel: channel, parts: make(map[[2]uint64]map[lane]*stretch)}
}

// since is what the lane got at or above from. Where from is inside a segment, that segment's rest is read from the log.
func (c *counter) since(r row, from uint64) (stretch, error) {
	switch {
	case from <= r.all.first.Index:
		return r.all, nil
	case from > r.all.newest.Index:
		return stretch{}, nil
	}
	end, err := c.segmentAfter(from, r)
	if err != nil {
		return stretch{}, err
	}
	var s stretch
	if from < end {
		part, err := c.part(from, end)
		if err != nil {
			return stretch{}, err
		}
		if p := part[r.lane]; p != nil {
			s = *p
		}
	}
	if end > r.counted {
		return s, nil
	}
	h, err := c.historyAfter(r, end)
	if err != nil {
		return stretch{}, err
	}
	s.join(stretch{h.first, r.all.newest, r.all.minus(h.before)})
	return s, nil
}

// segmentAfter is where the first segment at or above index begins: the entry after all that is counted if none does.
func (c *counter) segmentAfter(index uint64, r row) (uint64, error) {
	if index > r.start {
		return r.counted + 1, nil
	}
	start := r.start
	err := c.log.Scan(eventlog.SpaceChannels, segmentKey(index), segmentKey(r.start), func(k, _ []byte) error {
		start = binary.BigEndian.Uint64(k[1:])
		return errEnough
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return start, err
}

// historyAfter is the lane's first segment at or above index, as of the row's moment; the open one if there is no other.
func (c *counter) historyAfter(r row, index uint64) (history, error) {
	h := history{start: r.start, first: r.open.first, before: r.all.minus(r.open.tally)}
	err := c.log.Scan(eventlog.SpaceChannels, r.historyKey(index), r.historyKey(r.start), func(k, v []byte) (err error) {
		_, rest, err := parseLane(k)
		if err != nil {
			return err
		}
		if h, err = parseHistory(rest, v); err != nil {
			return err
		}
		return errEnough
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return h, err
}

// part counts the entries in [from, end), which is less than one segment, once for an answer.
func (c *counter) part(from, end uint64) (map[lane]*stretch, error) {
	key := [2]uint64{from, end}
	if p, ok := c.parts[key]; ok {
		return p, nil
	}
	part := make(map[lane]*stretch)
	sel := everything
	if c.channel != "" {
		sel = eventlog.Selector{Exact: []string{c.channel}}
	}
	err := eachHeader(c.log, sel, from, end, func(index uint64, h entry.Header) error {
		tallyRuns(part, index, h.Runs)
		return nil
	})
	c.parts[key] = part
	return part, err
}

// eachHeader calls fn for the visible batches in [from, end) that hold a selected channel. What is below the floor is left
// out, also when it goes there meanwhile.
func eachHeader(log *eventlog.Log, sel eventlog.Selector, from, end uint64, fn func(uint64, entry.Header) error) error {
	const size = 512
	for from < end {
		indexes, err := log.Next(sel, from, size)
		if err != nil {
			return err
		}
		for _, index := range indexes {
			if index >= end {
				return nil
			}
			e, err := log.Entry(index)
			if errors.Is(err, eventlog.ErrBelowFloor) {
				continue
			}
			if err != nil {
				return err
			}
			h, err := entry.DecodeHeader(e.Data)
			if err != nil {
				return fmt.Errorf("query: %w", &eventlog.CorruptError{Index: index, Reason: "undecodable", Err: err})
			}
			if err := fn(index, h); err != nil {
				return err
			}
		}
		if len(indexes) < size {
			return nil
		}
		from = indexes[size-1] + 1
	}
	return nil
}
