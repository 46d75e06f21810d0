package cold

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"hpfriends/eventlog/block"
)

// partSize is how many bytes of a block are in one part.
const partSize = 32 << 10

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// DamageError says that a block is not what was written.
type DamageError struct {
	Head
	Err error
}

func (e *DamageError) Error() string { return e.Name() + ": " + e.Err.Error() }

func (e *DamageError) Unwrap() error { return e.Err }

func malformed(format string, args ...any) error {
	return &block.FormatError{Reason: fmt.Sprintf(format, args...)}
}

func damaged(h *Head, err error) error {
	if err == nil {
		return nil
	}
	return &DamageError{*h, err}
}

// Blocks reads the blocks of a store or of a snapshot.
type Blocks struct {
	Reader pebble.Reader
	Damage *Damage // what could not be read before; nil: everything is read
}

func (b Blocks) iterate(lower, upper []byte) (*pebble.Iterator, error) {
	return b.Reader.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
}

// At returns the block that holds an entry, if there is one.
func (b Blocks) At(index uint64) (h Head, ok bool, err error) {
	it, err := b.iterate(Key(SpanHead, index), []byte{SpanHead + 1})
	if err != nil {
		return h, false, err
	}
	defer it.Close()
	if !it.First() {
		return h, false, it.Error()
	}
	h, err = decodeAt(it)
	return h, err == nil && h.Holds(index), err
}

func decodeAt(it *pebble.Iterator) (Head, error) {
	v, err := it.ValueAndErr()
	if err != nil {
		return Head{}, err
	}
	return DecodeHead(it.Key(), v)
}

// Last returns the newest block; the zero Head when there is none.
func (b Blocks) Last() (h Head, err error) {
	err = b.Down(^uint64(0), func(last Head) error {
		h = last
		return io.EOF
	})
	return h, err
}

// Each calls fn for the blocks that end at from or later, in order, until its first error, which it returns unless that
// is io.EOF.
func (b Blocks) Each(from uint64, fn func(Head) error) error {
	it, err := b.iterate(Key(SpanHead, from), []byte{SpanHead + 1})
	if err != nil {
		return err
	}
	return walk(it, it.First, it.Next, fn)
}

// Down calls fn for the blocks that begin at upto or before, the newest first, as Each does.
func (b Blocks) Down(upto uint64, fn func(Head) error) error {
	it, err := b.iterate([]byte{SpanHead}, []byte{SpanHead + 1})
	if err != nil {
		return err
	}
	begin := func() bool { // the block that holds upto, or else the one before it
		if it.SeekGE(Key(SpanHead, upto)) {
			if h, err := decodeAt(it); err != nil || h.First <= upto {
				return true
			}
		}
		return it.SeekLT(Key(SpanHead, upto))
	}
	return walk(it, begin, it.Prev, fn)
}

func walk(it *pebble.Iterator, begin, step func() bool, fn func(Head) error) (err error) {
	defer func() { err = errors.Join(err, it.Close()) }()
	for ok := begin(); ok; ok = step() {
		h, err := decodeAt(it)
		if err == nil {
			err = fn(h)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return it.Error()
}

// get calls fn with the value of a key, which is fn's until it returns. A key that is missing is damage.
func (b Blocks) get(key []byte, fn func(v []byte) error) error {
	if err := b.Damage.remembered(key); err != nil {
		return err
	}
	v, closer, err := b.Reader.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return malformed("key %x is missing", key)
	}
	if err != nil {
		return b.Damage.unreadable(key, err)
	}
	return errors.Join(fn(v), closer.Close())
}

// Marks returns the marks of a block's entries.
func (b Blocks) Marks(h *Head) (marks []Mark, err error) {
	err = b.get(Key(SpanMarks, h.Last), func(v []byte) (err error) {
		marks, err = decodeMarks(h, v)
		return err
	})
	return marks, damaged(h, err)
}

// MarkAt returns the mark of an entry, if a block holds it.
func (b Blocks) MarkAt(index uint64) (m Mark, ok bool, err error) {
	h, ok, err := b.At(index)
	if err != nil || !ok {
		return m, false, err
	}
	marks, err := b.Marks(&h)
	if err != nil {
		return m, false, err
	}
	return marks[index-h.First], true, nil
}

// Open opens a block. It reads of it what says where the rest is.
func (b Blocks) Open(h *Head) (*block.Block, error) {
	k, err := block.Open(parts{b, h}, h.Size)
	return k, damaged(h, err)
}

// Entries returns all entries of a block, and checks all of it.
func (b Blocks) Entries(h *Head) ([]block.Entry, error) {
	u, err := b.unpack(h)
	if err != nil {
		return nil, err
	}
	u.Work()
	all, err := u.Entries()
	return all, damaged(h, err)
}

// unpack begins to unpack all of a block.
func (b Blocks) unpack(h *Head) (*block.Unpacking, error) {
	k, err := b.Open(h)
	if err != nil {
		return nil, err
	}
	if k.First() != h.First || k.Last() != h.Last {
		return nil, damaged(h, malformed("it holds entries %d to %d", k.First(), k.Last()))
	}
	u, err := k.Unpack()
	return u, damaged(h, err)
}

// Check reads all bytes of a block and compares them with its checksum.
func (b Blocks) Check(h *Head) error {
	sum, buffer := uint32(0), make([]byte, partSize)
	for at := int64(0); at < h.Size; at += partSize {
		n, err := parts{b, h}.ReadAt(buffer[:min(partSize, h.Size-at)], at)
		if err != nil {
			return damaged(h, err)
		}
		sum = crc32.Update(sum, castagnoli, buffer[:n])
	}
	if sum != h.Sum {
		return damaged(h, malformed("checksum %08x, want %08x", sum, h.Sum))
	}
	return nil
}

// parts is a block as a file.
type parts struct {
	Blocks
	head *Head
}

// ReadAt implements io.ReaderAt.
func (p parts) ReadAt(b []byte, at int64) (n int, err error) {
	for n < len(b) {
		err := p.get(PartKey(p.head.Last, uint32(at/partSize)), func(part []byte) error {
			if want := min(partSize, p.head.Size-at/partSize*partSize); int64(len(part)) != want {
				return malformed("part %d has %d bytes, want %d", at/partSize, len(part), want)
			}
			c := copy(b[n:], part[at%partSize:])
			n, at = n+c, at+int64(c)
			return nil
		})
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// Leftovers reports whether there are parts behind the newest block: of one that was not finished. They are all keys in
// [lower, upper).
func (b Blocks) Leftovers() (lower, upper []byte, some bool, err error) {
	h, err := b.Last()
	if err != nil {
		return nil, nil, false, err
	}
	lower, upper = Key(SpanPart, h.Last+1), []byte{SpanPart + 1}
	it, err := b.iterate(lower, upper)
	if err != nil {
		return nil, nil, false, err
	}
	some = it.First()
	return lower, upper, some, errors.Join(it.Error(), it.Close())
}

// Cut calls fn for the parts of an encoded block with their keys, until its first error.
func Cut(last uint64, encoded []byte, fn func(key, part []byte) error) error {
	number := uint32(0)
	for part := range slices.Chunk(encoded, partSize) {
		if err := fn(PartKey(last, number), part); err != nil {
			return err
		}
		number++
	}
	return nil
}

// Sum is the checksum of an encoded block.
func Sum(encoded []byte) uint32 { return crc32.Checksum(encoded, castagnoli) }
