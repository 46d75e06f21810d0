package eventlog

import (
	"encoding/binary"
	"fmt"
)

// A blob is a value of any size that belongs to an index, with a small head: a stored graph, a checkpoint.
//
//	space: 'h' | index u64             -> parts u32 | head
//	space: 'p' | index u64 | part u32  -> up to partSize bytes
//
// All records of one are written in one batch, so it is there whole or not at all.
const (
	partSize = 1 << 20
	blobHead = 'h'
	blobPart = 'p'
)

// blob is the head of one.
type blob struct {
	index uint64
	parts uint32
	head  []byte
}

func headKey(index uint64) []byte { return binary.BigEndian.AppendUint64([]byte{blobHead}, index) }

func partKey(index uint64, part uint32) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64([]byte{blobPart}, index), part)
}

func (w *writes) putBlob(space Space, index uint64, head, data []byte) {
	parts := uint32(0)
	for ; len(data) > 0; parts++ {
		n := min(len(data), partSize)
		w.Put(space, partKey(index, parts), data[:n])
		data = data[n:]
	}
	w.Put(space, headKey(index), append(binary.BigEndian.AppendUint32(nil, parts), head...))
}

func (w *writes) dropBlob(space Space, index uint64) {
	w.Delete(space, headKey(index))
	w.DeleteRange(space, partKey(index, 0), partKey(index+1, 0))
}

// blobs are the heads of all blobs of a space, in order of their indexes.
func (s *store) blobs(space Space) (all []blob, err error) {
	err = s.scanSpace(space, []byte{blobHead}, []byte{blobHead + 1}, func(k, v []byte) error {
		index, ok := ParseIndexKey(k[1:])
		if !ok || len(v) < 4 {
			return fmt.Errorf("eventlog: head %x in space %q holds %d bytes, want at least 4", k, space, len(v))
		}
		all = append(all, blob{index, binary.BigEndian.Uint32(v), append([]byte(nil), v[4:]...)})
		return nil
	})
	return all, err
}

// blobData is what a blob holds, or ErrNotFound if it has been removed.
func (s *store) blobData(space Space, index uint64, parts uint32) ([]byte, error) {
	var data []byte
	for p := range parts {
		v, err := s.getKey(space, partKey(index, p))
		if err != nil {
			return nil, fmt.Errorf("eventlog: part %d of %d of #%d in space %q: %w", p+1, parts, index, space, err)
		}
		data = append(data, v...)
	}
	return data, nil
}
