package cold

import (
	"slices"
	"sync"
)

// recent is what was read of some blocks, by the last entry of each: of those that were used last, as much as fits.
type recent[V any] struct {
	budget int64 // bytes
	bytes  int64
	held   []held[V] // the one used last comes last
}

type held[V any] struct {
	last  uint64
	bytes int64
	value V
}

// cached returns what is kept of a block, or reads and keeps it: read says how many bytes it takes. mu guards r, and is
// not held while it is read.
func cached[V any](mu *sync.Mutex, r *recent[V], last uint64, read func() (V, int64, error)) (V, error) {
	mu.Lock()
	if i := r.place(last); i >= 0 {
		found := r.held[i]
		r.held = append(slices.Delete(r.held, i, i+1), found)
		mu.Unlock()
		return found.value, nil
	}
	mu.Unlock()
	v, bytes, err := read()
	if err != nil {
		return v, err
	}
	mu.Lock()
	defer mu.Unlock()
	r.drop(last) // that somebody else has read meanwhile
	r.held, r.bytes = append(r.held, held[V]{last, bytes, v}), r.bytes+bytes
	gone := 0
	for ; r.bytes > r.budget && gone < len(r.held)-1; gone++ {
		r.bytes -= r.held[gone].bytes
	}
	r.held = slices.Delete(r.held, 0, gone)
	return v, nil
}

// place looks from the end: who goes on asks for what was used last.
func (r *recent[V]) place(last uint64) int {
	for i, h := range slices.Backward(r.held) {
		if h.last == last {
			return i
		}
	}
	return -1
}

// drop forgets a block.
func (r *recent[V]) drop(last uint64) {
	if i := r.place(last); i >= 0 {
		r.bytes -= r.held[i].bytes
		r.held = slices.Delete(r.held, i, i+1)
	}
}

// clear forgets all blocks.
func (r *recent[V]) clear() { r.held, r.bytes = nil, 0 }
