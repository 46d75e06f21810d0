package traffic

import (
	"errors"

	"hpfriends/eventlog"
)

// Segment is what a series got in one segment of the log.
type Segment struct {
	From, To int64 // when, in unix milliseconds: between its first message and the next one, or the newest
	Messages uint64
}

// Segments calls fn, until it fails, for the segments of a series at or above visible which hold something of the
// entries from begin to end, and perhaps for a few before.
func (p *Projection) Segments(r Row, visible, begin, end uint64, fn func(Segment) error) error {
	from := max(visible, begin-min(begin, p.limits.Entries))
	var last history
	tell := func(next history) error {
		if last.start == 0 || next.before.Messages == last.before.Messages {
			last = next
			return nil
		}
		s := Segment{last.first.Millis, next.first.Millis, next.before.Messages - last.before.Messages}
		last = next
		return fn(s)
	}
	err := p.log.Scan(eventlog.SpaceChannels, r.historyKey(from), r.historyKey(r.start), func(k, v []byte) error {
		_, rest, err := parseSeries(k)
		if err != nil {
			return err
		}
		h, err := parseHistory(rest, v)
		if err != nil {
			return err
		}
		if err := tell(h); err != nil {
			return err
		}
		if h.start > end {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	if err != nil {
		return err
	}
	if r.open.Messages > 0 {
		if err := tell(history{start: r.start, first: r.open.First, before: r.All.minus(r.open.Count)}); err != nil {
			return err
		}
	}
	newest := r.All.Newest
	newest.Millis++
	return tell(history{start: r.counted + 1, first: newest, before: r.All.Count})
}
