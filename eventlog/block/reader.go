package block

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"unsafe"

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

// Memory is about how many bytes it takes while it is open.
func (b *Block) Memory() int64 {
	return int64(unsafe.Sizeof(*b)) + int64(cap(b.samples)) + b.directory.memory()
}

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

// Choice is some of the stripes of a block.
type Choice struct {
	stripes      []bool
	Bytes, Total uint64 // of the frames of these, and of all
}

// Choose asks for each stripe whether it is wanted.
func (b *Block) Choose(wanted func(channel string, origin uint64) bool) Choice {
	d := b.directory
	c := Choice{stripes: make([]bool, len(d.stripes))}
	for i := range d.stripes {
		s := &d.stripes[i]
		c.Total += s.bytes
		if wanted(d.channels[s.channel], s.origin) {
			c.stripes[i] = true
			c.Bytes += s.bytes
		}
	}
	return c
}

// Runs returns, in the order of the log, the runs of the entries from to to that are of the chosen stripes. It reads
// the chunks that have any of them and no others, and holds what it returns in memory.
func (b *Block) Runs(from, to uint64, of Choice) ([]Run, error) {
	d := b.directory
	var found []run
	for i := range d.chunks {
		c := &d.chunks[i]
		if c.first > to || c.last < from || !slices.Contains(of.stripes[c.from:c.to+1], true) {
			continue
		}
		runs, err := b.chunk(c, func(r *run, stripe int) bool {
			return of.stripes[stripe] && r.index >= from && r.index <= to
		})
		if err != nil {
			return nil, err
		}
		found = append(found, runs...)
	}
	slices.SortFunc(found, func(x, y run) int { return x.compare(&y) })
	all := make([]Run, len(found))
	for i := range found {
		all[i] = Run{Index: found[i].index, Run: found[i].Run}
	}
	return all, nil
}

// every is for who wants all runs of a chunk.
func every(*run, int) bool { return true }

// chunk reads the runs of a chunk that are wanted with their frames, which share one buffer.
func (b *Block) chunk(c *chunk, wanted func(r *run, stripe int) bool) ([]run, error) {
	runs, err := b.readChunk(c, wanted)
	if err != nil {
		return nil, &ChunkError{b.directory.named(c.from, c.to+1), err}
	}
	return runs, nil
}

func (b *Block) readChunk(c *chunk, wanted func(r *run, stripe int) bool) ([]run, error) {
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
	t, err := b.directory.decodeTable(sc.table, c)
	if err != nil {
		return nil, err
	}
	payloads, err := b.payloadsOf(&c.payloads, sc.packed[c.table.size:], sc)
	if err != nil {
		return nil, err
	}
	return b.directory.frame(t, payloads, wanted), nil
}

// frame returns the runs of a table that are wanted, and gives them their frames, made of heads and payloads.
func (d *directory) frame(t table, payloads []byte, wanted func(r *run, stripe int) bool) []run {
	size, keep := 0, make([]bool, len(t.runs))
	for i := range t.runs {
		if keep[i] = wanted(&t.runs[i], t.stripes[i]); keep[i] {
			size += int(t.runs[i].Size)
		}
	}
	runs, frames, head := t.runs[:0], make([]byte, 0, size), make([]byte, 0, 64)
	for i := range t.runs {
		r, lengths := t.runs[i], t.lengths[:t.runs[i].Count]
		t.lengths = t.lengths[len(lengths):]
		if !keep[i] {
			for _, n := range lengths {
				payloads = payloads[n:]
			}
			continue
		}
		if n := len(runs); n == 0 || r.channel != runs[n-1].channel || r.from != runs[n-1].from {
			head = d.publishers[r.from].appendHead(head[:0], r.Channel)
		}
		at := len(frames)
		for _, n := range lengths {
			frames = binary.BigEndian.AppendUint32(frames, uint32(4+len(head))+n)
			frames = append(append(frames, head...), payloads[:n]...)
			payloads = payloads[n:]
		}
		r.Frames = frames[at:len(frames):len(frames)]
		runs = append(runs, r)
	}
	return runs
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
