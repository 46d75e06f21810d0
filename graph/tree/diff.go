package tree

// Two trees of one history share all nodes that no change has touched. Diff walks both in key order and leaves out
// what they share, so it costs what differs, times the height, and not what the trees hold.

// level is one level of a cursor: an entry of a leaf, or a child of an inner node that was not gone into yet.
type level[K, V any] struct {
	n *node[K, V]
	i int
}

// cursor points into a tree: at an entry, or before all entries of a pending node.
type cursor[K, V any] struct {
	path   []level[K, V]
	height int // of the pending node, 1 for a leaf; 0 at an entry
}

func newCursor[K, V any](t Map[K, V]) cursor[K, V] {
	if t.root == nil {
		return cursor[K, V]{}
	}
	above := &node[K, V]{keys: make([]K, 1), kids: []*node[K, V]{t.root}}
	c := cursor[K, V]{path: []level[K, V]{{above, 0}}, height: 1}
	for n := t.root; !n.leaf(); n = n.kids[0] {
		c.height++
	}
	return c
}

func (c *cursor[K, V]) end() bool { return len(c.path) == 0 }

func (c *cursor[K, V]) top() *level[K, V] { return &c.path[len(c.path)-1] }

// pending is the node before whose entries the cursor stands, nil at an entry.
func (c *cursor[K, V]) pending() *node[K, V] {
	if c.height == 0 {
		return nil
	}
	return c.top().n.kids[c.top().i]
}

// enter goes into the pending node.
func (c *cursor[K, V]) enter() {
	c.path = append(c.path, level[K, V]{c.pending(), 0})
	c.height--
}

// next goes past the entry or the pending node.
func (c *cursor[K, V]) next() {
	for {
		p := c.top()
		if p.i++; p.i < len(p.n.keys) {
			return
		}
		c.path = c.path[:len(c.path)-1]
		if c.height++; c.end() {
			return
		}
	}
}

func (c *cursor[K, V]) entry() (K, V) {
	p := c.top()
	return p.n.keys[p.i], p.n.vals[p.i]
}

// Diff calls visit for every key that only one of the trees holds, and for those whose values are not the same by
// same. It goes in key order, until visit returns false, which it reports.
func Diff[K, V any](a, b Map[K, V], same func(x, y V) bool, visit func(k K, before, after *V) bool) bool {
	x, y := newCursor(a), newCursor(b)
	for !x.end() || !y.end() {
		switch {
		case x.end() || !y.end() && x.height < y.height:
			if y.height > 0 {
				y.enter()
				continue
			}
		case y.end() || y.height < x.height:
			if x.height > 0 {
				x.enter()
				continue
			}
		case x.height > 0: // as high as y
			if x.pending() == y.pending() {
				x.next()
				y.next()
			} else {
				x.enter()
				y.enter()
			}
			continue
		}
		if !entryDiff(&x, &y, a.compare, same, visit) {
			return false
		}
	}
	return true
}

// entryDiff compares the entries at which the cursors stand, or takes the one of the cursor that has not ended.
func entryDiff[K, V any](
	x, y *cursor[K, V], compare func(a, b K) int, same func(x, y V) bool, visit func(k K, before, after *V) bool,
) bool {
	order := 0
	switch {
	case x.end():
		order = +1
	case y.end():
		order = -1
	default:
		order = compare(x.top().n.keys[x.top().i], y.top().n.keys[y.top().i])
	}
	switch {
	case order < 0:
		k, v := x.entry()
		x.next()
		return visit(k, &v, nil)
	case order > 0:
		k, v := y.entry()
		y.next()
		return visit(k, nil, &v)
	}
	k, v := x.entry()
	_, w := y.entry()
	x.next()
	y.next()
	return same(v, w) || visit(k, &v, &w)
}
