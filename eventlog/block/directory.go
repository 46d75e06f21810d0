package block

import (
	"encoding/binary"
	"unsafe"

	"github.com/klauspost/compress/zstd"
)

// Stripe is what one origin published on one channel within a block.
type Stripe struct {
	Channel     string
	Origin      uint64
	First, Last uint64 // the first and the last entry that have something of it
	Messages    uint64
	Bytes       uint64 // of their frames
}

// directory says what a block holds and where:
//
//	channels   n, then for each, ascending: bytes that it shares with the one before, bytes that follow, these
//	publishers n, then for each: authkey, length of the ident (1 byte), ident, length 0, 4 or 16 (1 byte), address
//	stripes    n, then for each: channel minus the one before, origin (minus the one before on the same channel), first
//	           minus the block's, last minus first, messages, bytes
//	chunks     n, then for each: first stripe minus the last of the chunk before, stripes minus one, first minus the
//	           block's, last minus first, and of table and payloads: bytes, unpacked bytes, crc32c u32
//
// Stripes are ordered by channel and origin, chunks as their stripes; a stripe may go on in the next chunk.
type directory struct {
	first, last uint64
	channels    []string
	publishers  []publisher
	stripes     []stripe
	chunks      []chunk
	packer      *zstd.Encoder // while the block is written
}

type stripe struct {
	channel         uint32
	origin          uint64
	first, last     uint64
	messages, bytes uint64
}

// chunk is neighbouring stripes, or parts of them, that are packed together.
type chunk struct {
	from, to    int // the first and the last stripe
	first, last uint64
	table       section
	payloads    section
	runs        []run // while the block is written
}

// memory is about how many bytes the directory takes.
func (d *directory) memory() int64 {
	n := len(d.stripes)*int(unsafe.Sizeof(stripe{})) + len(d.chunks)*int(unsafe.Sizeof(chunk{}))
	for _, name := range d.channels {
		n += int(unsafe.Sizeof(name)) + len(name)
	}
	for i := range d.publishers {
		n += int(unsafe.Sizeof(publisher{})) + len(d.publishers[i].ident)
	}
	return int64(n)
}

// count adds a run to its stripe; runs come in the order of stripes.
func (d *directory) count(r *run) {
	n := len(d.stripes)
	if n == 0 || d.stripes[n-1].channel != r.channel || d.stripes[n-1].origin != r.Origin {
		d.stripes = append(d.stripes, stripe{channel: r.channel, origin: r.Origin, first: r.index})
		n++
	}
	s := &d.stripes[n-1]
	s.last = r.index
	s.messages += uint64(r.Count)
	s.bytes += uint64(r.Size)
}

func (d *directory) encode() []byte {
	out := binary.AppendUvarint(nil, uint64(len(d.channels)))
	before := ""
	for _, name := range d.channels {
		shared := 0
		for shared < min(len(name), len(before)) && name[shared] == before[shared] {
			shared++
		}
		out = binary.AppendUvarint(out, uint64(shared))
		out = binary.AppendUvarint(out, uint64(len(name)-shared))
		out, before = append(out, name[shared:]...), name
	}
	out = binary.AppendUvarint(out, uint64(len(d.publishers)))
	for i := range d.publishers {
		out = d.publishers[i].append(out)
	}
	out = d.encodeStripes(out)
	return d.encodeChunks(out)
}

func (d *directory) encodeStripes(out []byte) []byte {
	out = binary.AppendUvarint(out, uint64(len(d.stripes)))
	before := stripe{}
	for _, s := range d.stripes {
		out = binary.AppendUvarint(out, uint64(s.channel-before.channel))
		if s.channel == before.channel {
			out = binary.AppendUvarint(out, s.origin-before.origin)
		} else {
			out = binary.AppendUvarint(out, s.origin)
		}
		out = binary.AppendUvarint(out, s.first-d.first)
		out = binary.AppendUvarint(out, s.last-s.first)
		out = binary.AppendUvarint(out, s.messages)
		out = binary.AppendUvarint(out, s.bytes)
		before = s
	}
	return out
}

