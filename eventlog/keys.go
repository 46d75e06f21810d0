package eventlog

import (
	"bytes"
	"encoding/binary"
	"time"
)

// Every key of the store. The first byte is the key's span; spans of the log itself are capitals, projections are not.
// Numbers are big endian, so that the order of keys is the order of numbers.
//
//	span  rest of the key                  value
//	'B'   index u64                        flags u8, time u64       one per batch entry up to applied: the time index
//	'C'   channel escaped, 00 01, origin   newest index u64         directory: who publishes on it
//	'E'   index u64                        record, see record.go    one per log entry
//	'I'   name                             see below                the store's own state
//	'S'   index u64                        total u64                size marks, see below
//	'X'   origin, channel as in 'C', index (empty)                  index of series
//	a-z   the projection's own             the projection's own     see Space
//
// A series is what one origin (u64, the user who published) publishes on one channel. A channel is any bytes. Each 00
// in it is written 00 ff, so that 00 01 ends it, keys of one channel lie together, and keys of all channels with a
// common prefix lie together too. So 'C' finds the origins of a channel, and 'X' the channels of an origin; both find
// series, and 'X' the entries of each in order of index.
//
// The total in 'S' is the number of bytes of all records up to and including the entry, counted from an arbitrary
// beginning; an entry has a mark when the total passes a multiple of sizeStep. It is written with the entry, not when
// it is applied.
//
// The time in 'B' is the newest time of any batch up to this one: it never falls, whatever the clocks did.
const (
	spanBatch    = 'B'
	spanSeries   = 'C'
	spanEntry    = 'E'
	spanInternal = 'I'
	spanSize     = 'S'
	spanIndex    = 'X'
)

// Space is the part of the store that one projection owns. Its keys are the projection's own.
type Space byte

// The projections.
const (
	SpaceAudit       Space = 'a' // accepted changes, by index (IndexKey), see audit.go
	SpaceCursors     Space = 'c' // durable subscriptions
	SpaceGraph       Space = 'g' // stored graphs, see storedgraph.go
	SpaceCheckpoints Space = 'k' // checkpoints, see checkpoint.go
	SpaceLogs        Space = 'l' // refusals, the Logs page
	SpaceMeta        Space = 'm' // single values
	SpaceRecent      Space = 'r' // refusals of all owners, the newest first
	SpaceChannels    Space = 'n' // who published how much on which channel
	SpaceSessions    Space = 'o' // ingest sessions and their last sequence number
	SpaceStats       Space = 's' // statistics per authkey
	SpaceTrail       Space = 't' // the audit as it is shown, by whom it concerns
	SpaceLocal       Space = 'w' // this node's own: no snapshot carries or replaces it
)

// installed are the spaces that a snapshot replaces. What a node counts of the channels it counts from its own log,
// and its trail it makes of the audit.
var installed = []Space{
	SpaceAudit, SpaceCursors, SpaceGraph, SpaceCheckpoints, SpaceLogs, SpaceRecent, SpaceMeta, SpaceSessions,
	SpaceStats,
}

// KeyNewestRefusal is a key of SpaceMeta: the index of the entry that changed SpaceLogs last, as an IndexKey.
var KeyNewestRefusal = []byte("newest-refusal")

// RecentKey is the key of a refusal in SpaceRecent, by when it was last seen and its key in SpaceLogs.
func RecentKey(last time.Time, row []byte) []byte {
	return append(IndexKey(^uint64(last.UnixNano())), row...)
}

// The store's own state.
var (
	keyFormat    = []byte{spanInternal, 'v'} // u64, layoutVersion
	keyApplied   = []byte{spanInternal, 'a'} // u64, the last applied index
	keyFloor     = []byte{spanInternal, 'f'} // u64, the first index that may be read
	keyTruncated = []byte{spanInternal, 'b'} // the entry before it, see truncated.go
)

const (
	layoutVersion = 2
	flagHidden    = 1 << 0 // in 'B': the batch is a repetition, no reader shows it
)

