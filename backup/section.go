package backup

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash"
	"hash/crc32"
	"io"
)

const (
	magic = "hpfback1"

	kindDescription = 'D'
	kindSnapshot    = 'S'
	kindBlock       = 'B'
	kindEnd         = 'E'
	kindFailure     = 'X'

	sectionHead = 9
	// maxSection is more than a block can have: one that is full but for a byte, and the largest batch.
	maxSection = 256 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(kind byte, content []byte) uint32 {
	head := binary.BigEndian.AppendUint32([]byte{kind}, uint32(len(content)))
	return crc32.Update(crc32.Checksum(head, castagnoli), castagnoli, content)
}

// sectionWriter writes sections and sums up what it has written.
type sectionWriter struct {
	w   io.Writer
	sum hash.Hash
}

func newSectionWriter(w io.Writer) (*sectionWriter, error) {
	s := &sectionWriter{sum: sha256.New()}
	s.w = io.MultiWriter(w, s.sum)
	_, err := io.WriteString(s.w, magic)
	return s, err
}

func (s *sectionWriter) section(kind byte, content []byte) error {
	head := binary.BigEndian.AppendUint32([]byte{kind}, uint32(len(content)))
	head = binary.BigEndian.AppendUint32(head, checksum(kind, content))
	if _, err := s.w.Write(head); err != nil {
		return err
	}
	_, err := s.w.Write(content)
	return err
}

func (s *sectionWriter) json(kind byte, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return s.section(kind, b)
}

func (s *sectionWriter) digest() string { return hex.EncodeToString(s.sum.Sum(nil)) }

// sectionReader reads sections, checks each, and sums up what it has read.
type sectionReader struct {
	r      *bufio.Reader
	sum    hash.Hash
	digest string // of everything before the last section
	offset uint64
}

func newSectionReader(r io.Reader) (*sectionReader, error) {
	s := &sectionReader{r: bufio.NewReaderSize(r, 256<<10), sum: sha256.New()}
	head := make([]byte, len(magic))
	if _, err := io.ReadFull(s.r, head); err != nil && !cut(err) {
		return nil, err
	}
	if string(head) != magic {
		return nil, damaged("it begins with %q, want %q: this is no backup", head, magic)
	}
	s.sum.Write(head)
	s.offset = uint64(len(magic))
	return s, nil
}

func cut(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }

// next returns the next section. Its content is the caller's.
func (s *sectionReader) next() (kind byte, content []byte, err error) {
	s.digest = hex.EncodeToString(s.sum.Sum(nil))
	at := s.offset
	head := make([]byte, sectionHead)
	if _, err := io.ReadFull(s.r, head); err != nil {
		if cut(err) {
			err = damaged("it is cut short at byte %d: its end is missing", at)
		}
		return 0, nil, err
	}
	size := binary.BigEndian.Uint32(head[1:])
	if size > maxSection {
		return 0, nil, damaged("the section at byte %d says it has %d bytes, at most %d: it is damaged", at, size, maxSection)
	}
	var b bytes.Buffer // grows with what is there, not with what is said
	if n, err := io.CopyN(&b, s.r, int64(size)); err != nil {
		if cut(err) {
			err = damaged("it is cut short, or damaged, at byte %d: %d of %d bytes of a section are there", at, n, size)
		}
		return 0, nil, err
	}
	kind, content = head[0], b.Bytes()
	if got, want := checksum(kind, content), binary.BigEndian.Uint32(head[5:]); got != want {
		return 0, nil, damaged("the section at byte %d (%d bytes) has checksum %08x, want %08x: it is damaged",
			at, size, got, want)
	}
	s.sum.Write(head)
	s.sum.Write(content)
	s.offset += sectionHead + uint64(size)
	return kind, content, nil
}

// end fails unless nothing follows.
func (s *sectionReader) end() error {
	switch _, err := s.r.ReadByte(); {
	case err == nil:
		return damaged("there is more behind its end, at byte %d", s.offset)
	case errors.Is(err, io.EOF):
		return nil
	default:
		return err
	}
}
