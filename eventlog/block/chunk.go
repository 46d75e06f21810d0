package block

import (
	"encoding/binary"

	"github.com/klauspost/compress/zstd"

	"hpfriends/eventlog/entry"
)

// A chunk is two zstd frames, so that who asks only what there is does not unpack messages:
//
//	table     n, then by columns: stripe minus the one before; entry minus the one before in the stripe, at first the
//	          block's first; offset of the first message in its batch; messages minus one; time minus the one before,
//	          signed; place of the publisher; then of each message the length of its payload
//	payloads  of all messages, one after the other; packed with the samples as dictionary
//
// Runs are ordered by stripe and position. A frame's head follows from the channel and the publisher.
const (
	minRun     = 7   // bytes of a run in a table: six columns and a length
	maxSampled = 256 // payloads taken as samples, about

	// A chunk ends with its stripe when it has minChunk bytes of frames, and in any case at maxChunk: what is small
	// shares a chunk and packs better, what is large is read on its own.
	minChunk = 64 << 10
	maxChunk = 128 << 10
)

// cut divides the runs, which are in the order of stripes, into chunks.
func (d *directory) cut(runs []run) []*chunk {
	var chunks []*chunk
	var current *chunk
	size, place := 0, -1
	for i := range runs {
		r := &runs[i]
		next := place < 0 || d.stripes[place].channel != r.channel || d.stripes[place].origin != r.Origin
		if next {
			place++
		}
		if current == nil || size >= maxChunk || next && size >= minChunk {
			current, size = &chunk{from: place, first: r.index, last: r.index}, 0
			chunks = append(chunks, current)
		}
		current.to, current.runs = place, append(current.runs, *r)
		current.first, current.last = min(current.first, r.index), max(current.last, r.index)
		size += int(r.Size)
	}
	return chunks
}

// sample takes some payloads from all over the block: what packs a chunk is not only what it holds itself.
func (d *directory) sample(runs []run) ([]byte, *zstd.Encoder) {
	var samples []byte
	total := 0
	for i := range runs {
		total += int(runs[i].Size)
	}
	step, at := total/maxSampled, 0
	for i := range runs {
		r := &runs[i]
		if at += int(r.Size); at < step {
			continue
		}
		at = 0
		payload := r.Frames[4+len(headOf(&r.Run)) : binary.BigEndian.Uint32(r.Frames)]
		if n := len(samples) + len(payload); n <= maxSamples {
			samples = append(samples, payload...)
		}
	}
	if total < 16*len(samples) { // the samples would cost what they save
		samples = nil
	}
	return samples, newPacker(samples)
}

// appendChunk writes a chunk and notes where it is.
func (d *directory) appendChunk(out []byte, c *chunk) []byte {
	var lengths, payloads []byte
	for i := range c.runs {
		skip := uint32(4 + len(headOf(&c.runs[i].Run)))
		for frames := c.runs[i].Frames; len(frames) > 0; {
			n := binary.BigEndian.Uint32(frames)
			lengths = binary.AppendUvarint(lengths, uint64(n-skip))
			payloads = append(payloads, frames[skip:n]...)
			frames = frames[n:]
		}
	}
	out, c.table = pack(plain(), out, append(d.encodeTable(c), lengths...))
	out, c.payloads = pack(d.packer, out, payloads)
	c.runs = nil
	d.chunks = append(d.chunks, *c)
	return out
}

func (d *directory) encodeTable(c *chunk) []byte {
	var stripes, indexes, firsts, counts, times, publishers []byte
	place, index, before := c.from, d.first, int64(0)
	previous := c.from
	for i := range c.runs {
		r := &c.runs[i]
		for d.stripes[place].channel != r.channel || d.stripes[place].origin != r.Origin {
			place++
			index = d.first
		}
		stripes, previous = binary.AppendUvarint(stripes, uint64(place-previous)), place
		indexes, index = binary.AppendUvarint(indexes, r.index-index), r.index
		firsts = binary.AppendUvarint(firsts, uint64(r.First))
		counts = binary.AppendUvarint(counts, uint64(r.Count-1))
		times, before = binary.AppendVarint(times, r.Time-before), r.Time
		publishers = binary.AppendUvarint(publishers, uint64(r.from))
	}
	out := binary.AppendUvarint(nil, uint64(len(c.runs)))
	for _, column := range [][]byte{stripes, indexes, firsts, counts, times, publishers} {
		out = append(out, column...)
	}
	return out
}

