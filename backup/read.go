package backup

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"hpfriends/eventlog/block"
)

// Reader reads a backup from its beginning to its end, and checks all of it on the way.
type Reader struct {
	Description
	End      *End // nil before the end was read
	sections *sectionReader
	next     uint64 // the entry that comes next
	term     uint64
	read     End // what was read
	parts    bool
	skimmed  bool // entries are not looked at
}

// NewReader reads the description.
func NewReader(r io.Reader) (*Reader, error) {
	sections, err := newSectionReader(r)
	if err != nil {
		return nil, err
	}
	kind, content, err := sections.next()
	if err != nil {
		return nil, err
	}
	b := &Reader{sections: sections}
	if kind == kindFailure {
		return nil, gaveUp(content)
	}
	if kind != kindDescription {
		return nil, damaged("it begins with a section of kind %q, want a description", kind)
	}
	if err := json.Unmarshal(content, &b.Description); err != nil {
		return nil, damaged("its description: %v", err)
	}
	b.next = b.First
	return b, b.check()
}

func gaveUp(text []byte) error {
	return damaged("it is incomplete, since its writer gave up: %s", text)
}

// Part is a piece of a backup: one of its fields is set.
type Part struct {
	Snapshot []byte // a part of the state
	Block    *block.Block
}

// Next returns the next part; io.EOF after the end.
func (b *Reader) Next() (p Part, err error) {
	if b.End != nil {
		return p, io.EOF
	}
	at := b.sections.offset
	kind, content, err := b.sections.next()
	if err != nil {
		return p, err
	}
	switch {
	case kind == kindFailure:
		return p, gaveUp(content)
	case kind == kindSnapshot && b.State != 0 && b.read.Entries == 0:
		b.parts = true
		return Part{Snapshot: content}, nil
	case b.State != 0 && !b.parts:
		return p, damaged("the state of entry %d is missing", b.State)
	case kind == kindBlock:
		k, err := block.Open(bytes.NewReader(content), int64(len(content)))
		if err != nil {
			return p, damaged("the block at byte %d: %v", at, err)
		}
		if k.First() != b.next || k.Last() > b.Last {
			return p, damaged("the block at byte %d has the entries %d to %d, want %d to at most %d", at,
				k.First(), k.Last(), b.next, b.Last)
		}
		b.next = k.Last() + 1
		b.read.Blocks++
		return Part{Block: k}, nil
	case kind == kindEnd:
		if err := b.finish(content); err != nil {
			return p, err
		}
		return p, io.EOF
	}
	return p, damaged("the section at byte %d is of kind %q, which does not belong there", at, kind)
}

// finish checks the end against what was read.
func (b *Reader) finish(content []byte) error {
	end := new(End)
	if err := json.Unmarshal(content, end); err != nil {
		return damaged("its end: %v", err)
	}
	b.read.SHA256 = b.sections.digest
	if b.skimmed {
		b.read.Entries, b.read.Messages, b.read.Bytes = end.Entries, end.Messages, end.Bytes
	}
	switch {
	case end.SHA256 != b.read.SHA256:
		return damaged("it has the SHA-256 %s, want %s: it is damaged", b.read.SHA256, end.SHA256)
	case b.next != b.Last+1:
		return damaged("it ends with entry %d, want %d", b.next-1, b.Last)
	case b.read != *end:
		return damaged("its end says %+v, what was read is %+v", *end, b.read)
	}
	b.End = end
	return b.sections.end()
}

// Entries calls fn for all entries of a part, and checks them.
func (b *Reader) Entries(k *block.Block, fn func(*block.Entry) error) error {
	err := k.Entries(func(e *block.Entry) error {
		if e.Term < b.term {
			return damaged("entry %d is of term %d, after one of term %d", e.Index, e.Term, b.term)
		}
		b.term = e.Term
		if e.Index == b.Last && e.Term != b.Term {
			return damaged("entry %d is of term %d, want %d", e.Index, e.Term, b.Term)
		}
		b.read.add(e)
		return fn(e)
	})
	var format *block.FormatError
	if errors.As(err, &format) {
		return damaged("the block of the entries %d to %d: %v", k.First(), k.Last(), err)
	}
	return err
}

// Snapshot reads the parts of the state, from the first on, and then the part behind them into last.
type snapshotParts struct {
	reader *Reader
	rest   []byte
	last   Part
	err    error // of the reader, io.EOF at its end
}

func (s *snapshotParts) Read(p []byte) (int, error) {
	for len(s.rest) == 0 {
		if s.err != nil || s.last.Block != nil {
			return 0, s.ended()
		}
		var part Part
		if part, s.err = s.reader.Next(); s.err != nil {
			continue
		}
		if s.rest = part.Snapshot; part.Block != nil {
			s.last = part
		}
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

func (s *snapshotParts) ended() error {
	if s.err != nil {
		return s.err
	}
	return io.EOF
}

// Verify reads all of a backup, and returns what it is; progress, if not nil, is told how many entries were read.
func Verify(r io.Reader, progress func(done, total uint64)) (*Reader, error) {
	return readAll(r, false, progress)
}

// Skim is Verify without a look at what is in the blocks: every checksum is right, and the end is there.
func Skim(r io.Reader, progress func(done, total uint64)) (*Reader, error) {
	return readAll(r, true, progress)
}

func readAll(r io.Reader, skim bool, progress func(done, total uint64)) (*Reader, error) {
	b, err := NewReader(r)
	if err != nil {
		return nil, err
	}
	b.skimmed = skim
	for {
		p, err := b.Next()
		if errors.Is(err, io.EOF) {
			return b, nil
		}
		if err == nil && p.Block != nil && !skim {
			err = b.Entries(p.Block, func(*block.Entry) error { return nil })
		}
		if err != nil {
			return nil, err
		}
		if progress != nil {
			progress(b.next-b.First, b.entries())
		}
	}
}
