package crowd

import "container/heap"

// ranked is what a heapOf has in its order.
type ranked[T any] interface {
	comparable
	// before reports whether it goes before another one.
	before(T) bool
	// at is its place in the heap, none while it is in none.
	at() *int
}

const none = -1

// heapOf is a heap whose elements know their places.
type heapOf[T ranked[T]] struct{ all []T }

// put puts an element where it belongs after it has changed, or takes it out if it is not to stay.
func (h *heapOf[T]) put(e T, stay bool) {
	switch place := *e.at(); {
	case place == none && stay:
		heap.Push(h, e)
	case place != none && stay:
		heap.Fix(h, place)
	case place != none:
		heap.Remove(h, place)
	}
}

// Len implements heap.Interface.
func (h *heapOf[T]) Len() int { return len(h.all) }

// Less implements heap.Interface.
func (h *heapOf[T]) Less(i, j int) bool { return h.all[i].before(h.all[j]) }

// Swap implements heap.Interface.
func (h *heapOf[T]) Swap(i, j int) {
	h.all[i], h.all[j] = h.all[j], h.all[i]
	*h.all[i].at(), *h.all[j].at() = i, j
}

// Push implements heap.Interface.
func (h *heapOf[T]) Push(x any) {
	e := x.(T)
	*e.at() = len(h.all)
	h.all = append(h.all, e)
}

// Pop implements heap.Interface.
func (h *heapOf[T]) Pop() any {
	var zero T
	last := len(h.all) - 1
	e := h.all[last]
	h.all[last] = zero
	h.all = h.all[:last]
	*e.at() = none
	return e
}

func (at *site) at() *int { return &at.place }

// before says that who has the most seats goes first, and of two that have as many the one whose first goes first.
func (at *site) before(other *site) bool {
	if at.seats != other.seats {
		return at.seats > other.seats
	}
	return at.victim().before(other.victim())
}

func (q *queues) at() *int { return &q.place }

func (q *queues) before(other *queues) bool {
	if q.len() != other.len() {
		return q.len() > other.len()
	}
	return q.first().before(other.first())
}