func (d *directory) encodeChunks(out []byte) []byte {
	out = binary.AppendUvarint(out, uint64(len(d.chunks)))
	before := 0
	for _, c := range d.chunks {
		out = binary.AppendUvarint(out, uint64(c.from-before))
		out = binary.AppendUvarint(out, uint64(c.to-c.from))
		out = binary.AppendUvarint(out, c.first-d.first)
		out = binary.AppendUvarint(out, c.last-c.first)
		for _, s := range []section{c.table, c.payloads} {
			out = binary.AppendUvarint(out, uint64(s.size))
			out = binary.AppendUvarint(out, uint64(s.raw))
			out = binary.BigEndian.AppendUint32(out, s.sum)
		}
		before = c.to
	}
	return out
}

// decodeDirectory returns the directory of a block whose chunks end at end.
func decodeDirectory(raw []byte, first, last uint64, end int64) (*directory, error) {
	d := &directory{first: first, last: last}
	c := newColumns(raw)
	d.channels = c.channels()
	d.publishers = make([]publisher, c.count("publishers", 3))
	for i := range d.publishers {
		d.publishers[i] = c.publisher()
	}
	d.decodeStripes(&c)
	d.decodeChunks(&c, end)
	return d, c.end("directory")
}

func (c *columns) channels() []string {
	channels := make([]string, c.count("channels", 2))
	before := ""
	for i := range channels {
		shared := c.Uvarint()
		if shared > uint64(len(before)) {
			c.Fail("channel that shares %d of %d bytes", shared, len(before))
			return nil
		}
		name := before[:shared] + string(c.Bytes(c.Uvarint()))
		if c.Err == nil && (len(name) == 0 || len(name) > 255 || name <= before) {
			c.Fail("channel %.40q of %d bytes after %.40q", name, len(name), before)
		}
		channels[i], before = name, name
	}
	return channels
}

func (d *directory) decodeStripes(c *columns) {
	d.stripes = make([]stripe, c.count("stripes", 6))
	before := stripe{}
	for i := range d.stripes {
		channel := uint64(before.channel) + c.Uvarint()
		s := stripe{channel: uint32(channel), origin: c.Uvarint()}
		if channel == uint64(before.channel) {
			s.origin += before.origin
		}
		s.first, s.last = d.span(c)
		s.messages, s.bytes = c.Uvarint(), c.Uvarint()
		if c.Err == nil && channel >= uint64(len(d.channels)) {
			c.Fail("channel %d of %d", channel, len(d.channels))
		}
		if c.Err == nil && i > 0 && s.channel == before.channel && s.origin <= before.origin {
			c.Fail("origin %d after %d", s.origin, before.origin)
		}
		d.stripes[i], before = s, s
	}
}

// span reads a range of the block's entries.
func (d *directory) span(c *columns) (first, last uint64) {
	skip, more := c.Uvarint(), c.Uvarint()
	if n := d.last - d.first; c.Err == nil && (skip > n || more > n-skip) {
		c.Fail("entries %d to %d and %d more in a block of %d to %d", d.first, skip, more, d.first, d.last)
	}
	return d.first + skip, d.first + skip + more
}

// decodeChunks reads where the chunks are; they fill what is between the header and end.
func (d *directory) decodeChunks(c *columns, end int64) {
	d.chunks = make([]chunk, c.count("chunks", 14))
	before, at := uint64(0), int64(headerSize)
	for i := range d.chunks {
		from := before + c.Uvarint()
		before = from + c.Uvarint()
		k := chunk{from: int(from), to: int(before)}
		k.first, k.last = d.span(c)
		for _, s := range []*section{&k.table, &k.payloads} {
			size, raw := c.Uvarint(), c.Uvarint()
			s.offset, s.size, s.raw, s.sum = at, uint32(size), uint32(raw), c.fixed()
			at += int64(s.size)
			if c.Err == nil && (raw > maxSection || size > uint64(end) || at > end) {
				c.Fail("chunk of %d bytes, %d packed, at %d of %d", raw, size, s.offset, end)
			}
		}
		if c.Err == nil && (from > before || before >= uint64(len(d.stripes))) {
			c.Fail("chunk of stripes %d to %d of %d", from, before, len(d.stripes))
		}
		d.chunks[i] = k
	}
	if c.Err == nil && at != end {
		c.Fail("chunks up to %d, the envelope at %d", at, end)
	}
}
