package entry

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"

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
	var h Header
	if _, err := h.Decode(data); err != nil {
		return Header{}, err
	}
	return h, nil
}

// Decode is DecodeHeader, in the room of the runs that h has. It returns the frames as they are stored.
func (h *Header) Decode(data []byte) (f Frames, err error) {
	switch {
	case len(data) < 19:
		return f, malformed("%d bytes", len(data))
	case Kind(data[0]) != KindBatch:
		return f, malformed("kind %d, want %d", data[0], KindBatch)
	case data[1] != batchVersion:
		return f, malformed("version %d, want %d", data[1], batchVersion)
	case data[2]&^flagS2 != 0:
		return f, malformed("unknown flags %#x", data[2])
	}
	copy(h.Session[:], data[3:19])
	c := newTableReader(data[19:])
	h.Seq = c.Uvarint()
	channels := c.dictionary()
	h.Runs, h.Raw = c.runs(h.Runs, channels), 0
	if c.Err != nil {
		return f, c.Err
	}
	for i := range h.Runs {
		h.Raw += int(h.Runs[i].Size)
	}
	f = Frames{c.Rest, data[2]&flagS2 != 0}
	return f, f.check(h.Raw)
}

// DecodeBatch decodes a KindBatch entry's data. All frames are in one allocation, or in data itself when they are
// stored uncompressed; either way they are read-only. Each run's frames are checked to be exactly Count whole frames.
func DecodeBatch(data []byte) (*Batch, error) {
	var h Header
	f, err := h.Decode(data)
	if err != nil {
		return nil, err
	}
	return f.Batch(h, new([]byte))
}

// Frames are those of a batch, as they are stored.
type Frames struct {
	block []byte
	s2    bool
}

// Batch adds the frames to what h says of them. They are unpacked in room, which grows, and the runs are h's own.
func (f Frames) Batch(h Header, room *[]byte) (*Batch, error) {
	frames := f.block
	if f.s2 {
		var err error
		*room = slices.Grow((*room)[:0], h.Raw)[:h.Raw]
		if frames, err = s2.Decode(*room, f.block); err != nil {
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

// check verifies that the frames claim to be raw bytes, without unpacking them.
func (f Frames) check(raw int) error {
	n := len(f.block)
	if f.s2 {
		var err error
		if n, err = s2.DecodedLen(f.block); err != nil {
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

// runs reads the table of runs, in room if there is enough. Each takes at least minRun bytes of table or frames, which
// bounds the allocation.
func (c *tableReader) runs(room []Run, channels []string) []Run {
	n := c.Uvarint()
	if n > uint64(len(c.Rest)/minRun) {
		c.Fail("%d runs in %d bytes", n, len(c.Rest))
		return nil
	}
	runs := slices.Grow(room[:0], int(n))[:n]
	clear(runs)
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
