package block

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"

	"hpfriends/eventlog/entry"
)

// Block reads a block. It is safe for concurrent use if its file is.
type Block struct {
	file      io.ReaderAt
	footer    footer
	directory *directory
	samples   []byte // the dictionary of payloads
}

// Run is messages of one origin on one channel in one entry.
type Run struct {
	Index uint64
	entry.Run
}

// Open reads the directory of a block of size bytes. It returns a *FormatError when the file is not a block, or its
// directory is damaged; chunks are checked when they are read.
func Open(file io.ReaderAt, size int64) (*Block, error) {
	if size < headerSize+footerSize {
		return nil, malformed("%d bytes", size)
	}
	b := &Block{file: file}
	head, err := b.read(0, headerSize)
	if err != nil {
		return nil, err
	}
	if string(head) != string(header()) {
		return nil, malformed("begins with %q, want %q", head, header())
	}
	end, err := b.read(size-footerSize, footerSize)
	if err != nil {
		return nil, err
	}
	if b.footer, err = decodeFooter(end, size); err != nil {
		return nil, err
	}
	raw, err := b.section("directory", &b.footer.directory)
	if err != nil {
		return nil, err
	}
	b.directory, err = decodeDirectory(raw, b.footer.first, b.footer.last, b.footer.samples.offset)
	if err != nil {
		return nil, err
	}
	if b.samples, err = b.section("samples", &b.footer.samples); err != nil {
		return nil, err
	}
	return b, nil
}

// First is the index of the first entry.
func (b *Block) First() uint64 { return b.footer.first }

// Last is the index of the last entry.
func (b *Block) Last() uint64 { return b.footer.last }

// Stripes returns what the block holds, by channel and origin.
func (b *Block) Stripes() []Stripe {
	return b.directory.named(0, len(b.directory.stripes))
}

func (d *directory) named(from, to int) []Stripe {
	all := make([]Stripe, 0, to-from)
	for _, s := range d.stripes[from:to] {
		all = append(all, Stripe{
			Channel: d.channels[s.channel], Origin: s.origin, First: s.first, Last: s.last, Messages: s.messages,
			Bytes: s.bytes,
		})
	}
	return all
}

func (b *Block) read(at int64, n int) ([]byte, error) {
	bytes := make([]byte, n)
	return bytes, b.readInto(bytes, at)
}

func (b *Block) readInto(bytes []byte, at int64) error {
	if _, err := b.file.ReadAt(bytes, at); err != nil {
		return fmt.Errorf("block: reading %d bytes at %d: %w", len(bytes), at, err)
	}
	return nil
}

func (b *Block) section(what string, s *section) ([]byte, error) {
	packed, err := b.read(s.offset, int(s.size))
	if err != nil {
		return nil, err
	}
	return s.unpack(what, packed, nil)
}

// Runs returns, in the order of the log, the runs of the entries from to to whose channel and origin are wanted. It
// reads the chunks that have any of them and no others, and holds what it returns in memory.
func (b *Block) Runs(from, to uint64, wanted func(channel string, origin uint64) bool) ([]Run, error) {
	d := b.directory
	want := make([]bool, len(d.stripes))
	for i := range want {
		s := &d.stripes[i]
		want[i] = s.first <= to && s.last >= from && wanted(d.channels[s.channel], s.origin)
	}
	var found []run
	for i := range d.chunks {
		c := &d.chunks[i]
		if c.first > to || c.last < from || !slices.Contains(want[c.from:c.to+1], true) {
			continue
		}
		runs, err := b.chunk(c)
		if err != nil {
			return nil, err
		}
		for j := range runs {
			if r := &runs[j]; r.index >= from && r.index <= to && wanted(r.Channel, r.Origin) {
				found = append(found, *r)
			}
		}
	}
	slices.SortFunc(found, func(x, y run) int { return x.compare(&y) })
	all := make([]Run, len(found))
	for i := range found {
		all[i] = Run{Index: found[i].index, Run: found[i].Run}
	}
	return all, nil
}

// chunk reads the runs of a chunk with their frames, which share one buffer.
func (b *Block) chunk(c *chunk) ([]run, error) {
	runs, err := b.readChunk(c)
	if err != nil {
		return nil, &ChunkError{b.directory.named(c.from, c.to+1), err}
	}
	return runs, nil
}

func (b *Block) readChunk(c *chunk) ([]run, error) {
	sc := scratches.Get().(*scratch)
	defer sc.done()
	sc.packed = sized(sc.packed, int(c.table.size)+int(c.payloads.size))
	err := b.readInto(sc.packed, c.table.offset)
	if err != nil {
		return nil, err
	}
	if sc.table, err = c.table.unpack("table", sc.packed[:c.table.size], sc.table[:0]); err != nil {
		return nil, err
	}
	runs, lengths, err := b.directory.decodeTable(sc.table, c)
	if err != nil {
		return nil, err
	}
	payloads, err := b.payloadsOf(&c.payloads, sc.packed[c.table.size:], sc)
	if err != nil {
		return nil, err
	}
	b.directory.frame(runs, lengths, payloads)
	return runs, nil
}

// frame gives the runs their frames, made of heads and payloads.
func (d *directory) frame(runs []run, lengths []uint32, payloads []byte) {
	size := 0
	for i := range runs {
		size += int(runs[i].Size)
	}
	frames, head := make([]byte, 0, size), make([]byte, 0, 64)
	for i := range runs {
		r, at := &runs[i], len(frames)
		if i == 0 || r.channel != runs[i-1].channel || r.from != runs[i-1].from {
			head = d.publishers[r.from].appendHead(head[:0], r.Channel)
		}
		for _, n := range lengths[:r.Count] {
			frames = binary.BigEndian.AppendUint32(frames, uint32(4+len(head))+n)
			frames = append(append(frames, head...), payloads[:n]...)
			payloads = payloads[n:]
		}
		lengths = lengths[r.Count:]
		r.Frames = frames[at:len(frames):len(frames)]
	}
}

// Entries calls fn for each entry in the order of the log, and ends with fn's first error. The entries may be kept. It
// unpacks the whole block into memory, and checks all of it.
func (b *Block) Entries(fn func(*Entry) error) error {
	u, err := b.Unpack()
	if err != nil {
		return err
	}
	u.Work()
	entries, err := u.Entries()
	if err != nil {
		return err
	}
	for i := range entries {
		if err := fn(&entries[i]); err != nil {
			return err
		}
	}
	return nil
}
