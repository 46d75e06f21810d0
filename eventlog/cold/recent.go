package cold

import (
	"slices"
	"sync"
)

// recent is what was read of some blocks, by the last entry of each: of those that were used last.
type recent[V any] struct {
	most int
	held []held[V] // the one used last comes last
}

type held[V any] struct {
	last  uint64
	value V
}

// cached returns what is kept of a block, or reads and keeps it. mu guards r, and is not held while it is read.
func cached[V any](mu *sync.Mutex, r *recent[V], last uint64, read func() (V, error)) (V, error) {
	mu.Lock()
	if i := slices.IndexFunc(r.held, func(h held[V]) bool { return h.last == last }); i >= 0 {
		found := r.held[i]
		r.held = append(slices.Delete(r.held, i, i+1), found)
		mu.Unlock()
		return found.value, nil
	}
	mu.Unlock()
	v, err := read()
	if err != nil {
		return v, err
	}
	mu.Lock()
	defer mu.Unlock()
	if r.held = append(r.held, held[V]{last, v}); len(r.held) > r.most {
		r.held = slices.Delete(r.held, 0, 1)
	}
	return v, nil
}

// drop forgets a block.
func (r *recent[V]) drop(last uint64) {
	r.held = slices.DeleteFunc(r.held, func(h held[V]) bool { return h.last == last })
}
