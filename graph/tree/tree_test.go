package tree

import (
	"cmp"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

type intTree = Map[int, int]

// contents reads a tree in order and checks its shape on the way.
func contents(t interface{ Fatalf(string, ...any) }, tr intTree) map[int]int {
	got := make(map[int]int)
	last := -1
	for k, v := range tr.All() {
		if k <= last {
			t.Fatalf("key %d after %d", k, last)
		}
		last = k
		got[k] = v
	}
	if len(got) != tr.size {
		t.Fatalf("size is %d, holds %d", tr.size, len(got))
	}
	if tr.root != nil {
		checkNode(t, tr.root, true)
	}
	return got
}

func checkNode(t interface{ Fatalf(string, ...any) }, n *node[int, int], root bool) (height int) {
	if len(n.keys) == 0 || len(n.keys) > maxKeys {
		t.Fatalf("a node holds %d keys", len(n.keys))
	}
	if n.leaf() {
		return 1
	}
	if root && len(n.kids) == 1 {
		t.Fatalf("the root has one child")
	}
	for i, kid := range n.kids {
		h := checkNode(t, kid, false) + 1
		if height != 0 && h != height {
			t.Fatalf("children have heights %d and %d", height, h)
		}
		height = h
		if i > 0 && kid.leaf() && kid.keys[0] < n.keys[i] {
			t.Fatalf("key %d is below its bound %d", kid.keys[0], n.keys[i])
		}
	}
	return height
}

// TestTreeIsAMapWhoseOldVersionsStay changes a tree and a map alike, in sessions of several changes, and looks at every
// earlier version again at the end.
func TestTreeIsAMapWhoseOldVersionsStay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type version struct {
			tree intTree
			want map[int]int
		}
		tr, model := intTree{compare: cmp.Compare[int]}, make(map[int]int)
		var old []version
		keys := rapid.SampledFrom([]int{40, 400, 4000}).Draw(t, "keys")
		grow := rapid.IntRange(1, 9).Draw(t, "grow")
		for range rapid.IntRange(1, 30).Draw(t, "sessions") {
			e := new(Edit)
			first := rapid.IntRange(0, keys).Draw(t, "first")
			for i := range rapid.IntRange(1, 150).Draw(t, "changes") {
				k := (first + i*i*7) % keys
				if grow == 9 {
					k = first + i // a run of neighbours
				}
				if (k*31+i)%10 < grow {
					tr.Put(e, k, i)
					model[k] = i
				} else {
					_, was := model[k]
					if tr.Remove(e, k) != was {
						t.Fatalf("remove(%d) = %v", k, !was)
					}
					delete(model, k)
				}
			}
			if rapid.IntRange(0, 3).Draw(t, "range") == 0 {
				lo := rapid.IntRange(-1, keys).Draw(t, "lo")
				hi := lo + rapid.SampledFrom([]int{0, 1, 5, keys / 4, keys}).Draw(t, "length")
				want := len(model)
				maps.DeleteFunc(model, func(k, _ int) bool { return lo <= k && k < hi })
				if got := tr.RemoveRange(e, lo, hi); got != want-len(model) {
					t.Fatalf("removed %d from %d up to %d, want %d", got, lo, hi, want-len(model))
				}
			}
			old = append(old, version{tr, maps.Clone(model)})
		}
		for i, v := range old {
			if got := contents(t, v.tree); !maps.Equal(got, v.want) {
				t.Fatalf("version %d of %d holds %v, want %v", i, len(old), got, v.want)
			}
		}
		lo := rapid.IntRange(0, keys).Draw(t, "lo")
		var got, want []int
		for k := range tr.From(lo) {
			got = append(got, k)
		}
		for _, k := range slices.Sorted(maps.Keys(model)) {
			if k >= lo {
				want = append(want, k)
			}
			if v, ok := tr.Find(k); !ok || v != model[k] {
				t.Fatalf("find(%d) = %d, %v, want %d", k, v, ok, model[k])
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("from(%d) = %v, want %v", lo, got, want)
		}
	})
}

func TestTreeShrinksToNothing(t *testing.T) {
	tr := intTree{compare: cmp.Compare[int]}
	for k := range 5000 {
		tr.Put(new(Edit), k, k)
	}
	if tr.root.leaf() {
		t.Fatal("5000 keys in one leaf: this test looks at too little")
	}
	full := tr
	for i := range 5000 {
		k := i * 1777 % 5000
		if !tr.Remove(new(Edit), k) || tr.Remove(new(Edit), k) {
			t.Fatalf("remove(%d) is wrong", k)
		}
		if i%500 == 0 {
			contents(t, tr)
		}
	}
	if tr.size != 0 || tr.root != nil {
		t.Errorf("size %d is left", tr.size)
	}
	if len(contents(t, full)) != 5000 {
		t.Error("the full version has changed")
	}
}

