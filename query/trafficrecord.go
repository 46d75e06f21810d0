package query

import (
	"encoding/binary"
	"fmt"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
)

// lane is what one origin publishes on one channel.
type lane struct {
	channel string
	origin  graph.UserID
}

// tally is how much: messages, and the bytes of their frames.
type tally struct{ messages, bytes uint64 }

func (t tally) plus(u tally) tally  { return tally{t.messages + u.messages, t.bytes + u.bytes} }
func (t tally) minus(u tally) tally { return tally{t.messages - u.messages, t.bytes - u.bytes} }

// place is where a message is, and when it came: unix milliseconds.
type place struct {
	eventlog.Position
	time int64
}

// stretch is what a lane got in a stretch of the log.
type stretch struct {
	first, newest place
	tally
}

// add counts a run that comes after all that was counted.
func (s *stretch) add(index uint64, r *entry.Run) {
	if s.messages == 0 {
		s.first = place{eventlog.Position{Index: index, Offset: r.First}, r.Time}
	}
	s.newest = place{eventlog.Position{Index: index, Offset: r.First + r.Count - 1}, r.Time}
	s.tally = s.plus(tally{uint64(r.Count), uint64(r.Size)})
}

// join puts a later stretch behind s.
func (s *stretch) join(later stretch) {
	if later.messages == 0 {
		return
	}
	if s.messages == 0 {
		s.first = later.first
	}
	s.newest, s.tally = later.newest, s.plus(later.tally)
}

// What is stored, in SpaceChannels. A lane's key is its channel (eventlog.AppendChannel) and its origin (8 bytes).
//
//	'c'                 -> counted u64, pruned u64                          how far it is counted, see traffic
//	'h' lane, start u64 -> first place, messages u64, bytes u64             in the segment at start: its first message, and
//	                                                                       the lane's totals before the segment
//	'l' lane            -> first place, newest place, messages u64, bytes u64   all that was counted
//	's' start u64       -> (empty)                                          a sealed segment begins here
//
//	place  index u64, offset u32, time u64
const (
	recordCursor  = 'c'
	recordHistory = 'h'
	recordLane    = 'l'
	recordSegment = 's'

	placeSize   = 20
	laneSize    = 2*placeSize + 16
	historySize = placeSize + 16
)

func (l lane) key(record byte) []byte {
	k := eventlog.AppendChannel(append(make([]byte, 0, len(l.channel)+20), record), l.channel)
	return binary.BigEndian.AppendUint64(k, uint64(l.origin))
}

func (l lane) historyKey(start uint64) []byte {
	return binary.BigEndian.AppendUint64(l.key(recordHistory), start)
}

func segmentKey(start uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{recordSegment}, start)
}

// parseLane reads the key of a lane's record; the rest is empty, or the start of a history record.
func parseLane(key []byte) (l lane, rest []byte, err error) {
	channel, rest, ok := eventlog.CutChannel(key[1:])
	if !ok || len(rest) < 8 {
		return l, nil, fmt.Errorf("query: key %x of a channel's record", key)
	}
	return lane{channel, graph.UserID(binary.BigEndian.Uint64(rest))}, rest[8:], nil
}

func (p place) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, p.Index)
	b = binary.BigEndian.AppendUint32(b, p.Offset)
	return binary.BigEndian.AppendUint64(b, uint64(p.time))
}

func parsePlace(b []byte) place {
	return place{eventlog.Position{Index: binary.BigEndian.Uint64(b), Offset: binary.BigEndian.Uint32(b[8:])}, int64(binary.BigEndian.Uint64(b[12:]))}
}

func (t tally) append(b []byte) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, t.messages), t.bytes)
}

func parseTally(b []byte) tally {
	return tally{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}
}

func (s *stretch) encode() []byte { return s.tally.append(s.newest.append(s.first.append(nil))) }

func parseStretch(v []byte) (s stretch, err error) {
	if len(v) != laneSize {
		return s, fmt.Errorf("query: a channel's record of %d bytes, want %d", len(v), laneSize)
	}
	return stretch{parsePlace(v), parsePlace(v[placeSize:]), parseTally(v[2*placeSize:])}, nil
}

// history is one segment of a lane.
type history struct {
	start  uint64
	first  place
	before tally // the lane's totals before the segment
}

func (h history) encode() []byte { return h.before.append(h.first.append(nil)) }

func parseHistory(rest, v []byte) (h history, err error) {
	if len(rest) != 8 || len(v) != historySize {
		return h, fmt.Errorf("query: a channel's history record of %d and %d bytes", len(rest), len(v))
	}
	return history{binary.BigEndian.Uint64(rest), parsePlace(v), parseTally(v[placeSize:])}, nil
}
