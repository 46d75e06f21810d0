package graph

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"hpfriends/graph/tree"
)

// decoder reads on after an error, but only zeros: callers check err where it matters. Trees are built whole.
type decoder struct {
	data     []byte
	err      error
	graph    *Graph
	userIDs  []uint64           // ascending
	patterns map[string]Pattern // few names are shared many times: keep one copy of each
	due      []tree.Item[dueKey, struct{}]
}

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf("%w: %s", ErrSnapshot, fmt.Sprintf(format, args...))
	}
	d.data = nil
}

func (d *decoder) uint() uint64 {
	v, n := binary.Uvarint(d.data)
	if n <= 0 {
		d.fail("it is cut short")
		return 0
	}
	d.data = d.data[n:]
	return v
}

func (d *decoder) bytes() []byte {
	n := d.uint()
	if n > uint64(len(d.data)) {
		d.fail("it is cut short")
		return nil
	}
	b := d.data[:n]
	d.data = d.data[n:]
	return b
}

func (d *decoder) string() string { return string(d.bytes()) }

func (d *decoder) pattern() Pattern {
	b := d.bytes()
	p, ok := d.patterns[string(b)]
	if !ok {
		p = Pattern(b)
		d.patterns[string(p)] = p
	}
	return p
}

func (d *decoder) bool() bool { return d.uint() != 0 }

func (d *decoder) time() time.Time {
	if !d.bool() {
		return time.Time{}
	}
	sec, n := binary.Varint(d.data)
	if n <= 0 {
		d.fail("it is cut short")
		return time.Time{}
	}
	d.data = d.data[n:]
	return time.Unix(sec, int64(d.uint())).UTC()
}

func (d *decoder) mark() Mark { return Mark{d.uint(), d.time()} }

// count is how many records follow. Each has at least a byte, so a lying count does not cost memory.
func (d *decoder) count() uint64 {
	n := d.uint()
	if n > uint64(len(d.data)) {
		d.fail("%d records in %d bytes", n, len(d.data))
		return 0
	}
	return n
}

// need fails unless what a record refers to is there.
func (d *decoder) need(ok bool, what string, id uint64) {
	if !ok {
		d.fail("there is no %s #%d", what, id)
	}
}

func (d *decoder) needUser(id UserID) {
	_, ok := slices.BinarySearch(d.userIDs, uint64(id))
	d.need(ok, "user", uint64(id))
}

// expires notes when something is due.
func (d *decoder) expires(t time.Time, kind dueKind, id uint64) {
	if !t.IsZero() {
		d.due = append(d.due, tree.Item[dueKey, struct{}]{Key: dueAt(t, kind, id)})
	}
}

// records decodes the records of a section into items of the tree that they are stored by.
func records[V any](d *decoder, decode func() (id uint64, v V)) []tree.Item[uint64, V] {
	n := d.count()
	items := make([]tree.Item[uint64, V], 0, min(n, 1<<16))
	for range n {
		id, v := decode()
		if d.err != nil {
			return nil
		}
		items = append(items, tree.Item[uint64, V]{Key: id, Val: v})
	}
	return items
}

// load builds a tree of what was decoded.
func load[K, V any](d *decoder, what string, t *tree.Map[K, V], items []tree.Item[K, V]) {
	if d.err != nil {
		return
	}
	if key, ok := t.Build(items); !ok {
		d.fail("two %s are called %v", what, key)
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