// IndexKey is the key of a projection that is ordered by log index.
func IndexKey(index uint64) []byte { return binary.BigEndian.AppendUint64(nil, index) }

// ParseIndexKey is the inverse of IndexKey; ok is false for a key of another length.
func ParseIndexKey(key []byte) (index uint64, ok bool) {
	if len(key) != 8 {
		return 0, false
	}
	return binary.BigEndian.Uint64(key), true
}

func indexed(span byte, index uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{span}, index)
}

func spaceKey(space Space, key []byte) []byte {
	return append(append(make([]byte, 0, 1+len(key)), byte(space)), key...)
}

// spaceBounds are the keys [from, to) of a space; a nil to means to its end.
func spaceBounds(space Space, from, to []byte) (lower, upper []byte) {
	if to == nil {
		return spaceKey(space, from), []byte{byte(space) + 1}
	}
	return spaceKey(space, from), spaceKey(space, to)
}

// AppendChannelPrefix appends what the keys of all channels that begin with prefix have in common, when their names
// were appended by AppendChannel.
func AppendChannelPrefix(key []byte, prefix string) []byte {
	for i := range len(prefix) {
		key = append(key, prefix[i])
		if prefix[i] == 0 {
			key = append(key, 0xff)
		}
	}
	return key
}

// AppendChannel appends a channel to a key so that CutChannel finds its end, and keys are in the order of their
// channels.
func AppendChannel(key []byte, channel string) []byte {
	return append(AppendChannelPrefix(key, channel), 0, 1)
}

// CutChannel takes a channel that AppendChannel wrote from the beginning of a key; ok is false when there is none.
func CutChannel(key []byte) (channel string, rest []byte, ok bool) {
	name := make([]byte, 0, len(key))
	for i := 0; i+1 < len(key); i++ {
		if key[i] != 0 {
			name = append(name, key[i])
			continue
		}
		switch i++; key[i] {
		case 1:
			return string(name), key[i+1:], true
		case 0xff:
			name = append(name, 0)
		default:
			return "", nil, false
		}
	}
	return "", nil, false
}

// series is what one origin publishes on one channel.
type series struct {
	channel string
	origin  uint64
}

// key is its place in the directory.
func (s series) key() []byte {
	key := AppendChannel(append(make([]byte, 0, 12+len(s.channel)), spanSeries), s.channel)
	return binary.BigEndian.AppendUint64(key, s.origin)
}

// indexPrefix is what its keys in the index begin with.
func (s series) indexPrefix() []byte {
	key := binary.BigEndian.AppendUint64(append(make([]byte, 0, 20+len(s.channel)), spanIndex), s.origin)
	return AppendChannel(key, s.channel)
}

func (s series) indexKey(index uint64) []byte {
	return binary.BigEndian.AppendUint64(s.indexPrefix(), index)
}

// parseSeriesKey takes a key of the directory apart; ok is false when it is none.
func parseSeriesKey(k []byte) (s series, ok bool) {
	if len(k) == 0 || k[0] != spanSeries {
		return s, false
	}
	channel, rest, ok := CutChannel(k[1:])
	if !ok || channel == "" || len(rest) != 8 {
		return s, false
	}
	return series{channel, binary.BigEndian.Uint64(rest)}, true
}

// parseIndexKey takes a key of the index apart; ok is false when it is none.
func parseIndexKey(k []byte) (s series, index uint64, ok bool) {
	if len(k) < 9 || k[0] != spanIndex {
		return s, 0, false
	}
	channel, rest, ok := CutChannel(k[9:])
	if !ok || channel == "" || len(rest) != 8 {
		return s, 0, false
	}
	return series{channel, binary.BigEndian.Uint64(k[1:])}, binary.BigEndian.Uint64(rest), true
}

// spanBounds are the first key of a span and the first key after it.
func spanBounds(span byte) (lower, upper []byte) { return []byte{span}, []byte{span + 1} }

// after is the smallest key above all keys that begin with prefix.
func after(prefix []byte) []byte {
	end := bytes.Clone(prefix)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
	return nil
}
