package eventlog

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"time"

	"hpfriends/eventlog/entry"
)

// A log entry as it is stored, the value of an 'E' key.
//
//	+---------+---------+------+------+----------+------------+------------+------+
//	| crc32c  | version | type | term | appended | extensions | extensions | data |
//	| u32     | u8      | u8   | u64  | i64      | length u32 |            |      |
//	+---------+---------+------+------+----------+------------+------------+------+
//
// The checksum is over the index (8 bytes, big endian) and everything after the checksum, so that a record that turns
// up under another key is found too. appended is the leader's clock in unix nanoseconds, 0 when not set.
const (
	recordVersion = 1
	recordHeader  = 4 + 1 + 1 + 8 + 8 + 4

	// typeCommand is the entry type of a command; other types are Raft's own. logstore.go pins it to Raft's number.
	typeCommand = 0
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// record is one entry of the log. Its slices are shared and read-only.
type record struct {
	index, term uint64
	typ         byte
	appended    time.Time
	extensions  []byte
	data        []byte
}

// size is the number of bytes of the encoded record.
func (r *record) size() int { return recordHeader + len(r.extensions) + len(r.data) }

// encode writes the record into dst, which is size() bytes.
func (r *record) encode(dst []byte) {
	dst[4], dst[5] = recordVersion, r.typ
	binary.BigEndian.PutUint64(dst[6:], r.term)
	var at int64
	if !r.appended.IsZero() {
		at = r.appended.UnixNano()
	}
	binary.BigEndian.PutUint64(dst[14:], uint64(at))
	binary.BigEndian.PutUint32(dst[22:], uint32(len(r.extensions)))
	n := copy(dst[recordHeader:], r.extensions)
	copy(dst[recordHeader+n:], r.data)
	binary.BigEndian.PutUint32(dst, recordSum(r.index, dst))
}

func recordSum(index uint64, encoded []byte) uint32 {
	var key [8]byte
	binary.BigEndian.PutUint64(key[:], index)
	return crc32.Update(crc32.Checksum(key[:], castagnoli), castagnoli, encoded[4:])
}

// decodeRecord verifies and decodes a record. The result's slices point into encoded.
func decodeRecord(index uint64, encoded []byte) (record, error) {
	if len(encoded) < recordHeader {
		return record{}, corrupt(index, "record of %d bytes", len(encoded))
	}
	if got, want := recordSum(index, encoded), binary.BigEndian.Uint32(encoded); got != want {
		return record{}, &CorruptError{
			Index: index, Reason: fmt.Sprintf("checksum %08x, want %08x", got, want), Where: recordExtent(encoded, got^want),
		}
	}
	if encoded[4] != recordVersion {
		return record{}, corrupt(index, "record version %d, want %d", encoded[4], recordVersion)
	}
	r := record{index: index, typ: encoded[5], term: binary.BigEndian.Uint64(encoded[6:])}
	if at := int64(binary.BigEndian.Uint64(encoded[14:])); at != 0 {
		r.appended = time.Unix(0, at).UTC()
	}
	rest := encoded[recordHeader:]
	n := binary.BigEndian.Uint32(encoded[22:])
	if uint64(n) > uint64(len(rest)) {
		return record{}, corrupt(index, "extensions of %d bytes in %d", n, len(rest))
	}
	if n > 0 {
		r.extensions = rest[:n:n]
	}
	if r.data = rest[n:]; len(r.data) == 0 {
		r.data = nil
	}
	return r, nil
}

// kind is the kind of the entry's command, or 0.
func (r *record) kind() entry.Kind {
	if r.typ != typeCommand || len(r.data) == 0 {
		return 0
	}
	return entry.Kind(r.data[0])
}
