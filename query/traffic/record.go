package traffic

import (
	"encoding/binary"
	"fmt"
	"time"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
)

// Series is what one user publishes on one channel.
type Series struct {
	Channel string
	Origin  graph.UserID
}

// Count is an amount of messages.
type Count struct {
	Messages uint64
	Bytes    uint64 // of their frames
}

// Plus returns the sum.
func (c Count) Plus(d Count) Count { return Count{c.Messages + d.Messages, c.Bytes + d.Bytes} }

func (c Count) minus(d Count) Count { return Count{c.Messages - d.Messages, c.Bytes - d.Bytes} }

// Mark is the position of a message, and when it came.
type Mark struct {
	eventlog.Position
	Millis int64 // unix time
}

// When returns the time of the message.
func (m Mark) When() time.Time { return time.UnixMilli(m.Millis).UTC() }

// Span is what a part of the log holds of a series, or of several.
type Span struct {
	First, Newest Mark
	Count
}

// add counts a run that comes after all that was counted.
func (s *Span) add(index uint64, r *entry.Run) {
	if s.Messages == 0 {
		s.First = Mark{eventlog.Position{Index: index, Offset: r.First}, r.Time}
	}
	s.Newest = Mark{eventlog.Position{Index: index, Offset: r.First + r.Count - 1}, r.Time}
	s.Count = s.Plus(Count{uint64(r.Count), uint64(r.Size)})
}

// join puts a later span behind s.
func (s *Span) join(later Span) {
	if later.Messages == 0 {
		return
	}
	if s.Messages == 0 {
		s.First = later.First
	}
	s.Newest, s.Count = later.Newest, s.Plus(later.Count)
}

// Merge adds what the same part of the log holds of another series.
func (s *Span) Merge(other Span) {
	if s.Messages == 0 {
		*s = other
		return
	}
	if other.First.Compare(s.First.Position) < 0 {
		s.First = other.First
	}
	if other.Newest.Compare(s.Newest.Position) > 0 {
		s.Newest = other.Newest
	}
	s.Count = s.Plus(other.Count)
}

// What is stored, in SpaceChannels. The key of a series is its channel (eventlog.AppendChannel) and its origin (8
// bytes).
//
//	'c'                   -> counted u64, pruned u64                        how far the log is counted
//	'i'                   -> counted u64, pruned u64                        what 'c' said when 'o' was complete
//	'h' series, start u64 -> first mark, messages u64, bytes u64            of the segment at start: the first message in
//	                                                                        it, and the series' totals before it
//	'l' series            -> first mark, newest mark, messages u64, bytes u64   all that was counted
//	'o' origin, channel   -> (empty)                                        there is a record 'l'
//	's' start u64         -> (empty)                                        a sealed segment begins here
//
//	mark  index u64, offset u32, unix milliseconds u64
const (
	recordCursor  = 'c'
	recordHistory = 'h'
	recordNamed   = 'i'
	recordOrigin  = 'o'
	recordSeries  = 'l'
	recordSegment = 's'

	markSize    = 20
	spanSize    = 2*markSize + 16
	historySize = markSize + 16
)

func (s Series) key(record byte) []byte {
	k := eventlog.AppendChannel(append(make([]byte, 0, len(s.Channel)+20), record), s.Channel)
	return binary.BigEndian.AppendUint64(k, uint64(s.Origin))
}

func (s Series) historyKey(start uint64) []byte {
	return binary.BigEndian.AppendUint64(s.key(recordHistory), start)
}

func segmentKey(start uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{recordSegment}, start)
}

// parseSeries reads the key of a record of a series; the rest is empty, or the start of a history record.
func parseSeries(key []byte) (s Series, rest []byte, err error) {
	channel, rest, ok := eventlog.CutChannel(key[1:])
	if !ok || len(rest) < 8 {
		return s, nil, fmt.Errorf("traffic: key %x of a channel's record", key)
	}
	return Series{channel, graph.UserID(binary.BigEndian.Uint64(rest))}, rest[8:], nil
}

func (m Mark) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, m.Index)
	b = binary.BigEndian.AppendUint32(b, m.Offset)
	return binary.BigEndian.AppendUint64(b, uint64(m.Millis))
}

func parseMark(b []byte) Mark {
	p := eventlog.Position{Index: binary.BigEndian.Uint64(b), Offset: binary.BigEndian.Uint32(b[8:])}
	return Mark{p, int64(binary.BigEndian.Uint64(b[12:]))}
}

func (c Count) append(b []byte) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, c.Messages), c.Bytes)
}

func parseCount(b []byte) Count {
	return Count{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}
}

func (s *Span) encode() []byte { return s.Count.append(s.Newest.append(s.First.append(nil))) }

func parseSpan(v []byte) (s Span, err error) {
	if len(v) != spanSize {
		return s, fmt.Errorf("traffic: a channel's record of %d bytes, want %d", len(v), spanSize)
	}
	return Span{parseMark(v), parseMark(v[markSize:]), parseCount(v[2*markSize:])}, nil
}

// history is one segment of a series.
type history struct {
	start  uint64
	first  Mark
	before Count // the series' totals before the segment
}

func (h history) encode() []byte { return h.before.append(h.first.append(nil)) }

func parseHistory(rest, v []byte) (h history, err error) {
	if len(rest) != 8 || len(v) != historySize {
		return h, fmt.Errorf("traffic: a channel's history record of %d and %d bytes", len(rest), len(v))
	}
	return history{binary.BigEndian.Uint64(rest), parseMark(v), parseCount(v[markSize:])}, nil
}
