package trail

import (
	"encoding/binary"
	"errors"
	"slices"
	"sort"

	"hpfriends/eventlog"
)

// Subject is whom events concern: one user, or everybody.
type Subject struct {
	all   bool
	user  uint64
	spans []Span
}

// Everybody is the Subject whom every event concerns.
func Everybody() *Subject { return &Subject{all: true} }

// Subject returns a user with all memberships that they ever had.
func (t Trail) Subject(user uint64) (*Subject, error) {
	spans, err := t.spans(user)
	return &Subject{user: user, spans: spans}, err
}

// Concerns reports whether a change of the event at index concerns the subject.
func (s *Subject) Concerns(c Change, index uint64) bool {
	return s.all || slices.Contains(c.Users, s.user) ||
		c.Group != 0 && slices.ContainsFunc(s.spans, func(s Span) bool { return s.Group == c.Group && s.holds(index) })
}

// Made reports whether the subject has made an event.
func (s *Subject) Made(r *Record) bool { return s.all || r.By != 0 && r.By == s.user }

// Reader finds the events that concern a subject, in either direction.
type Reader struct {
	trail   Trail
	down    bool
	streams []*stream
}

// Read reads the events of [lo, hi] that concern a subject.
func (t Trail) Read(of *Subject, lo, hi uint64, down bool) *Reader {
	r := &Reader{trail: t, down: down}
	if of.all {
		r.streams = []*stream{newStream(key(keyRecord), lo, hi)}
		return r
	}
	r.streams = []*stream{newStream(key(keyUser, of.user), lo, hi)}
	for spans := of.spans; len(spans) > 0; { // in order of groups, and of when they began
		n := 1
		for n < len(spans) && spans[n].Group == spans[0].Group {
			n++
		}
		r.streams = append(r.streams, groupStream(spans[:n], lo, hi))
		spans = spans[n:]
	}
	return r
}

// groupStream is the events of a group at which somebody was in it: one stream, however often they came and went.
func groupStream(spans []Span, lo, hi uint64) *stream {
	last := spans[len(spans)-1]
	if last.To != 0 {
		hi = min(hi, last.To)
	}
	s := newStream(key(keyGroup, last.Group), max(lo, spans[0].From), hi)
	s.spans = spans
	return s
}

// Next is the next event, nil at the end.
func (r *Reader) Next() (*Record, error) {
	var best *stream
	for _, s := range r.streams {
		for len(s.ahead) == 0 && !s.done { // what was read may count for nothing
			if err := s.fill(r.trail.log, r.down); err != nil {
				return nil, err
			}
		}
		if len(s.ahead) > 0 && (best == nil || (s.ahead[0].index > best.ahead[0].index) == r.down) {
			best = s
		}
	}
	if best == nil {
		return nil, nil
	}
	at := best.ahead[0]
	for _, s := range r.streams { // an event may concern somebody in several ways
		if len(s.ahead) > 0 && s.ahead[0].index == at.index {
			s.ahead = s.ahead[1:]
		}
	}
	if at.raw == nil {
		var err error
		if at.raw, err = r.trail.log.Get(eventlog.SpaceTrail, key(keyRecord, at.index)); err != nil {
			return nil, err
		}
	}
	return decode(at.raw)
}

// stream is the keys of one kind, in portions.
type stream struct {
	prefix []byte
	lo, hi uint64 // what was not read yet
	spans  []Span // nil: all of it counts
	ahead  []place
	done   bool
}

type place struct {
	index uint64
	raw   []byte // nil: it is to be looked up
}

func newStream(prefix []byte, lo, hi uint64) *stream {
	return &stream{prefix: prefix, lo: lo, hi: hi, done: lo > hi}
}

// portion is how many keys are read with one iterator.
const portion = 128

var errEnough = errors.New("trail: enough")

func (s *stream) fill(log *eventlog.Log, down bool) error {
	scan, left := log.Scan, portion
	if down {
		scan = log.ScanDown
	}
	from := binary.BigEndian.AppendUint64(slices.Clone(s.prefix), s.lo)
	to := binary.BigEndian.AppendUint64(slices.Clone(s.prefix), s.hi+1)
	err := scan(eventlog.SpaceTrail, from, to, func(k, v []byte) error {
		p := place{index: binary.BigEndian.Uint64(k[len(k)-8:])}
		if len(v) > 0 {
			p.raw = slices.Clone(v)
		}
		s.ahead = append(s.ahead, p)
		if left--; left == 0 {
			return errEnough
		}
		return nil
	})
	if s.done = err == nil; errors.Is(err, errEnough) {
		err = nil
	}
	if n := len(s.ahead); n > 0 && down {
		s.hi = s.ahead[n-1].index - 1
		s.done = s.done || s.hi < s.lo
	} else if n > 0 {
		s.lo = s.ahead[n-1].index + 1
	}
	s.ahead = slices.DeleteFunc(s.ahead, func(p place) bool { return s.spans != nil && !s.holds(p.index) })
	return err
}

// holds reports whether one of the spans, which do not overlap, holds an event.
func (s *stream) holds(index uint64) bool {
	n := sort.Search(len(s.spans), func(i int) bool { return s.spans[i].From > index })
	return n > 0 && s.spans[n-1].holds(index)
}
