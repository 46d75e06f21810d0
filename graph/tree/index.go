package tree

import "iter"

// Pair is the key of an index from one object to others.
type Pair struct{ A, B uint64 }

// ComparePairs orders pairs by their first numbers, then by their second ones.
func ComparePairs(x, y Pair) int {
	switch {
	case x.A < y.A:
		return -1
	case x.A > y.A:
		return 1
	case x.B < y.B:
		return -1
	case x.B > y.B:
		return 1
	}
	return 0
}

// Index is a set of pairs.
type Index struct{ Map[Pair, struct{}] }

// NewIndex returns an empty set.
func NewIndex() Index { return Index{New[Pair, struct{}](ComparePairs)} }

// Holds reports whether (a, b) is there.
func (x Index) Holds(a, b uint64) bool { return x.Has(Pair{a, b}) }

// Add puts (a, b).
func (x *Index) Add(e *Edit, a, b uint64) { x.Put(e, Pair{a, b}, struct{}{}) }

// Drop removes (a, b).
func (x *Index) Drop(e *Edit, a, b uint64) { x.Remove(e, Pair{a, b}) }

// Of yields the b of all pairs (a, b), in order.
func (x Index) Of(a uint64) iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		for p := range x.From(Pair{a, 0}) {
			if p.A != a || !yield(p.B) {
				return
			}
		}
	}
}

// Next returns the least b from from on of which (a, b) is there; ok is false if there is none.
func (x Index) Next(a, from uint64) (b uint64, ok bool) {
	p, ok := x.Map.Next(Pair{a, from})
	return p.B, ok && p.A == a
}
