package cold

import (
	"encoding/binary"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// Mark is what the log notes of an entry that is a batch.
type Mark struct {
	Batch, Hidden bool
	Time          int64 // the newest time of any batch up to this one, unix milliseconds
}

// The marks of a block, one zstd frame of:
//
//	flags  1 byte for each entry: 1 a batch, 2 hidden
//	times  of each batch, minus that of the one before, at first minus Head.Before: they never fall
const (
	markBatch  = 1 << 0
	markHidden = 1 << 1
)

var (
	packer   = sync.OnceValue(newPacker)
	unpacker = sync.OnceValue(newUnpacker)
)

func newPacker() *zstd.Encoder {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithZeroFrames(true))
	if err != nil {
		panic(err) // the options are constants
	}
	return e
}

func newUnpacker() *zstd.Decoder {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(maxMarks))
	if err != nil {
		panic(err)
	}
	return d
}

const maxMarks = 256 << 20

// EncodeMarks encodes the marks of a block's entries; before is Head.Before.
func EncodeMarks(before int64, marks []Mark) []byte {
	raw := make([]byte, len(marks), 3*len(marks))
	for i, m := range marks {
		if !m.Batch {
			continue
		}
		raw[i] = markBatch
		if m.Hidden {
			raw[i] |= markHidden
		}
		raw = binary.AppendUvarint(raw, uint64(m.Time-before))
		before = m.Time
	}
	return packer().EncodeAll(raw, nil)
}

func decodeMarks(h *Head, packed []byte) ([]Mark, error) {
	raw, err := unpacker().DecodeAll(packed, nil)
	n := h.Last - h.First + 1
	if err != nil || n > uint64(len(raw)) {
		return nil, malformed("marks of %d bytes for %d entries: %v", len(raw), n, err)
	}
	marks, flags, times, at := make([]Mark, n), raw[:n], raw[n:], h.Before
	for i, f := range flags {
		if f&markBatch == 0 {
			continue
		}
		step, size := binary.Uvarint(times)
		if size <= 0 || f&^(markBatch|markHidden) != 0 {
			return nil, malformed("mark of entry %d", h.First+uint64(i))
		}
		at, times = at+int64(step), times[size:]
		marks[i] = Mark{Batch: true, Hidden: f&markHidden != 0, Time: at}
	}
	if len(times) > 0 || at != h.Time {
		return nil, malformed("marks end at time %d, want %d; %d bytes are left", at, h.Time, len(times))
	}
	return marks, nil
}