// TestMergingInnerNodesKeepsTheirBounds: the first key of an inner node is not looked at and may be too high. Between
// two nodes it is looked at.
func TestMergingInnerNodesKeepsTheirBounds(t *testing.T) {
	leaf := func(keys ...int) *node[int, int] { return &node[int, int]{keys: keys, vals: keys} }
	inner := func(keys []int, kids ...*node[int, int]) *node[int, int] {
		return &node[int, int]{keys: keys, kids: kids}
	}
	tr := intTree{compare: cmp.Compare[int], size: 8, root: inner([]int{0, 50},
		inner([]int{0, 20}, leaf(1, 2), leaf(20, 21)),
		inner([]int{70, 80}, leaf(55, 70), leaf(80, 81)),
	)}
	tr.Remove(new(Edit), 2)
	if len(tr.root.kids) != 3 {
		t.Fatalf("the inner nodes were not merged: %d kids", len(tr.root.kids))
	}
	for _, k := range []int{1, 20, 21, 55, 70, 80, 81} {
		if _, ok := tr.Find(k); !ok {
			t.Errorf("%d is lost", k)
		}
	}
}

// TestOneSessionCopiesEachNodeOnce: many changes in one session must not copy a path each.
func TestOneSessionCopiesEachNodeOnce(t *testing.T) {
	full := intTree{compare: cmp.Compare[int]}
	for k := range 20000 {
		full.Put(new(Edit), k, k)
	}
	perKey := testing.AllocsPerRun(1, func() {
		tr, e := full, new(Edit)
		for k := range 10000 {
			tr.Remove(e, k)
		}
	}) / 10000
	if perKey > 0.5 {
		t.Errorf("removing a key of many costs %v allocations", perKey)
	}
}

// TestARangeGoesAsAWhole: what lies within it is not copied, and after it the tree is as good as before.
func TestARangeGoesAsAWhole(t *testing.T) {
	full := New[int, int](cmp.Compare)
	for k := range 200_000 {
		full.Put(new(Edit), k, k)
	}
	allocations := testing.AllocsPerRun(10, func() {
		tr := full
		if n := tr.RemoveRange(new(Edit), 50_000, 150_000); n != 100_000 || tr.Len() != 100_000 {
			t.Fatalf("removed %d, %d are left", n, tr.Len())
		}
	})
	if allocations > 100 {
		t.Errorf("removing 100,000 neighbours costs %v allocations", allocations)
	}
	tr := full
	tr.RemoveRange(new(Edit), 50_000, 150_000)
	if got := contents(t, tr); len(got) != 100_000 {
		t.Errorf("%d are left", len(got))
	}
	tr.RemoveRange(new(Edit), 0, 1<<30)
	if tr.Len() != 0 || tr.root != nil {
		t.Errorf("%d are left of nothing", tr.Len())
	}
}

// TestDiffCostsWhatDiffers: of 100,000 keys, only those beside the changed ones are compared.
func TestDiffCostsWhatDiffers(t *testing.T) {
	old := New[uint64, int](cmp.Compare)
	for k := range uint64(100_000) {
		old.Put(new(Edit), k*2, 0)
	}
	for name, change := range map[string]func(*Map[uint64, int]){
		"altered":    func(m *Map[uint64, int]) { m.Put(new(Edit), 100_000, 1) },
		"removed":    func(m *Map[uint64, int]) { m.Remove(new(Edit), 100_000) },
		"added":      func(m *Map[uint64, int]) { m.Put(new(Edit), 100_001, 1) },
		"at the end": func(m *Map[uint64, int]) { m.Put(new(Edit), 300_001, 1) },
	} {
		changed, compared, visited := old, 0, 0
		change(&changed)
		Diff(old, changed, func(x, y int) bool { compared++; return x == y },
			func(uint64, *int, *int) bool { visited++; return true })
		if visited != 1 || compared > 4*maxKeys {
			t.Errorf("%s: %d differences after %d comparisons", name, visited, compared)
		}
	}
	// Splitting a leaf in the middle moves all behind it by one place.
	split, compared, visited := old, 0, 0
	e := new(Edit)
	for k := range uint64(maxKeys) {
		split.Put(e, 100_000+2*k+1, 1)
	}
	Diff(old, split, func(x, y int) bool { compared++; return x == y },
		func(uint64, *int, *int) bool { visited++; return true })
	if visited != maxKeys || compared > 8*maxKeys {
		t.Errorf("split: %d differences after %d comparisons", visited, compared)
	}
}
