// Package tree has the persistent ordered map that a graph is made of: a B+ tree whose nodes are copied before they are
// changed.
//
// A copy of the struct Map is a snapshot: later changes to either never show in the other, so a graph of a million
// shares is "copied" by copying a few words, and one change allocates one path of nodes. Two maps of one history share
// all nodes that no change has touched, so Diff costs what differs.
//
// An Index is a map of pairs of numbers: a relation, read from one side.
//
// Why a tree and not a hash trie: iteration in key order makes every encoding and every list deterministic without
// sorting, a pair key makes one map serve as a whole secondary index (all pairs that begin with a user), and names
// chosen by strangers cannot be made to collide.
//
// # Concurrency
//
// Any number of goroutines may read a Map. Put, Remove and Build change the struct they are called on and need it to
// themselves.
package tree

import (
	"iter"
	"slices"
)

// Map is a persistent ordered map. Its zero value has no order: New makes one.
type Map[K, V any] struct {
	root    *node[K, V]
	size    int
	compare func(a, b K) int
}

// New returns an empty map whose keys are in the order of compare.
func New[K, V any](compare func(a, b K) int) Map[K, V] { return Map[K, V]{compare: compare} }

// Len is the number of keys.
func (t Map[K, V]) Len() int { return t.size }

// maxKeys bounds a node. 32 keeps a copied path at about 3 KiB for a million keys.
const maxKeys = 32

// Edit is one session of changes. Nodes made in the session carry it and are changed in place by the rest of the
// session, so that removing 100,000 keys at once does not copy 100,000 paths. It has a size so that each has an
// address.
type Edit struct{ _ byte }

// node is a leaf with keys and vals, or an inner node with keys and kids. keys[i] of an inner node is a lower bound of
// what is under kids[i]; keys[0] is not looked at.
type node[K, V any] struct {
	session *Edit
	keys    []K
	vals    []V
	kids    []*node[K, V]
}

func (n *node[K, V]) leaf() bool { return n.kids == nil }

// Find returns the value of k; ok is false if there is none.
func (t Map[K, V]) Find(k K) (v V, ok bool) {
	n := t.root
	if n == nil {
		return v, false
	}
	for !n.leaf() {
		n = n.kids[t.kid(n, k)]
	}
	if i, ok := slices.BinarySearchFunc(n.keys, k, t.compare); ok {
		return n.vals[i], true
	}
	return v, false
}

// Has reports whether k is there.
func (t Map[K, V]) Has(k K) bool {
	_, ok := t.Find(k)
	return ok
}

// kid is the index of the child that k belongs to.
func (t Map[K, V]) kid(n *node[K, V], k K) int {
	i, ok := slices.BinarySearchFunc(n.keys[1:], k, t.compare)
	if ok {
		return i + 1
	}
	return i
}

// All yields everything in key order.
func (t Map[K, V]) All() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		if t.root != nil {
			t.root.each(yield)
		}
	}
}

// From yields everything from lo on, in key order.
func (t Map[K, V]) From(lo K) iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		if t.root != nil {
			t.ascend(t.root, lo, yield)
		}
	}
}

// Next returns the first key from lo on; ok is false if there is none.
func (t Map[K, V]) Next(lo K) (k K, ok bool) {
	for k := range t.From(lo) {
		return k, true
	}
	return k, false
}

func (n *node[K, V]) each(yield func(K, V) bool) bool {
	for i := range n.keys {
		if n.leaf() {
			if !yield(n.keys[i], n.vals[i]) {
				return false
			}
		} else if !n.kids[i].each(yield) {
			return false
		}
	}
	return true
}

func (t Map[K, V]) ascend(n *node[K, V], lo K, yield func(K, V) bool) bool {
	if n.leaf() {
		i, _ := slices.BinarySearchFunc(n.keys, lo, t.compare)
		for ; i < len(n.keys); i++ {
			if !yield(n.keys[i], n.vals[i]) {
				return false
			}
		}
		return true
	}
	i := t.kid(n, lo)
	if !t.ascend(n.kids[i], lo, yield) {
		return false
	}
	for _, kid := range n.kids[i+1:] {
		if !kid.each(yield) {
			return false
		}
	}
	return true
}

