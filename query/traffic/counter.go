package traffic

import (
	"encoding/binary"
	"errors"
	"fmt"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
)

// Counter counts what series got from some index on, for one answer.
type Counter struct {
	log     *eventlog.Log
	channel string // "": any
	parts   map[[2]uint64]map[Series]*Span
}

// Counter returns a counter for the series of one channel, or of all for "".
func (p *Projection) Counter(channel string) *Counter {
	return &Counter{log: p.log, channel: channel, parts: make(map[[2]uint64]map[Series]*Span)}
}

// Since returns what a series got at or above an index. Where that is inside a segment, the segment's rest is read from
// the log.
func (c *Counter) Since(r Row, from uint64) (Span, error) {
	switch {
	case from <= r.All.First.Index:
		return r.All, nil
	case from > r.All.Newest.Index:
		return Span{}, nil
	}
	end, err := segmentAfter(c.log, from, r)
	if err != nil {
		return Span{}, err
	}
	var s Span
	if from < end {
		part, err := c.part(from, end)
		if err != nil {
			return Span{}, err
		}
		if p := part[r.Series]; p != nil {
			s = *p
		}
	}
	if end > r.counted {
		return s, nil
	}
	h, err := historyAfter(c.log, r, end)
	if err != nil {
		return Span{}, err
	}
	s.join(Span{h.first, r.All.Newest, r.All.minus(h.before)})
	return s, nil
}

// segmentAfter returns where the first segment at or above index begins: the entry after all that is counted if none
// does.
func segmentAfter(log *eventlog.Log, index uint64, r Row) (uint64, error) {
	if index > r.start {
		return r.counted + 1, nil
	}
	start := r.start
	err := log.Scan(eventlog.SpaceChannels, segmentKey(index), segmentKey(r.start), func(k, _ []byte) error {
		start = binary.BigEndian.Uint64(k[1:])
		return errEnough
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return start, err
}

// historyAfter returns the first segment of a series at or above index, as of the row's moment; the open one if there
// is no other.
func historyAfter(log *eventlog.Log, r Row, index uint64) (history, error) {
	h := history{start: r.start, first: r.open.First, before: r.All.minus(r.open.Count)}
	err := log.Scan(eventlog.SpaceChannels, r.historyKey(index), r.historyKey(r.start), func(k, v []byte) (err error) {
		_, rest, err := parseSeries(k)
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
func (c *Counter) part(from, end uint64) (map[Series]*Span, error) {
	key := [2]uint64{from, end}
	if p, ok := c.parts[key]; ok {
		return p, nil
	}
	part := make(map[Series]*Span)
	sel := everything
	if c.channel != "" {
		sel = eventlog.Selector{Exact: []string{c.channel}}
	}
	err := eachHeader(c.log, sel, from, end, func(index uint64, h entry.Header) error {
		addRuns(part, index, h.Runs)
		return nil
	})
	c.parts[key] = part
	return part, err
}

// eachHeader calls fn for the visible batches in [from, end) that hold a selected channel. What is below the floor is
// left out, also when it goes there meanwhile.
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
			h, err := log.Header(index)
			if errors.Is(err, eventlog.ErrBelowFloor) {
				continue
			}
			if err != nil {
				return fmt.Errorf("traffic: %w", err)
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
