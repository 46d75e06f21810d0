package graph

import (
	"slices"
	"time"

	"hpfriends/graph/codec"
	"hpfriends/graph/due"
	"hpfriends/graph/tree"
)

// decoder reads a stored graph. Trees are built whole.
type decoder struct {
	codec.Decoder
	graph    *Graph
	userIDs  []uint64           // ascending
	patterns map[string]Pattern // few names are shared many times: keep one copy of each
	due      []tree.Item[due.Key, struct{}]
}

func (d *decoder) pattern() Pattern {
	b := d.Bytes()
	p, ok := d.patterns[string(b)]
	if !ok {
		p = Pattern(b)
		d.patterns[string(p)] = p
	}
	return p
}

func (d *decoder) mark() Mark { return Mark{d.Uint(), d.Time()} }

// need fails unless what a record refers to is there.
func (d *decoder) need(ok bool, what string, id uint64) {
	if !ok {
		d.Fail("there is no %s #%d", what, id)
	}
}

func (d *decoder) needUser(id UserID) {
	_, ok := slices.BinarySearch(d.userIDs, uint64(id))
	d.need(ok, "user", uint64(id))
}

// expires notes when something is due.
func (d *decoder) expires(t time.Time, kind due.Kind, id uint64) {
	if !t.IsZero() {
		d.due = append(d.due, tree.Item[due.Key, struct{}]{Key: due.At(t, kind, id)})
	}
}

// records decodes the records of a section into items of the tree that they are stored by.
func records[V any](d *decoder, decode func() (id uint64, v V)) []tree.Item[uint64, V] {
	n := d.Count()
	items := make([]tree.Item[uint64, V], 0, min(n, 1<<16))
	for range n {
		id, v := decode()
		if d.Err != nil {
			return nil
		}
		items = append(items, tree.Item[uint64, V]{Key: id, Val: v})
	}
	return items
}

// load builds a tree of what was decoded.
func load[K, V any](d *decoder, what string, t *tree.Map[K, V], items []tree.Item[K, V]) {
	if d.Err != nil {
		return
	}
	if key, ok := t.Build(items); !ok {
		d.Fail("two %s are called %v", what, key)
	}
}

// derive builds a tree from the values of another.
func derive[K, V any](d *decoder, what string, t *tree.Map[K, V], from []tree.Item[uint64, V], key func(V) K) {
	items := make([]tree.Item[K, V], len(from))
	for i, it := range from {
		items[i] = tree.Item[K, V]{Key: key(it.Val), Val: it.Val}
	}
	load(d, what, t, items)
}

// relate builds an index of what the pairs yield.
func relate[V any](d *decoder, x *tree.Index, from []tree.Item[uint64, V], relation func(V) (a, b uint64)) {
	items := make([]tree.Item[tree.Pair, struct{}], 0, len(from))
	for _, it := range from {
		if a, b := relation(it.Val); a != 0 {
			items = append(items, tree.Item[tree.Pair, struct{}]{Key: tree.Pair{A: a, B: b}})
		}
	}
	load(d, "relations", &x.Map, items)
}
