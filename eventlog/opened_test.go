package eventlog

import (
	"io"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"hpfriends/eventlog/cold"
)

// reads counts what is read of a store.
type reads struct {
	pebble.Reader
	n int
}

func (r *reads) Get(key []byte) ([]byte, io.Closer, error) {
	r.n++
	return r.Reader.Get(key)
}

// Who goes through many blocks again and again opens each once, while what is opened fits into its part of the budget;
// else the budget goes before.
func TestBlocksStayOpen(t *testing.T) {
	byItself(t)
	const blocks = 50
	l := randomLog(t, vfs.NewMem(), 12, 4*blocks+10)
	var heads []cold.Head
	for i := range uint64(blocks) {
		pack(t, l, 4*i+5)
	}
	err := l.db.blocks().Each(1, func(h cold.Head) error { heads = append(heads, h); return nil })
	if err != nil || len(heads) < blocks*3/4 {
		t.Fatalf("%d blocks, %v", len(heads), err)
	}
	from := &reads{Reader: l.db.DB}
	round := func(c *cold.Cache) (n int, taken int64) {
		from.n = 0
		for i := range heads {
			k, err := c.Open(cold.Blocks{Reader: from}, &heads[i])
			if err != nil {
				t.Fatal(err)
			}
			taken += k.Memory()
		}
		return from.n, taken
	}
	c := cold.NewCache(64 << 20)
	first, taken := round(c)
	if again, _ := round(c); first < len(heads) || again != 0 {
		t.Errorf("%d blocks are opened with %d reads, and then with %d, want none", len(heads), first, again)
	}
	c = cold.NewCache(2 * taken) // a quarter of it is half of what they take
	round(c)
	if again, _ := round(c); again != first {
		t.Errorf("a cache of %d bytes keeps %d of opened blocks: %d reads, want %d", 2*taken, taken, again, first)
	}
}
