package layout

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
	RecordHeader  = 4 + 1 + 1 + 8 + 8 + 4

	// TypeCommand is the entry type of a command; other types are Raft's own. logstore.go pins it to Raft's number.
	TypeCommand = 0
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Record is one entry of the log. Its slices are shared and read-only.
type Record struct {
	Index, Term uint64
	Type        byte
	Appended    time.Time
	Extensions  []byte
	Data        []byte
	Batch       *entry.Batch // of a cold block, in place of data: see bytes
}

// Bytes returns the data, which for a batch of a cold block is its content encoded again.
func (r *Record) Bytes() []byte {
	if r.Batch == nil {
		return r.Data
	}
	var b entry.Builder
	for i := range r.Batch.Runs {
		m := &r.Batch.Runs[i]
		b.Add(m.Channel, m.Authkey, m.Origin, m.Time, m.Remote, m.Frames, int(m.Count))
	}
	return b.Encode(r.Batch.Session, r.Batch.Seq)
}

// Header returns what a batch says of its runs, nothing for another entry.
func (r *Record) Header() (h entry.Header, err error) {
	if r.Batch != nil {
		return r.Batch.Header, nil
	}
	if r.Kind() != entry.KindBatch {
		return h, nil
	}
	if h, err = entry.DecodeHeader(r.Data); err != nil {
		return h, &CorruptError{Index: r.Index, Reason: "undecodable", Err: err}
	}
	return h, nil
}

// Content returns a checksum of what the entry says. It is the same on two nodes although one of them has compressed
// the entry in another way.
func (r *Record) Content() uint32 {
	head := append(make([]byte, 0, 64), r.Type)
	head = binary.BigEndian.AppendUint64(head, r.Term)
	head = binary.BigEndian.AppendUint64(head, uint64(r.Nanos()))
	head = append(binary.AppendUvarint(head, uint64(len(r.Extensions))), r.Extensions...)
	batch := r.Batch
	if batch == nil && r.Kind() == entry.KindBatch {
		batch, _ = entry.DecodeBatch(r.Data) // what is none counts by its bytes
	}
	if batch != nil {
		return crc32.Checksum(binary.BigEndian.AppendUint32(head, batch.Checksum()), castagnoli)
	}
	return crc32.Update(crc32.Checksum(head, castagnoli), castagnoli, r.Data)
}

// Size is the number of bytes of the encoded record.
func (r *Record) Size() int { return RecordHeader + len(r.Extensions) + len(r.Data) }

// Encode writes the record into dst, which is size() bytes.
func (r *Record) Encode(dst []byte) {
	dst[4], dst[5] = recordVersion, r.Type
	binary.BigEndian.PutUint64(dst[6:], r.Term)
	binary.BigEndian.PutUint64(dst[14:], uint64(r.Nanos()))
	binary.BigEndian.PutUint32(dst[22:], uint32(len(r.Extensions)))
	n := copy(dst[RecordHeader:], r.Extensions)
	copy(dst[RecordHeader+n:], r.Data)
	binary.BigEndian.PutUint32(dst, recordSum(r.Index, dst))
}

func recordSum(index uint64, encoded []byte) uint32 {
	var key [8]byte
	binary.BigEndian.PutUint64(key[:], index)
	return crc32.Update(crc32.Checksum(key[:], castagnoli), castagnoli, encoded[4:])
}

// DecodeRecord verifies and decodes a record. The result's slices point into encoded.
func DecodeRecord(index uint64, encoded []byte) (Record, error) {
	if len(encoded) < RecordHeader {
		return Record{}, Corrupt(index, "record of %d bytes", len(encoded))
	}
	if got, want := recordSum(index, encoded), binary.BigEndian.Uint32(encoded); got != want {
		return Record{}, &CorruptError{
			Index: index, Reason: fmt.Sprintf("checksum %08x, want %08x", got, want), Where: recordExtent(encoded, got^want),
		}
	}
	if encoded[4] != recordVersion {
		return Record{}, Corrupt(index, "record version %d, want %d", encoded[4], recordVersion)
	}
	r := Record{Index: index, Type: encoded[5], Term: binary.BigEndian.Uint64(encoded[6:])}
	r.Appended = Instant(int64(binary.BigEndian.Uint64(encoded[14:])))
	rest := encoded[RecordHeader:]
	n := binary.BigEndian.Uint32(encoded[22:])
	if uint64(n) > uint64(len(rest)) {
		return Record{}, Corrupt(index, "extensions of %d bytes in %d", n, len(rest))
	}
	if n > 0 {
		r.Extensions = rest[:n:n]
	}
	if r.Data = rest[n:]; len(r.Data) == 0 {
		r.Data = nil
	}
	return r, nil
}

// Nanos is when the entry was appended, in unix nanoseconds; 0 if that is not known.
func (r *Record) Nanos() int64 {
	if r.Appended.IsZero() {
		return 0
	}
	return r.Appended.UnixNano()
}

// Instant is a time in unix nanoseconds; 0 is not known.
func Instant(nanos int64) time.Time {
	if nanos == 0 {
		return time.Time{}
	}
	return time.Unix(0, nanos).UTC()
}

// Kind is the kind of the entry's command, or 0.
func (r *Record) Kind() entry.Kind {
	if r.Batch != nil {
		return entry.KindBatch
	}
	if r.Type != TypeCommand || len(r.Data) == 0 {
		return 0
	}
	return entry.Kind(r.Data[0])
}
