package tree

import "slices"

// Item is one entry of a tree that is built at once.
type Item[K, V any] struct {
	Key K
	Val V
}

// buildFill is how many keys a node gets when a tree is built: most, with room for the first changes.
const buildFill = maxKeys - 4

// Build makes t hold the items, from the leaves up, many times faster than putting them one by one. It sorts items. It
// reports the first key that is there twice, in which case t is unchanged.
func (t *Map[K, V]) Build(items []Item[K, V]) (twice K, ok bool) {
	order := func(a, b Item[K, V]) int { return t.compare(a.Key, b.Key) }
	if !slices.IsSortedFunc(items, order) {
		slices.SortFunc(items, order)
	}
	for i := 1; i < len(items); i++ {
		if order(items[i-1], items[i]) == 0 {
			return items[i].Key, false
		}
	}
	var row []*node[K, V]
	for chunk := range slices.Chunk(items, buildFill) {
		n := &node[K, V]{keys: make([]K, len(chunk)), vals: make([]V, len(chunk))}
		for i, it := range chunk {
			n.keys[i], n.vals[i] = it.Key, it.Val
		}
		row = append(row, n)
	}
	for len(row) > 1 {
		var above []*node[K, V]
		for chunk := range slices.Chunk(row, buildFill) {
			n := &node[K, V]{keys: make([]K, len(chunk)), kids: slices.Clone(chunk)}
			for i, kid := range chunk {
				n.keys[i] = kid.keys[0]
			}
			above = append(above, n)
		}
		row = above
	}
	t.root, t.size = nil, len(items)
	if len(row) == 1 {
		t.root = row[0]
	}
	return twice, true
}
