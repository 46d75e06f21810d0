// Package layout is how the log is laid out among the keys of its store: every key, how an entry is stored, what is
// noted of it, and how damage of it is told.
package layout

import (
	"bytes"
	"encoding/binary"

	"hpfriends/eventlog/cold"
)

// Every key of the store. The first byte is the key's span; spans of the log itself are capitals, projections are not.
// Numbers are big endian, so that the order of keys is the order of numbers.
//
//	span  rest of the key                  value
//	'B'   index u64                        flags u8, time u64       one per batch entry up to applied: the time index
//	'C'   channel escaped, 00 01, origin   newest index u64         directory: who publishes on it
//	'E'   index u64                        record, see record.go    one per log entry
//	'I'   name                             see below                the store's own state
//	'K', 'M', 'P'                          see package cold         blocks of old entries
//	'S'   index u64                        total u64                size marks, see below
//	'X'   origin, channel as in 'C', index (empty)                  index of series
//	'Y'   origin, channel, last index u64  see package cold         index of series in blocks
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
// An entry that a block holds has no other keys: what 'B', 'E', 'S' and 'X' say of it, the block's keys do.
//
// The time in 'B' is the newest time of any batch up to this one: it never falls, whatever the clocks did.
const (
	SpanBatch    = 'B'
	SpanSeries   = 'C'
	SpanEntry    = 'E'
	SpanInternal = 'I'
	SpanSize     = 'S'
	SpanIndex    = 'X'
	SpanStripe   = cold.SpanStripe // right behind it
)

// The store's own state.
var (
	KeyFormat    = []byte{SpanInternal, 'v'} // u64, Version
	KeyApplied   = []byte{SpanInternal, 'a'} // u64, the last applied index
	KeyFloor     = []byte{SpanInternal, 'f'} // u64, the first index that may be read
	KeyTruncated = []byte{SpanInternal, 'b'} // the entry before it, see truncated.go
)

const (
	Version    = 3
	FlagHidden = 1 << 0 // in 'B': the batch is a repetition, no reader shows it
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

// Indexed is a key of a span that is ordered by log index.
func Indexed(span byte, index uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{span}, index)
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

// Series is what one origin publishes on one channel.
type Series struct {
	Channel string
	Origin  uint64
}

// Key is its place in the directory.
func (s Series) Key() []byte {
	key := AppendChannel(append(make([]byte, 0, 12+len(s.Channel)), SpanSeries), s.Channel)
	return binary.BigEndian.AppendUint64(key, s.Origin)
}

// IndexPrefix is what its keys in the index begin with.
func (s Series) IndexPrefix() []byte {
	key := binary.BigEndian.AppendUint64(append(make([]byte, 0, 20+len(s.Channel)), SpanIndex), s.Origin)
	return AppendChannel(key, s.Channel)
}

// IndexKey is its key in the index for an entry.
func (s Series) IndexKey(index uint64) []byte {
	return binary.BigEndian.AppendUint64(s.IndexPrefix(), index)
}

// StripeKey is the key of its stripe in the block that ends with an entry.
func (s Series) StripeKey(last uint64) []byte {
	key := s.IndexKey(last)
	key[0] = SpanStripe
	return key
}

// ParseSeriesKey takes a key of the directory apart; ok is false when it is none.
func ParseSeriesKey(k []byte) (s Series, ok bool) {
	if len(k) == 0 || k[0] != SpanSeries {
		return s, false
	}
	channel, rest, ok := CutChannel(k[1:])
	if !ok || channel == "" || len(rest) != 8 {
		return s, false
	}
	return Series{channel, binary.BigEndian.Uint64(rest)}, true
}

// ParseSeriesIndex takes a key of the index or of a stripe apart; ok is false when it is none.
func ParseSeriesIndex(k []byte) (s Series, index uint64, ok bool) {
	if len(k) < 9 || k[0] != SpanIndex && k[0] != SpanStripe {
		return s, 0, false
	}
	channel, rest, ok := CutChannel(k[9:])
	if !ok || channel == "" || len(rest) != 8 {
		return s, 0, false
	}
	return Series{channel, binary.BigEndian.Uint64(k[1:])}, binary.BigEndian.Uint64(rest), true
}

// SpanBounds are the first key of a span and the first key after it.
func SpanBounds(span byte) (lower, upper []byte) { return []byte{span}, []byte{span + 1} }

// After is the smallest key above all keys that begin with prefix.
func After(prefix []byte) []byte {
	end := bytes.Clone(prefix)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
	return nil
}
