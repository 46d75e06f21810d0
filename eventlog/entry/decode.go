package entry

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/klauspost/compress/s2"

	"hpfriends/internal/varint"
)

// BatchError says why bytes are not a batch.
type BatchError struct{ Reason string }

func (e *BatchError) Error() string { return "eventlog: malformed batch: " + e.Reason }

func malformed(format string, args ...any) error {
	return &BatchError{Reason: fmt.Sprintf(format, args...)}
}

// DecodeHeader decodes the table of a KindBatch entry's data and leaves the frames alone. Every length is checked
// against what is there before anything is allocated. It returns a *BatchError when data is not a batch.
func DecodeHeader(data []byte) (Header, error) {
	h, _, err := decodeTable(data)
	return h, err
}

// DecodeBatch decodes a KindBatch entry's data. All frames are in one allocation, or in data itself when they are
// stored uncompressed; either way they are read-only. Each run's frames are checked to be exactly Count whole frames.
func DecodeBatch(data []byte) (*Batch, error) {
	h, block, err := decodeTable(data)
	if err != nil {
		return nil, err
	}
	frames := block
	if h.compressed(data) {
		frames, err = s2.Decode(make([]byte, h.Raw), block)
		if err != nil {
			return nil, malformed("frames: %v", err)
		}
	}
	if len(frames) != h.Raw {
		return nil, malformed("%d bytes of frames, want %d", len(frames), h.Raw)
	}
	for i := range h.Runs {
		r := &h.Runs[i]
		r.Frames, frames = frames[:r.Size:r.Size], frames[r.Size:]
		if err := checkFrames(r.Frames, r.Count); err != nil {
			return nil, err
		}
	}
	return &Batch{Header: h}, nil
}

func (h *Header) compressed(data []byte) bool { return data[2]&flagS2 != 0 }

// checkFrames verifies that frames is exactly count self-delimiting frames, and returns a *BatchError when it is not.
func checkFrames(frames []byte, count uint32) error {
	for n := range count {
		if len(frames) < minFrame {
			return malformed("run ends after %d of %d frames", n, count)
		}
		size := binary.BigEndian.Uint32(frames)
		if size < minFrame || uint64(size) > uint64(len(frames)) {
			return malformed("frame %d of %d says %d bytes, %d are left", n, count, size, len(frames))
		}
		frames = frames[size:]
	}
	if len(frames) != 0 {
		return malformed("%d bytes after the last of %d frames", len(frames), count)
	}
	return nil
}

// decodeTable returns the header and the block of frames as stored.
func decodeTable(data []byte) (h Header, block []byte, err error) {
	switch {
	case len(data) < 19:
		return h, nil, malformed("%d bytes", len(data))
	case Kind(data[0]) != KindBatch:
		return h, nil, malformed("kind %d, want %d", data[0], KindBatch)
	case data[1] != batchVersion:
		return h, nil, malformed("version %d, want %d", data[1], batchVersion)
	case data[2]&^flagS2 != 0:
		return h, nil, malformed("unknown flags %#x", data[2])
	}
	copy(h.Session[:], data[3:19])
	c := newTableReader(data[19:])
	h.Seq = c.Uvarint()
	channels := c.dictionary()
	h.Runs = c.runs(channels)
	if c.Err != nil {
		return Header{}, nil, c.Err
	}
	for i := range h.Runs {
		h.Raw += int(h.Runs[i].Size)
	}
	if err := checkBlock(c.Rest, h.Raw, data[2]&flagS2 != 0); err != nil {
		return Header{}, nil, err
	}
	return h, c.Rest, nil
}

// checkBlock verifies that the stored block claims to hold raw bytes, without unpacking it.
func checkBlock(block []byte, raw int, compressed bool) error {
	n := len(block)
	if compressed {
		var err error
		if n, err = s2.DecodedLen(block); err != nil {
			return malformed("frames: %v", err)
		}
	}
	if n != raw {
		return malformed("runs say %d bytes of frames, the block %d", raw, n)
	}
	return nil
}

// tableReader reads a table. After the first error it returns zeros, and the error stays.
type tableReader struct{ varint.Reader }

func newTableReader(data []byte) tableReader {
	return tableReader{varint.Reader{Rest: data, Malformed: malformed}}
}

// dictionary reads the channels. Each takes at least two bytes, which bounds the allocation by the input.
func (c *tableReader) dictionary() []string {
	n := c.Uvarint()
	if n > uint64(len(c.Rest)/2) {
		c.Fail("%d channels in %d bytes", n, len(c.Rest))
		return nil
	}
	channels := make([]string, 0, n)
	for range n {
		size := c.Uvarint()
		if c.Err == nil && (size == 0 || size > 255) {
			c.Fail("channel of %d bytes", size)
		}
		name := c.Bytes(size)
		if c.Err != nil {
			return nil
		}
		channels = append(channels, string(name))
	}
	return channels
}

// runs reads the table of runs. Each takes at least minRun bytes of table or frames, which bounds the allocation.
func (c *tableReader) runs(channels []string) []Run {
	n := c.Uvarint()
	if n > uint64(len(c.Rest)/minRun) {
		c.Fail("%d runs in %d bytes", n, len(c.Rest))
		return nil
	}
	runs := make([]Run, n)
	var before int64
	var messages, raw uint64
	for i := range runs {
		c.run(&runs[i], channels, before)
		if c.Err != nil {
			return nil
		}
		before = runs[i].Time
		runs[i].First = uint32(messages)
		messages += uint64(runs[i].Count)
		raw += uint64(runs[i].Size)
		if raw > MaxBatchBytes {
			c.Fail("frames of more than %d bytes", MaxBatchBytes)
			return nil
		}
	}
	return runs
}

// run reads one run, without its frames.
func (c *tableReader) run(r *Run, channels []string, before int64) {
	place := c.Uvarint()
	if c.Err == nil && place >= uint64(len(channels)) {
		c.Fail("channel %d of %d", place, len(channels))
	}
	r.Authkey, r.Origin = c.Uvarint(), c.Uvarint()
	r.Time = before + c.Varint()
	r.Remote = c.addr()
	count, size := c.Uvarint(), c.Uvarint()
	if c.Err == nil && (count == 0 || size > MaxBatchBytes || count > size/minFrame) {
		c.Fail("%d frames in %d bytes", count, size)
	}
	if c.Err != nil {
		return
	}
	r.Channel, r.Count, r.Size = channels[place], uint32(count), uint32(size)
}

func (c *tableReader) addr() netip.Addr {
	n := c.Bytes(1)
	if c.Err != nil {
		return netip.Addr{}
	}
	b := c.Bytes(uint64(n[0]))
	if len(b) == 0 {
		return netip.Addr{}
	}
	a, ok := netip.AddrFromSlice(b)
	if !ok {
		c.Fail("address of %d bytes", n[0])
	}
	return a
}
