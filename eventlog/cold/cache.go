package cold

import (
	"errors"
	"runtime"
	"slices"
	"sync"
	"unsafe"

	"hpfriends/eventlog/block"
)

// Cache keeps blocks that were read: many opened, a few unpacked.
type Cache struct {
	mu       sync.Mutex
	budget   int64 // of all that is kept
	bytes    int64
	unpacked []*unpacked // the one used last comes last
	opened   recent[*block.Block]
	marks    recent[[]Mark]
	largest  int64         // of what was unpacked, bytes
	workers  chan struct{} // who unpacks at the same time
	damage   Damage
}

var errUnread = errors.New("cold: the goroutine that read the block has ended")

type unpacked struct {
	head    Head
	ahead   bool             // nobody has asked for it
	ready   chan struct{}    // closed when work can be done
	work    *block.Unpacking // nil before and after
	done    chan struct{}
	entries []block.Entry
	err     error
	bytes   int64 // 0 until it is done
}

const (
	openedShare   = 4   // of the budget: opened blocks take a quarter at most, some 90 KiB for each of 8 MiB
	marksShare    = 16  // of the budget
	entryOverhead = 200 // of an entry in memory, besides its bytes
)

// NewCache returns a cache that keeps at most budget bytes, beside the blocks in use.
func NewCache(budget int64) *Cache {
	return &Cache{
		budget: budget, opened: recent[*block.Block]{budget: budget / openedShare},
		marks: recent[[]Mark]{budget: budget / marksShare}, workers: make(chan struct{}, runtime.GOMAXPROCS(0)),
	}
}

// Damage is what could not be read by the cache.
func (c *Cache) Damage() *Damage { return &c.damage }

// Open returns a block, opened.
func (c *Cache) Open(b Blocks, h *Head) (*block.Block, error) {
	head := *h
	b.Damage = &c.damage
	k, err := cached(&c.mu, &c.opened, h.Last, func() (*block.Block, int64, error) {
		k, err := b.Open(&head)
		if err != nil {
			return nil, 0, err
		}
		return k, k.Memory(), nil
	})
	return k, c.damage.Note(h, err)
}

// Entries returns the entries of a block. It is unpacked once for all who ask meanwhile, who help with it. They are
// shared and read-only.
func (c *Cache) Entries(b Blocks, h *Head) ([]block.Entry, error) {
	if err := c.damage.wholeOf(h); err != nil {
		return nil, err
	}
	u, mine := c.begin(h)
	if mine {
		c.unpack(u, b)
	} else {
		u.help(c)
		<-u.done
	}
	return u.entries, u.err
}

// begin returns the unpacking of a block, and whether it is the caller's to do.
func (c *Cache) begin(h *Head) (u *unpacked, mine bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := c.place(h); i >= 0 {
		u := c.unpacked[i]
		u.ahead = false
		c.unpacked = append(slices.Delete(c.unpacked, i, i+1), u)
		return u, false
	}
	u = &unpacked{head: *h, ready: make(chan struct{}), done: make(chan struct{})}
	c.unpacked = append(c.unpacked, u)
	return u, true
}

func (c *Cache) place(h *Head) int {
	return slices.IndexFunc(c.unpacked, func(u *unpacked) bool { return u.head.Last == h.Last })
}

// Ahead unpacks a block for who will ask for it soon, unless it is there, a processor is not free for it, or what was
// read ahead and nobody has asked for takes half of the budget already. It returns when that is done.
func (c *Cache) Ahead(b Blocks, h *Head) {
	if u := c.beginAhead(h); u != nil {
		c.unpack(u, b)
	}
}

