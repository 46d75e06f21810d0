package block

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"

	"hpfriends/eventlog/entry"
)

const (
	version    = 1
	headerSize = 8
	footerSize = 60
	magic      = "hpfblk"
	endMagic   = "hpfb"

	// maxSection bounds what one section claims to unpack to: the largest batch, beside what a block held before it.
	maxSection = 2 * entry.MaxBatchBytes

	maxSamples   = 64 << 10
	dictionaryID = 1
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// FormatError says why bytes are not a block.
type FormatError struct{ Reason string }

func (e *FormatError) Error() string { return "block: " + e.Reason }

// ChunkError says of whose messages a chunk is that cannot be read.
type ChunkError struct {
	Stripes []Stripe // that lie in it, or partly
	Err     error
}

func (e *ChunkError) Error() string {
	const most = 3
	names := make([]string, 0, most+1)
	for _, s := range e.Stripes {
		if len(names) == most {
			names = append(names, fmt.Sprintf("%d more", len(e.Stripes)-most))
			break
		}
		names = append(names, fmt.Sprintf("%q of user %d (%d messages, #%d to #%d)", s.Channel, s.Origin, s.Messages, s.First,
			s.Last))
	}
	return fmt.Sprintf("what is lost of it is of %s: %v", strings.Join(names, ", "), e.Err)
}

func (e *ChunkError) Unwrap() error { return e.Err }

func malformed(format string, args ...any) error {
	return &FormatError{Reason: fmt.Sprintf(format, args...)}
}

// section is where packed bytes are and what they are.
type section struct {
	offset int64
	size   uint32 // packed
	raw    uint32 // unpacked
	sum    uint32 // of the packed bytes
}

func header() []byte { return binary.BigEndian.AppendUint16([]byte(magic), version) }

// footer is the end of a block, by which it is opened.
type footer struct {
	first, last                  uint64
	samples, envelope, directory section // offsets follow from the sizes
}

func (f *footer) encode() []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, footerSize), f.first)
	b = binary.BigEndian.AppendUint64(b, f.last)
	for _, s := range []section{f.samples, f.envelope, f.directory} {
		b = binary.BigEndian.AppendUint32(b, s.size)
		b = binary.BigEndian.AppendUint32(b, s.raw)
		b = binary.BigEndian.AppendUint32(b, s.sum)
	}
	b = append(b, endMagic...)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

func decodeFooter(b []byte, size int64) (f footer, err error) {
	sum := binary.BigEndian.Uint32(b[footerSize-4:])
	if got := crc32.Checksum(b[:footerSize-4], castagnoli); got != sum {
		return f, malformed("footer with checksum %08x, want %08x: cut short, or no block", got, sum)
	}
	if string(b[footerSize-8:footerSize-4]) != endMagic {
		return f, malformed("footer without its mark")
	}
	f.first, f.last = binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])
	if f.first == 0 || f.last < f.first {
		return f, malformed("entries %d to %d", f.first, f.last)
	}
	for i, s := range []*section{&f.samples, &f.envelope, &f.directory} {
		at := b[16+12*i:]
		s.size, s.raw = binary.BigEndian.Uint32(at), binary.BigEndian.Uint32(at[4:])
		s.sum = binary.BigEndian.Uint32(at[8:])
		if s.raw > maxSection {
			return f, malformed("section of %d bytes, at most %d", s.raw, maxSection)
		}
	}
	f.directory.offset = size - footerSize - int64(f.directory.size)
	f.envelope.offset = f.directory.offset - int64(f.envelope.size)
	f.samples.offset = f.envelope.offset - int64(f.samples.size)
	if f.samples.offset < headerSize {
		return f, malformed("sections of %d, %d and %d bytes in %d", f.samples.size, f.envelope.size, f.directory.size, size)
	}
	if f.samples.raw > maxSamples {
		return f, malformed("samples of %d bytes, at most %d", f.samples.raw, maxSamples)
	}
	return f, nil
}

// plain and unplain are shared: both are safe for concurrent use by EncodeAll and DecodeAll.
var (
	plain   = sync.OnceValue(func() *zstd.Encoder { return newPacker(nil) })
	unplain = sync.OnceValue(newUnpacker)
)

// newPacker packs with the samples as a dictionary, if there are any.
func newPacker(samples []byte) *zstd.Encoder {
	options := []zstd.EOption{
		zstd.WithEncoderLevel(zstd.SpeedBetterCompression), zstd.WithEncoderCRC(false),
		zstd.WithEncoderConcurrency(1), zstd.WithZeroFrames(true),
	}
	if len(samples) > 0 {
		options = append(options, zstd.WithEncoderDictRaw(dictionaryID, samples))
	}
	e, err := zstd.NewWriter(nil, options...)
	if err != nil {
		panic(err) // the options are constants
	}
	return e
}

func newUnpacker() *zstd.Decoder {
	d, err := zstd.NewReader(nil, zstd.WithDecoderMaxMemory(maxSection+maxSamples), zstd.WithDecoderConcurrency(0))
	if err != nil {
		panic(err)
	}
	return d
}

// pack appends raw, packed, and says what was appended.
func pack(e *zstd.Encoder, dst, raw []byte) ([]byte, section) {
	at := len(dst)
	dst = e.EncodeAll(raw, dst)
	s := section{offset: int64(at), size: uint32(len(dst) - at), raw: uint32(len(raw))}
	s.sum = crc32.Checksum(dst[at:], castagnoli)
	return dst, s
}

// unpack checks packed bytes and appends to dst what they hold, which has exactly the size that was announced.
func (s *section) unpack(what string, packed, dst []byte) ([]byte, error) {
	if err := s.check(what, packed); err != nil {
		return dst, err
	}
	return s.inflate(what, packed, dst)
}

func (s *section) check(what string, packed []byte) error {
	if got := crc32.Checksum(packed, castagnoli); got != s.sum {
		return malformed("%s at %d with checksum %08x, want %08x", what, s.offset, got, s.sum)
	}
	return nil
}

// overAlloc is what the decoder wants beyond the end, else it takes a slower way.
const overAlloc = 16

func (s *section) inflate(what string, packed, dst []byte) ([]byte, error) {
	before := len(dst)
	if cap(dst)-before < int(s.raw)+overAlloc {
		dst = append(make([]byte, 0, before+int(s.raw)+overAlloc), dst...)
	}
	dst, err := unplain().DecodeAll(packed, dst)
	if err != nil {
		return dst, malformed("%s at %d: %v", what, s.offset, err)
	}
	if len(dst)-before != int(s.raw) {
		return dst, malformed("%s at %d of %d bytes, want %d", what, s.offset, len(dst)-before, s.raw)
	}
	return dst, nil
}
