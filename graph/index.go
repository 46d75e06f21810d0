package graph

import (
	"iter"

	"hpfriends/graph/tree"
)

// pair is the key of an index from one object to others.
type pair struct{ a, b uint64 }

func comparePairs(x, y pair) int {
	switch {
	case x.a < y.a:
		return -1
	case x.a > y.a:
		return 1
	case x.b < y.b:
		return -1
	case x.b > y.b:
		return 1
	}
	return 0
}

// index is a set of pairs.
type index struct{ tree.Map[pair, struct{}] }

func newIndex() index { return index{tree.New[pair, struct{}](comparePairs)} }

func (x index) holds(a, b uint64) bool { return x.Has(pair{a, b}) }

func (x *index) add(e *tree.Edit, a, b uint64) { x.Put(e, pair{a, b}, struct{}{}) }

func (x *index) drop(e *tree.Edit, a, b uint64) { x.Remove(e, pair{a, b}) }

// of yields the b of all pairs (a, b), in order.
func (x index) of(a uint64) iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		for p := range x.From(pair{a, 0}) {
			if p.a != a || !yield(p.b) {
				return
			}
		}
	}
}
