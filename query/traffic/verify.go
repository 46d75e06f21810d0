package traffic

import (
	"context"
	"errors"
	"fmt"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
)

// Verify compares the records of a log with what they were made from, and returns the first difference as an
// *eventlog.InconsistentError, or damage of the log as that is reported. It reads all batches above the floor that are
// in sealed segments, and holds one segment at a time. Nothing may count meanwhile: it is for a log that no server
// uses.
func Verify(ctx context.Context, log *eventlog.Log) error {
	at, err := cursor(log)
	if err != nil {
		return err
	}
	counted := at.counted
	v := verifier{ctx: ctx, log: log, now: Row{start: counted + 1, counted: counted}, floor: max(log.Floor(), 1)}
	if counted > log.Applied() {
		return differs(counted, "channels are counted up to it, %d is applied", log.Applied())
	}
	first, err := segmentAfter(log, v.floor, v.now)
	if err != nil {
		return err
	}
	// What is left of a segment that retention cut has no records of its own, only its series have.
	if err := v.segment(v.floor, first, false); err != nil {
		return err
	}
	for start := first; start <= counted; {
		next, err := segmentAfter(log, start+1, v.now)
		if err != nil {
			return err
		}
		if err := v.segment(start, next, true); err != nil {
			return err
		}
		start = next
	}
	if err := v.nothingElse(first); err != nil || !at.named {
		return err // a start makes the names by origin if they are not complete
	}
	return v.names()
}

// verifier compares records with the log.
type verifier struct {
	ctx     context.Context
	log     *eventlog.Log
	floor   uint64
	now     Row    // the moment of the records
	history uint64 // history records that the log calls for
}

func differs(index uint64, format string, args ...any) error {
	return &eventlog.InconsistentError{Index: index, Reason: fmt.Sprintf(format, args...)}
}

// segment checks the records of [start, end).
func (v *verifier) segment(start, end uint64, whole bool) error {
	counted := make(map[Series]*Span)
	err := eachHeader(v.log, everything, start, end, func(index uint64, h entry.Header) error {
		addRuns(counted, index, h.Runs)
		return v.ctx.Err()
	})
	if err != nil {
		return err
	}
	for of, s := range counted {
		if err := v.series(of, s, start, end, whole); err != nil {
			return err
		}
	}
	if whole {
		v.history += uint64(len(counted))
	}
	return nil
}

// series checks one series of a segment: its first message, and that its totals grow by what is in the segment.
func (v *verifier) series(of Series, s *Span, start, end uint64, whole bool) error {
	all, err := sealed(v.log, of)
	if err != nil {
		return err
	}
	r := v.now
	r.Series, r.All = of, all
	later, err := historyAfter(v.log, r, end)
	if err != nil {
		return err
	}
	if later.start == r.start && all.Newest != s.Newest {
		return differs(s.Newest.Index, "the newest message of user %d on channel %q is %s, its record says %s",
			of.Origin, of.Channel, s.Newest, all.Newest)
	}
	if !whole {
		return nil
	}
	own, err := historyAfter(v.log, r, start)
	if err != nil {
		return err
	}
	if sent := later.before.minus(own.before); own.start != start || own.first != s.First || sent != s.Count {
		return differs(start, "user %d sent %d messages of %d bytes on channel %q from %s to entry %d, "+
			"the records say %+v from %s", of.Origin, s.Messages, s.Bytes, of.Channel, s.First, end-1, sent, own.first)
	}
	return nil
}

// nothingElse finds history of segments that the log does not hold, and series without any.
func (v *verifier) nothingElse(first uint64) error {
	found := uint64(0)
	err := v.log.Scan(eventlog.SpaceChannels, []byte{recordHistory}, []byte{recordHistory + 1}, func(k, val []byte) error {
		_, rest, err := parseSeries(k)
		if err != nil {
			return err
		}
		h, err := parseHistory(rest, val)
		if err == nil && h.start >= first {
			found++
		}
		return errors.Join(err, v.ctx.Err())
	})
	if err == nil && found != v.history {
		err = differs(first, "%d history records of channels, the log calls for %d", found, v.history)
	}
	if err != nil {
		return err
	}
	return v.log.Scan(eventlog.SpaceChannels, []byte{recordSeries}, []byte{recordSeries + 1}, func(k, val []byte) error {
		of, _, err := parseSeries(k)
		if err != nil {
			return err
		}
		s, err := parseSpan(val)
		if err != nil || s.Newest.Index < v.floor {
			return err
		}
		// Its newest message was met, unless the record has made it up.
		return v.has(of, s.Newest)
	})
}

// names compares the channels by origin with the series.
func (v *verifier) names() error {
	series := 0
	err := v.log.Scan(eventlog.SpaceChannels, []byte{recordSeries}, []byte{recordSeries + 1}, func(k, _ []byte) error {
		series++
		of, _, err := parseSeries(k)
		if err != nil {
			return err
		}
		_, err = v.log.Get(eventlog.SpaceChannels, of.namedKey())
		if errors.Is(err, eventlog.ErrNotFound) {
			return differs(v.now.counted, "channel %q is not among those of user %d", of.Channel, of.Origin)
		}
		return errors.Join(err, v.ctx.Err())
	})
	if err != nil {
		return err
	}
	err = v.log.Scan(eventlog.SpaceChannels, []byte{recordOrigin}, []byte{recordOrigin + 1}, func(_, _ []byte) error {
		series--
		return v.ctx.Err()
	})
	if err == nil && series != 0 {
		err = differs(v.now.counted, "%d channels are there for their users alone", -series)
	}
	return err
}

func (v *verifier) has(of Series, m Mark) error {
	e, err := v.log.Entry(m.Index)
	if err != nil {
		return differs(m.Index, "the newest message of user %d on channel %q is not there: %v", of.Origin, of.Channel, err)
	}
	found := make(map[Series]*Span)
	if h, err := entry.DecodeHeader(e.Data); err == nil {
		addRuns(found, m.Index, h.Runs)
	}
	if s := found[of]; s == nil || s.Newest != m {
		return differs(m.Index, "it is not the newest message of user %d on channel %q, as a record says",
			of.Origin, of.Channel)
	}
	return nil
}