// table is what the table of a chunk says.
type table struct {
	runs    []run    // without their frames
	stripes []int    // of each run
	lengths []uint32 // of all payloads
}

func (d *directory) decodeTable(raw []byte, k *chunk) (table, error) {
	c := newColumns(raw)
	runs := make([]run, c.count("runs", minRun))
	places := make([]int, len(runs))
	place := uint64(k.from)
	for i := range places {
		if place += c.Uvarint(); c.Err == nil && place > uint64(k.to) {
			c.Fail("stripe %d in a chunk of %d to %d", place, k.from, k.to)
		}
		if c.Err != nil {
			return table{}, c.Err
		}
		places[i] = int(place)
		s := &d.stripes[place]
		runs[i].channel, runs[i].Channel, runs[i].Origin = s.channel, d.channels[s.channel], s.origin
	}
	d.decodePlaces(&c, runs, places)
	var before int64
	for i := range runs {
		runs[i].Time = before + c.Varint()
		before = runs[i].Time
	}
	for i := range runs {
		if n := c.below("publisher", len(d.publishers)); c.Err == nil {
			p := &d.publishers[n]
			runs[i].from, runs[i].Authkey, runs[i].Remote = uint32(n), p.authkey, p.remote
		}
	}
	t := table{runs, places, d.decodeLengths(&c, runs, k)}
	return t, c.end("table")
}

// decodePlaces reads where in the log the runs are, and checks that they ascend within each stripe.
func (d *directory) decodePlaces(c *columns, runs []run, places []int) {
	for i := range runs {
		before := d.first
		if i > 0 && places[i] == places[i-1] {
			before = runs[i-1].index
		}
		step := c.Uvarint()
		if c.Err == nil && step > d.last-before {
			c.Fail("entry %d and %d more in a block to %d", before, step, d.last)
		}
		runs[i].index = before + step
	}
	for i := range runs {
		runs[i].First = c.number()
	}
	for i := range runs {
		runs[i].Count = c.number() + 1
		if c.Err == nil && i > 0 && places[i] == places[i-1] && runs[i].compare(&runs[i-1]) <= 0 {
			c.Fail("runs out of order at entry %d", runs[i].index)
		}
	}
}

// decodeLengths reads the lengths of all payloads, and the size of each run's frames from them.
func (d *directory) decodeLengths(c *columns, runs []run, k *chunk) (lengths []uint32) {
	lengths = make([]uint32, 0, len(c.Rest)) // each takes a byte or more
	total, frames := uint64(0), uint64(0)
	for i := range runs {
		r := &runs[i]
		if uint64(r.Count) > uint64(len(c.Rest)) {
			c.Fail("%d messages in %d bytes", r.Count, len(c.Rest))
		}
		if c.Err != nil {
			return nil
		}
		size, head := uint64(0), uint64(4+d.publishers[r.from].headSize(r.Channel))
		for range r.Count {
			n := c.Uvarint()
			if n > maxSection {
				c.Fail("payload of %d bytes", n)
				return nil
			}
			lengths = append(lengths, uint32(n))
			size += head + n
			total += n
		}
		if size > entry.MaxBatchBytes {
			c.Fail("run of %d bytes", size)
			return nil
		}
		r.Size = uint32(size)
		frames += size
	}
	if total != uint64(k.payloads.raw) || frames > 2*maxSection {
		c.Fail("%d bytes of payloads where %d are, in frames of %d", total, k.payloads.raw, frames)
	}
	return lengths
}

// number reads what fits into 31 bits: offsets and counts of messages do.
func (c *columns) number() uint32 {
	v := c.Uvarint()
	if v >= 1<<31 {
		c.Fail("number %d", v)
		return 0
	}
	return uint32(v)
}
