package query

import (
	"context"
	"errors"
	"fmt"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
)

// VerifyChannels compares the records of channels with the log that they were made from, and returns the first difference
// as an *eventlog.InconsistentError, or damage of the log as that is reported. It reads all batches above the floor that are
// in sealed segments, and holds one segment at a time. Nothing may count meanwhile: it is for a log that no server uses.
func VerifyChannels(ctx context.Context, log *eventlog.Log) error {
	counted, _, err := newTraffic(log).cursor()
	if err != nil {
		return err
	}
	v := verifier{ctx: ctx, log: log, now: row{start: counted + 1, counted: counted}, floor: max(log.Floor(), 1)}
	if counted > log.Applied() {
		return v.differs(counted, "channels are counted up to it, %d is applied", log.Applied())
	}
	first, err := (&counter{log: log}).segmentAfter(v.floor, v.now)
	if err != nil {
		return err
	}
	// What is left of a segment that retention cut has no records of its own, only its lanes have.
	if err := v.segment(v.floor, first, false); err != nil {
		return err
	}
	for start := first; start <= counted; {
		next, err := (&counter{log: log}).segmentAfter(start+1, v.now)
		if err != nil {
			return err
		}
		if err := v.segment(start, next, true); err != nil {
			return err
		}
		start = next
	}
	return v.nothingElse(first)
}

// verifier compares records with the log.
type verifier struct {
	ctx   context.Context
	log   *eventlog.Log
	floor uint64
	now   row    // the moment of the records
	lanes uint64 // history records that the log calls for
}

func (v *verifier) differs(index uint64, format string, args ...any) error {
	return &eventlog.InconsistentError{Index: index, Reason: fmt.Sprintf(format, args...)}
}

// segment checks the records of [start, end).
func (v *verifier) segment(start, end uint64, whole bool) error {
	lanes := make(map[lane]*stretch)
	err := eachHeader(v.log, everything, start, end, func(index uint64, h entry.Header) error {
		tallyRuns(lanes, index, h.Runs)
		return v.ctx.Err()
	})
	if err != nil {
		return err
	}
	for l, s := range lanes {
		if err := v.lane(l, s, start, end, whole); err != nil {
			return err
		}
	}
	if whole {
		v.lanes += uint64(len(lanes))
	}
	return nil
}

// lane checks one lane of a segment: its first message, and that its totals grow by what is in the segment.
func (v *verifier) lane(l lane, s *stretch, start, end uint64, whole bool) error {
	all, err := (&traffic{log: v.log}).sealed(l)
	if err != nil {
		return err
	}
	r := v.now
	r.lane, r.all = l, all
	c := counter{log: v.log}
	later, err := c.historyAfter(r, end)
	if err != nil {
		return err
	}
	if later.start == r.start && all.newest != s.newest {
		return v.differs(s.newest.Index, "the newest message of user %d on channel %q is %s, its record says %s", l.origin, l.channel, s.newest, all.newest)
	}
	if !whole {
		return nil
	}
	own, err := c.historyAfter(r, start)
	if err != nil {
		return err
	}
	if own.start != start || own.first != s.first || later.before.minus(own.before) != s.tally {
		return v.differs(start, "user %d sent %d messages of %d bytes on channel %q from %s to entry %d, the records say %+v from %s",
			l.origin, s.messages, s.bytes, l.channel, s.first, end-1, later.before.minus(own.before), own.first)
	}
	return nil
}

// nothingElse finds history of segments that the log does not hold, and lanes without any.
func (v *verifier) nothingElse(first uint64) error {
	found := uint64(0)
	err := v.log.Scan(eventlog.SpaceChannels, []byte{recordHistory}, []byte{recordHistory + 1}, func(k, val []byte) error {
		_, rest, err := parseLane(k)
		if err != nil {
			return err
		}
		h, err := parseHistory(rest, val)
		if err == nil && h.start >= first {
			found++
		}
		return errors.Join(err, v.ctx.Err())
	})
	if err == nil && found != v.lanes {
		err = v.differs(first, "%d history records of channels, the log calls for %d", found, v.lanes)
	}
	if err != nil {
		return err
	}
	return v.log.Scan(eventlog.SpaceChannels, []byte{recordLane}, []byte{recordLane + 1}, func(k, val []byte) error {
		l, _, err := parseLane(k)
		if err != nil {
			return err
		}
		s, err := parseStretch(val)
		if err != nil || s.newest.Index < v.floor {
			return err
		}
		// Its newest message was met, unless the record has made it up.
		return v.has(l, s.newest)
	})
}

func (v *verifier) has(l lane, p place) error {
	e, err := v.log.Entry(p.Index)
	if err != nil {
		return v.differs(p.Index, "the newest message of user %d on channel %q is not there: %v", l.origin, l.channel, err)
	}
	found := make(map[lane]*stretch)
	if h, err := entry.DecodeHeader(e.Data); err == nil {
		tallyRuns(found, p.Index, h.Runs)
	}
	if s := found[l]; s == nil || s.newest != p {
		return v.differs(p.Index, "it is not the newest message of user %d on channel %q, as a record says", l.origin, l.channel)
	}
	return nil
}