// own returns n itself if this session made it, or a copy that this session may change.
func (n *node[K, V]) own(e *Edit) *node[K, V] {
	if n.session == e {
		return n
	}
	c := &node[K, V]{session: e, keys: append(make([]K, 0, len(n.keys)+1), n.keys...)}
	if n.leaf() {
		c.vals = append(make([]V, 0, len(n.vals)+1), n.vals...)
	} else {
		c.kids = append(make([]*node[K, V], 0, len(n.kids)+1), n.kids...)
	}
	return c
}

// Put sets the value of k.
func (t *Map[K, V]) Put(e *Edit, k K, v V) {
	if t.root == nil {
		t.root = &node[K, V]{session: e, keys: []K{k}, vals: []V{v}}
		t.size = 1
		return
	}
	left, right := t.insert(e, t.root, k, v)
	if right != nil {
		left = &node[K, V]{session: e, keys: []K{left.keys[0], right.keys[0]}, kids: []*node[K, V]{left, right}}
	}
	t.root = left
}

// insert puts k under n, and returns n's replacement and, if that had to split, its right half.
func (t *Map[K, V]) insert(e *Edit, n *node[K, V], k K, v V) (left, right *node[K, V]) {
	n = n.own(e)
	var at int
	if n.leaf() {
		i, found := slices.BinarySearchFunc(n.keys, k, t.compare)
		if found {
			n.vals[i] = v
			return n, nil
		}
		t.size++
		at = i
		n.keys, n.vals = slices.Insert(n.keys, i, k), slices.Insert(n.vals, i, v)
	} else {
		i := t.kid(n, k)
		kid, split := t.insert(e, n.kids[i], k, v)
		n.kids[i] = kid
		if split == nil {
			return n, nil
		}
		at = i + 1
		n.keys, n.kids = slices.Insert(n.keys, at, split.keys[0]), slices.Insert(n.kids, at, split)
	}
	if len(n.keys) <= maxKeys {
		return n, nil
	}
	// Identifiers grow, so most trees grow at their right end: leave full nodes behind there, not half empty ones.
	m := len(n.keys) / 2
	if at == len(n.keys)-1 {
		m = at
	}
	return n, n.split(e, m)
}

func (n *node[K, V]) split(e *Edit, m int) *node[K, V] {
	right := &node[K, V]{session: e, keys: slices.Clone(n.keys[m:])}
	clear(n.keys[m:])
	n.keys = n.keys[:m]
	if n.leaf() {
		right.vals = slices.Clone(n.vals[m:])
		clear(n.vals[m:])
		n.vals = n.vals[:m]
	} else {
		right.kids = slices.Clone(n.kids[m:])
		clear(n.kids[m:])
		n.kids = n.kids[:m]
	}
	return right
}

// Remove deletes k and reports whether it was there.
func (t *Map[K, V]) Remove(e *Edit, k K) bool {
	if !t.Has(k) {
		return false
	}
	t.root = t.cut(e, t.root, k)
	t.size--
	t.shrink()
	return true
}

// RemoveRange deletes the keys from lo up to, but without, hi, and returns how many there were. Nodes that hold nothing
// else fall away as they are: it costs the height of the tree, and a look at each of them.
func (t *Map[K, V]) RemoveRange(e *Edit, lo, hi K) (removed int) {
	if t.root == nil || t.compare(lo, hi) >= 0 {
		return 0
	}
	t.root, removed = t.cutRange(e, t.root, lo, hi)
	t.size -= removed
	t.shrink()
	return removed
}

// shrink takes away what is left above the nodes that still hold something.
func (t *Map[K, V]) shrink() {
	for !t.root.leaf() && len(t.root.kids) == 1 {
		t.root = t.root.kids[0]
	}
	if len(t.root.keys) == 0 {
		t.root = nil
	}
}

