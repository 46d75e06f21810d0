package block

import (
	"encoding/binary"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// scratch is what is needed while a chunk is read, and not afterwards.
type scratch struct{ packed, table, in, out []byte }

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// maxKept is how large a buffer may be to be kept for the next chunk.
const maxKept = 4 * maxChunk

func (s *scratch) done() {
	for _, b := range []*[]byte{&s.packed, &s.table, &s.in, &s.out} {
		if cap(*b) > maxKept {
			*b = nil
		}
	}
	scratches.Put(s)
}

// sized returns a buffer of n bytes, what it holds is anything.
func sized(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, n)
	}
	return b[:n]
}

// withSamples makes a frame that was packed with the samples as dictionary into one without: the samples become its
// first block, as they are, and come out before what it holds. A dictionary of plain bytes has neither tables nor
// offsets, so the blocks behind it are the same. The library unpacks faster then: its assembler knows no dictionaries
// (klauspost/compress, zstd/seqdec_asm.go, decodeSyncSimple).
func withSamples(dst, samples, frame []byte, raw uint32) ([]byte, error) {
	var h zstd.Header
	if err := h.Decode(frame); err != nil {
		return nil, err
	}
	if h.Skippable || h.DictionaryID > dictionaryID || h.HasCheckSum {
		return nil, malformed("frame of dictionary %d", h.DictionaryID)
	}
	size := uint64(raw) + uint64(len(samples))
	dst, err := (&zstd.Header{SingleSegment: true, HasFCS: true, FrameContentSize: size}).AppendTo(dst)
	if err != nil {
		return nil, err
	}
	const typeRaw = 0 << 1 // and not the last one
	head := binary.LittleEndian.AppendUint32(nil, uint32(len(samples))<<3|typeRaw)
	dst = append(append(dst, head[:3]...), samples...)
	return append(dst, frame[h.HeaderSize:]...), nil
}

// payloadsOf unpacks the payloads of a chunk. They are the scratch's.
func (b *Block) payloadsOf(s *section, packed []byte, sc *scratch) (_ []byte, err error) {
	if len(b.samples) == 0 {
		sc.out, err = s.unpack("payloads", packed, sc.out[:0])
		return sc.out, err
	}
	if err := s.check("payloads", packed); err != nil {
		return nil, err
	}
	if sc.in, err = withSamples(sc.in[:0], b.samples, packed, s.raw); err != nil {
		return nil, malformed("payloads at %d: %v", s.offset, err)
	}
	whole := section{offset: s.offset, raw: s.raw + uint32(len(b.samples))}
	if sc.out, err = whole.inflate("payloads", sc.in, sc.out[:0]); err != nil {
		return nil, err
	}
	return sc.out[len(b.samples):], nil
}
