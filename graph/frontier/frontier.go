// Package frontier is what a search for best paths has found and not followed yet: a priority queue for Dijkstra's
// algorithm over weights that are numbers. It belongs to one goroutine.
package frontier

// End is the end of a path whose next edges are to be followed.
type End struct {
	Weight uint64
	At     int32 // the place that whoever searches gave it
}

// Queue is a binary heap, the least weight first. Ties go by place, so that equal work is done in equal order.
type Queue []End

func (e End) before(o End) bool { return e.Weight < o.Weight || e.Weight == o.Weight && e.At < o.At }

// Push adds an end.
func (q *Queue) Push(e End) {
	h := append(*q, e)
	i := len(h) - 1
	for i > 0 && e.before(h[(i-1)/2]) {
		h[i] = h[(i-1)/2]
		i = (i - 1) / 2
	}
	h[i] = e
	*q = h
}

// Pop takes the least off the queue, which must not be empty.
func (q *Queue) Pop() End {
	h := *q
	top, e := h[0], h[len(h)-1]
	h = h[:len(h)-1]
	i := 0
	for {
		c := 2*i + 1
		if c+1 < len(h) && h[c+1].before(h[c]) {
			c++
		}
		if c >= len(h) || !h[c].before(e) {
			break
		}
		h[i] = h[c]
		i = c
	}
	if len(h) > 0 {
		h[i] = e
	}
	*q = h
	return top
}