// cutRange removes the range from under n and returns n's replacement, which may be empty.
func (t *Map[K, V]) cutRange(e *Edit, n *node[K, V], lo, hi K) (_ *node[K, V], removed int) {
	if n.leaf() {
		i, _ := slices.BinarySearchFunc(n.keys, lo, t.compare)
		j, _ := slices.BinarySearchFunc(n.keys, hi, t.compare)
		if i < j {
			n = n.own(e)
			n.keys, n.vals = slices.Delete(n.keys, i, j), slices.Delete(n.vals, i, j)
		}
		return n, j - i
	}
	first, last := t.kid(n, lo), t.kid(n, hi)
	var kept []*node[K, V] // of these
	var keys []K
	for i := first; i <= last; i++ {
		if first < i && i < last {
			removed += n.kids[i].count()
			continue
		}
		kid, count := t.cutRange(e, n.kids[i], lo, hi)
		if removed += count; len(kid.keys) > 0 {
			kept, keys = append(kept, kid), append(keys, n.keys[i])
		}
	}
	if removed == 0 {
		return n, 0
	}
	n = n.own(e)
	n.keys, n.kids = slices.Replace(n.keys, first, last+1, keys...), slices.Replace(n.kids, first, last+1, kept...)
	for i := min(first, len(n.kids)-2); i >= max(first-1, 0); i-- {
		n.merge(e, i)
	}
	return n, removed
}

// Sweep looks at n keys from lo on, removes those that keep does not want, and returns where to go on: the zero key,
// after the last.
func (t *Map[K, V]) Sweep(e *Edit, lo K, n int, keep func(K) bool) (next K) {
	var gone []K
	for k := range t.From(lo) {
		if n--; n < 0 {
			next = k
			break
		}
		if !keep(k) {
			gone = append(gone, k)
		}
	}
	for _, k := range gone {
		t.Remove(e, k)
	}
	return next
}

// count is how many keys of the tree are under n.
func (n *node[K, V]) count() int {
	if n.leaf() {
		return len(n.keys)
	}
	sum := 0
	for _, kid := range n.kids {
		sum += kid.count()
	}
	return sum
}

// cut removes k, which is there, from under n and returns n's replacement. Nodes may be left less than half full: only
// small ones are merged, which bounds the height well enough and copies less.
func (t *Map[K, V]) cut(e *Edit, n *node[K, V], k K) *node[K, V] {
	n = n.own(e)
	if n.leaf() {
		i, _ := slices.BinarySearchFunc(n.keys, k, t.compare)
		n.keys, n.vals = slices.Delete(n.keys, i, i+1), slices.Delete(n.vals, i, i+1)
		return n
	}
	i := t.kid(n, k)
	kid := t.cut(e, n.kids[i], k)
	n.kids[i] = kid
	if len(kid.keys) == 0 {
		n.keys, n.kids = slices.Delete(n.keys, i, i+1), slices.Delete(n.kids, i, i+1)
	} else if len(kid.keys) < maxKeys/4 && len(n.kids) > 1 {
		n.merge(e, max(i-1, 0))
	}
	return n
}

// merge joins kids i and i+1 if the result leaves room to grow.
func (n *node[K, V]) merge(e *Edit, i int) {
	right := n.kids[i+1]
	if len(n.kids[i].keys)+len(right.keys) > maxKeys*3/4 {
		return
	}
	left := n.kids[i].own(e)
	begin := len(left.keys)
	left.keys = append(left.keys, right.keys...)
	if left.leaf() {
		left.vals = append(left.vals, right.vals...)
	} else {
		left.keys[begin] = n.keys[i+1] // the right one's first key was not looked at and may be too high
		left.kids = append(left.kids, right.kids...)
	}
	n.kids[i] = left
	n.keys, n.kids = slices.Delete(n.keys, i+1, i+2), slices.Delete(n.kids, i+1, i+2)
}
