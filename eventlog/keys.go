package eventlog

import (
	"bytes"
	"encoding/binary"
)

// Every key of the store. The first byte is the key's span; spans of the log itself are capitals, projections are not.
// Numbers are big endian, so that the order of keys is the order of numbers.
//
//	span  rest of the key                  value
//	'B'   index u64                        flags u8, time u64       one per batch entry up to applied: the time index
//	'C'   channel                          newest index u64         channel directory
//	'E'   index u64                        record, see record.go    one per log entry
//	'I'   name                             see below                the store's own state
//	'X'   channel escaped, 00 01, index    (empty)                  per-channel index
//	a-z   the projection's own             the projection's own     see Space
//
// A channel is any bytes. In 'X' each 00 in it is written 00 ff, so that 00 01 ends it, keys of one channel lie together
// in order of index, and keys of all channels with a common prefix lie together too. In 'C' it is the end of the key
// and needs no escape.
//
// The time in 'B' is the newest time of any batch up to this one: it never falls, whatever the clocks did.
const (
	spanBatch    = 'B'
	spanChannel  = 'C'
	spanEntry    = 'E'
	spanInternal = 'I'
	spanIndex    = 'X'
)

// Space is the part of the store that one projection owns. Its keys are the projection's own.
type Space byte

// The projections.
const (
	SpaceAudit    Space = 'a' // graph events, by index (IndexKey)
	SpaceCursors  Space = 'c' // durable subscriptions
	SpaceGraph    Space = 'g' // stored graphs, by index (IndexKey)
	SpaceLogs     Space = 'l' // refusals, the Logs page
	SpaceMeta     Space = 'm' // single values
	SpaceSessions Space = 'o' // ingest sessions and their last sequence number
	SpaceStats    Space = 's' // statistics per authkey
)

var spaces = []Space{SpaceAudit, SpaceCursors, SpaceGraph, SpaceLogs, SpaceMeta, SpaceSessions, SpaceStats}

// The store's own state.
var (
	keyFormat  = []byte{spanInternal, 'v'} // u64, layoutVersion
	keyApplied = []byte{spanInternal, 'a'} // u64, the last applied index
	keyFloor   = []byte{spanInternal, 'f'} // u64, the first index that may be read
)

const (
	layoutVersion = 1
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

func channelKey(channel string) []byte {
	return append(append(make([]byte, 0, 1+len(channel)), spanChannel), channel...)
}

// indexPrefix is what the index keys of all channels that begin with prefix have in common.
func indexPrefix(prefix string) []byte {
	k := append(make([]byte, 0, 12+len(prefix)), spanIndex)
	for i := range len(prefix) {
		k = append(k, prefix[i])
		if prefix[i] == 0 {
			k = append(k, 0xff)
		}
	}
	return k
}

func channelIndexPrefix(channel string) []byte { return append(indexPrefix(channel), 0, 1) }

func channelIndexKey(channel string, index uint64) []byte {
	return binary.BigEndian.AppendUint64(channelIndexPrefix(channel), index)
}

// parseChannelIndexKey takes an index key apart; ok is false when it is none.
func parseChannelIndexKey(k []byte) (channel string, index uint64, ok bool) {
	if len(k) < 1+1+2+8 || k[0] != spanIndex {
		return "", 0, false
	}
	body, tail := k[1:len(k)-8], k[len(k)-8:]
	if !bytes.HasSuffix(body, []byte{0, 1}) {
		return "", 0, false
	}
	body = body[:len(body)-2]
	name := make([]byte, 0, len(body))
	for i := 0; i < len(body); i++ {
		name = append(name, body[i])
		if body[i] != 0 {
			continue
		}
		if i++; i == len(body) || body[i] != 0xff {
			return "", 0, false
		}
	}
	return string(name), binary.BigEndian.Uint64(tail), true
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
