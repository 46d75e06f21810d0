package cold

import (
	"errors"
	"io"
	"sort"
)

// FirstAt returns the first batch at floor or behind it with a mark of want or later, 0 when no block has one, and what
// comes behind the blocks.
func (b Blocks) FirstAt(floor uint64, want int64) (index, next uint64, err error) {
	last, err := b.Last()
	if err != nil || last.Last < floor {
		return 0, floor, err
	}
	var failed error
	lateEnough := func(i int) bool {
		h := last
		err := b.Each(floor+uint64(i), func(found Head) error {
			h = found
			return io.EOF
		})
		failed = errors.Join(failed, err)
		return h.Time >= want
	}
	n := sort.Search(int(last.Last-floor), lateEnough)
	if failed == nil {
		failed = b.Each(floor+uint64(n), func(h Head) (err error) {
			if index, err = b.firstAt(&h, floor, want); index != 0 {
				return io.EOF
			}
			return err
		})
	}
	return index, last.Last + 1, failed
}

// firstAt is FirstAt in a block.
func (b Blocks) firstAt(h *Head, floor uint64, want int64) (uint64, error) {
	marks, err := b.Marks(h)
	if err != nil {
		return 0, err
	}
	for i, m := range marks {
		if index := h.First + uint64(i); index >= floor && m.Batch && m.Time >= want {
			return index, nil
		}
	}
	return 0, nil
}
