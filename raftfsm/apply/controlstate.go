package apply

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/hashicorp/raft"

	"hpfriends/eventlog"
)

// controlState is what Apply derived from the entries up to one, without the graph and its audit: the same bytes on
// every node at the same entry. It is what a node needs of the entries that it does not get.
//
//	version u8 | term of the entry u64 | newest time of any batch u64 | records
//
// A record is a key of a projection. Numbers are big endian.
//
//	space u8 | length of the key u32 | key | length of the value u32 | value
type controlState struct {
	term    uint64
	newest  int64 // Unix milliseconds
	records []byte
}

// StateFormat is how the records of the projections are written. Whoever changes that raises it, and has a start
// rewrite the records: nodes compare their state only with those of the same format.
const StateFormat = 2

const (
	controlVersion = 1
	controlHeader  = 1 + 8 + 8

	maxRecordKey   = 64 << 10
	maxRecordValue = 64 << 20
)

// controlSpaces are the projections of which it is made.
var controlSpaces = []eventlog.Space{
	eventlog.SpaceCursors, eventlog.SpaceLogs, eventlog.SpaceRecent, eventlog.SpaceMeta, eventlog.SpaceSessions,
	eventlog.SpaceStats,
}

var errControlState = errors.New("apply: malformed control state")

// WriteControlState writes the state that a view shows, of an entry of a term.
func WriteControlState(w io.Writer, v *eventlog.View, term uint64) error {
	head := binary.BigEndian.AppendUint64([]byte{controlVersion}, term)
	if _, err := w.Write(binary.BigEndian.AppendUint64(head, uint64(v.Newest))); err != nil {
		return err
	}
	for _, space := range controlSpaces {
		if err := v.Scan(space, nil, nil, recorder(w, space)); err != nil {
			return err
		}
	}
	return nil
}

// DigestControlState returns the hash of what WriteControlState writes.
func DigestControlState(v *eventlog.View, term uint64) (sum [sha256.Size]byte, err error) {
	h := sha256.New()
	b := bufio.NewWriterSize(h, 64<<10)
	err = errors.Join(WriteControlState(b, v, term), b.Flush())
	h.Sum(sum[:0])
	return sum, err
}

func parseControlState(data []byte) (s controlState, err error) {
	if len(data) < controlHeader || data[0] != controlVersion {
		return s, fmt.Errorf("%w: not of version %d", errControlState, controlVersion)
	}
	s.term, s.newest = binary.BigEndian.Uint64(data[1:]), int64(binary.BigEndian.Uint64(data[9:]))
	s.records = data[controlHeader:]
	return s, nil
}

// each calls fn for all records.
func (s controlState) each(fn func(space eventlog.Space, k, v []byte) error) error {
	r := bytes.NewReader(s.records)
	for r.Len() > 0 {
		space, k, v, err := readRecord(r)
		if err != nil {
			return err
		}
		if err := fn(space, k, v); err != nil {
			return err
		}
	}
	return nil
}

// recorder returns what writes the records of a space.
func recorder(w io.Writer, space eventlog.Space) func(k, v []byte) error {
	var b []byte
	return func(k, v []byte) error {
		b = binary.BigEndian.AppendUint32(append(b[:0], byte(space)), uint32(len(k)))
		b = append(b, k...)
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(v))), v...)
		_, err := w.Write(b)
		return err
	}
}

// readRecord reads one record; its slices are the caller's. io.EOF is the end before a record.
func readRecord(r io.Reader) (space eventlog.Space, k, v []byte, err error) {
	var first [1]byte
	if _, err := io.ReadFull(r, first[:]); err != nil {
		return 0, nil, nil, err
	}
	if k, err = readField(r, maxRecordKey); err == nil {
		v, err = readField(r, maxRecordValue)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("%w: it ends in a record", errControlState)
	}
	return eventlog.Space(first[0]), k, v, err
}

func readField(r io.Reader, most uint32) ([]byte, error) {
	var length [4]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(length[:])
	if n > most {
		return nil, fmt.Errorf("%w: a field of %d bytes, at most %d", errControlState, n, most)
	}
	b := make([]byte, n)
	_, err := io.ReadFull(r, b)
	return b, err
}

// DescribeControlState reads from the control state of an entry what raft wants to know of it.
func DescribeControlState(id string, index uint64, data []byte) (*raft.SnapshotMeta, error) {
	state, err := parseControlState(data)
	if err != nil {
		return nil, err
	}
	var c *Configuration
	err = state.each(func(space eventlog.Space, k, v []byte) (err error) {
		if space == eventlog.SpaceMeta && bytes.Equal(k, keyConfiguration) {
			c, err = decodeConfiguration(v)
		}
		return err
	})
	if err == nil && c == nil {
		err = fmt.Errorf("%w: it has no configuration", errControlState)
	}
	if err != nil {
		return nil, err
	}
	return c.meta(id, index, state.term), nil
}
