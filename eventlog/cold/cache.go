package cold

import (
	"errors"
	"slices"
	"sync"

	"hpfriends/eventlog/block"
)

// Cache keeps blocks that were read: some opened, a few unpacked.
type Cache struct {
	mu       sync.Mutex
	budget   int64 // of what is unpacked
	bytes    int64
	unpacked []*unpacked // the one used last comes last
	opened   recent[*block.Block]
	marks    recent[[]Mark]
}

var errUnread = errors.New("cold: the goroutine that read the block has ended")

type unpacked struct {
	head    Head
	done    chan struct{}
	entries []block.Entry
	err     error
	bytes   int64 // 0 until it is done
}

const (
	mostOpened    = 32
	mostMarks     = 4
	entryOverhead = 200 // of an entry in memory, besides its bytes
)

// NewCache returns a cache that keeps at most budget bytes of unpacked blocks, beside those in use.
func NewCache(budget int64) *Cache {
	return &Cache{budget: budget, opened: recent[*block.Block]{most: mostOpened}, marks: recent[[]Mark]{most: mostMarks}}
}

// Open returns a block, opened.
func (c *Cache) Open(b Blocks, h *Head) (*block.Block, error) {
	head := *h
	return cached(&c.mu, &c.opened, h.Last, func() (*block.Block, error) { return b.Open(&head) })
}

// Entries returns the entries of a block. It is unpacked once for all who ask meanwhile. They are shared and read-only.
func (c *Cache) Entries(b Blocks, h *Head) ([]block.Entry, error) {
	c.mu.Lock()
	if i := slices.IndexFunc(c.unpacked, func(u *unpacked) bool { return u.head.Last == h.Last }); i >= 0 {
		u := c.unpacked[i]
		c.unpacked = append(slices.Delete(c.unpacked, i, i+1), u)
		c.mu.Unlock()
		<-u.done
		return u.entries, u.err
	}
	u := &unpacked{head: *h, done: make(chan struct{})}
	c.unpacked = append(c.unpacked, u)
	c.mu.Unlock()

	defer c.land(u)
	u.err = errUnread // unless the goroutine lives
	u.entries, u.err = b.Entries(h)
	return u.entries, u.err
}

// Find returns an entry if a block that is unpacked holds it.
func (c *Cache) Find(index uint64) (*block.Entry, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, u := range slices.Backward(c.unpacked) {
		if u.bytes > 0 && u.head.Holds(index) {
			return &u.entries[index-u.head.First], true
		}
	}
	return nil, false
}

// Marks is Blocks.Marks. They are shared and read-only.
func (c *Cache) Marks(b Blocks, h *Head) ([]Mark, error) {
	return cached(&c.mu, &c.marks, h.Last, func() ([]Mark, error) { return b.Marks(h) })
}

// land ends an unpacking. What failed is not kept.
func (c *Cache) land(u *unpacked) {
	c.mu.Lock()
	defer c.mu.Unlock()
	close(u.done)
	if u.err != nil {
		c.unpacked = slices.DeleteFunc(c.unpacked, func(o *unpacked) bool { return o == u })
		return
	}
	for i := range u.entries {
		e := &u.entries[i]
		u.bytes += int64(entryOverhead + len(e.Data) + len(e.Extensions))
		if e.Batch != nil {
			u.bytes += int64(e.Batch.Raw + entryOverhead*len(e.Batch.Runs))
		}
	}
	c.bytes += u.bytes
	for i := 0; c.bytes > c.budget && i < len(c.unpacked); {
		if o := c.unpacked[i]; o.bytes > 0 && o != u {
			c.bytes -= o.bytes
			c.unpacked = slices.Delete(c.unpacked, i, i+1)
			continue
		}
		i++
	}
}

// Forget drops everything.
func (c *Cache) Forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.opened.held, c.marks.held, c.bytes = nil, nil, 0
	c.unpacked = slices.DeleteFunc(c.unpacked, func(u *unpacked) bool { return u.bytes > 0 })
}