func (c *Cache) beginAhead(h *Head) *unpacked {
	if c.damage.wholeOf(h) != nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	waiting := int64(1)
	for _, u := range c.unpacked {
		if u.ahead {
			waiting++
		}
	}
	if cap(c.workers) < 2 || c.largest == 0 || waiting*c.largest > c.budget/2 || c.place(h) >= 0 {
		return nil
	}
	u := &unpacked{head: *h, ahead: true, ready: make(chan struct{}), done: make(chan struct{})}
	c.unpacked = append(c.unpacked, u)
	return u
}

// unpack unpacks a block with the help of who waits for it and, as far as processors are free, of goroutines that end
// with it.
func (c *Cache) unpack(u *unpacked, b Blocks) {
	defer c.land(u)
	u.err = errUnread // unless the goroutine lives
	b.Damage = &c.damage
	work, err := b.unpack(&u.head)
	if err != nil {
		u.err = err
		return
	}
	c.mu.Lock()
	u.work = work
	c.mu.Unlock()
	close(u.ready)
	var helpers sync.WaitGroup
	for range cap(c.workers) - 1 {
		helpers.Go(func() {
			select {
			case c.workers <- struct{}{}:
				defer func() { <-c.workers }()
				work.Work()
			default: // all are busy
			}
		})
	}
	u.help(c)
	helpers.Wait()
	u.entries, err = work.Entries()
	u.err = damaged(&u.head, err)
}

// help takes part in an unpacking, in turn with all others who do so.
func (u *unpacked) help(c *Cache) {
	select {
	case <-u.ready:
	case <-u.done:
		return
	}
	c.mu.Lock()
	work := u.work
	c.mu.Unlock()
	if work != nil {
		c.workers <- struct{}{}
		defer func() { <-c.workers }()
		work.Work()
	}
}

// Find returns an entry if a block that is unpacked holds it.
func (c *Cache) Find(index uint64) (*block.Entry, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, u := range slices.Backward(c.unpacked) {
		if u.bytes > 0 && u.head.Holds(index) {
			if u.ahead = false; i < len(c.unpacked)-1 {
				c.unpacked = append(slices.Delete(c.unpacked, i, i+1), u)
			}
			return &u.entries[index-u.head.First], true
		}
	}
	return nil, false
}

// Marks is Blocks.Marks. They are shared and read-only.
func (c *Cache) Marks(b Blocks, h *Head) ([]Mark, error) {
	b.Damage = &c.damage
	marks, err := cached(&c.mu, &c.marks, h.Last, func() ([]Mark, int64, error) {
		marks, err := b.Marks(h)
		return marks, int64(len(marks)) * int64(unsafe.Sizeof(Mark{})), err
	})
	return marks, c.damage.Note(h, err)
}

// land ends an unpacking. Of what failed the damage is remembered.
func (c *Cache) land(u *unpacked) {
	c.damage.noteWhole(&u.head, u.err)
	c.mu.Lock()
	defer c.mu.Unlock()
	u.work = nil
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
	c.bytes, c.largest = c.bytes+u.bytes, max(c.largest, u.bytes)
	for i := 0; c.bytes+c.opened.bytes+c.marks.bytes > c.budget && i < len(c.unpacked); {
		if o := c.unpacked[i]; o.bytes > 0 && o != u {
			c.bytes -= o.bytes
			c.unpacked = slices.Delete(c.unpacked, i, i+1)
			continue
		}
		i++
	}
}

// Sound forgets what is kept of a block, and that it is damaged: it was written anew, or is gone.
func (c *Cache) Sound(last uint64) {
	c.damage.forget(last)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.opened.drop(last)
	c.marks.drop(last)
	c.unpacked = slices.DeleteFunc(c.unpacked, func(u *unpacked) bool {
		if u.head.Last != last || u.bytes == 0 {
			return false
		}
		c.bytes -= u.bytes
		return true
	})
}

// Forget drops everything that was read.
func (c *Cache) Forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.opened.clear()
	c.marks.clear()
	c.bytes = 0
	c.unpacked = slices.DeleteFunc(c.unpacked, func(u *unpacked) bool { return u.bytes > 0 })
}
