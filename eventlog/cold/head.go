package cold

import (
	"encoding/binary"
	"fmt"
)

// The spans of the store that belong to cold blocks. The key of a stripe is made by the log, which knows series.
const (
	SpanHead   = 'K'
	SpanMarks  = 'M'
	SpanPart   = 'P'
	SpanStripe = 'Y'
)

// Head says what a block is.
type Head struct {
	First, Last  uint64 // entries, both included
	Size         int64  // of the block, bytes
	Sum          uint32 // crc32c of the block
	Raw          uint32 // batches that readers see and that are in no stripe of the block: they were of another encoder
	Stored       uint64 // bytes of the block and all its keys, about
	Total        uint64 // of this and all blocks before it, those too that are gone
	Before, Time int64  // newest time of any batch before the block, and up to its end, unix milliseconds
}

// The value of a head, big endian:
//
//	version u8 | first u64 | size u64 | crc32c u32 | raw u32 | stored u64 | total u64 | before i64 | time i64
const (
	headVersion = 1
	headSize    = 1 + 8 + 8 + 4 + 4 + 8 + 8 + 8 + 8
)

// Encode returns the value of the head's key.
func (h *Head) Encode() []byte {
	v := append(make([]byte, 0, headSize), headVersion)
	v = binary.BigEndian.AppendUint64(v, h.First)
	v = binary.BigEndian.AppendUint64(v, uint64(h.Size))
	v = binary.BigEndian.AppendUint32(v, h.Sum)
	v = binary.BigEndian.AppendUint32(v, h.Raw)
	for _, n := range []uint64{h.Stored, h.Total, uint64(h.Before), uint64(h.Time)} {
		v = binary.BigEndian.AppendUint64(v, n)
	}
	return v
}

// DecodeHead decodes a key and its value.
func DecodeHead(key, v []byte) (h Head, err error) {
	if len(key) != 9 || key[0] != SpanHead || len(v) != headSize || v[0] != headVersion {
		return h, malformed("head %x holds %d bytes, want %d of version %d", key, len(v), headSize, headVersion)
	}
	number := func(at int) uint64 { return binary.BigEndian.Uint64(v[at:]) }
	h = Head{
		First: number(1), Last: binary.BigEndian.Uint64(key[1:]), Size: int64(number(9)),
		Sum: binary.BigEndian.Uint32(v[17:]), Raw: binary.BigEndian.Uint32(v[21:]), Stored: number(25), Total: number(33),
		Before: int64(number(41)), Time: int64(number(49)),
	}
	if h.First == 0 || h.First > h.Last || h.Size <= 0 {
		return h, malformed("head of entries %d to %d in %d bytes", h.First, h.Last, h.Size)
	}
	return h, nil
}

// Holds reports whether an entry is in the block.
func (h *Head) Holds(index uint64) bool { return h.First <= index && index <= h.Last }

// Name is what errors call the block.
func (h *Head) Name() string { return fmt.Sprintf("cold block #%d to #%d", h.First, h.Last) }

// Key returns a key of a span for a block by its last entry.
func Key(span byte, last uint64) []byte { return binary.BigEndian.AppendUint64([]byte{span}, last) }

// PartKey returns the key of a part.
func PartKey(last uint64, part uint32) []byte {
	return binary.BigEndian.AppendUint32(Key(SpanPart, last), part)
}

// LastPart is the key of the block's last part.
func (h *Head) LastPart() []byte { return PartKey(h.Last, uint32((h.Size-1)/partSize)) }

// AppendPositions encodes which entries of a block hold a series: ascending, not empty, the last of the block at most.
// It is last minus the first, then of each the distance from the one before, as varints.
func AppendPositions(v []byte, last uint64, entries []uint64) []byte {
	before := entries[0]
	v = binary.AppendUvarint(v, last-before)
	for _, at := range entries[1:] {
		v = binary.AppendUvarint(v, at-before)
		before = at
	}
	return v
}

// Positions decodes what AppendPositions has encoded.
func Positions(last uint64, v []byte) ([]uint64, error) {
	all := make([]uint64, 0, len(v))
	var at uint64
	for len(v) > 0 {
		step, n := binary.Uvarint(v)
		switch {
		case n <= 0, len(all) == 0 && step > last, len(all) > 0 && (step == 0 || step > last-at):
			return nil, malformed("stripe of block %d: malformed behind entry %d", last, at)
		case len(all) == 0:
			at = last - step
		default:
			at += step
		}
		all, v = append(all, at), v[n:]
	}
	if len(all) == 0 {
		return nil, malformed("stripe of block %d is empty", last)
	}
	return all, nil
}
