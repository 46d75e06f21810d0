package block

import (
	"errors"
	"sync"
	"sync/atomic"
)

// Unpacking is a block that is being unpacked whole, by all goroutines that call Work.
type Unpacking struct {
	block *Block
	next  atomic.Int64  // chunk that nobody has begun
	done  chan struct{} // no chunk is left, entries and err are what they are

	mu       sync.Mutex // guards what follows
	left     int        // chunks that are not done
	envelope *envelope
	err      error
}

var errEnded = errors.New("block: the goroutine that unpacked a chunk has ended")

// Unpack begins to unpack the whole block into memory, which checks all of it. Nothing goes on but in Work.
func (b *Block) Unpack() (*Unpacking, error) {
	raw, err := b.section("envelope", &b.footer.envelope)
	if err != nil {
		return nil, err
	}
	e, err := decodeEnvelope(raw, b.footer.first, b.footer.last)
	if err != nil {
		return nil, err
	}
	tables := uint64(0)
	for i := range b.directory.chunks {
		tables += uint64(b.directory.chunks[i].table.raw)
	}
	if err := e.allocate(tables / minRun); err != nil {
		return nil, err
	}
	u := &Unpacking{block: b, envelope: e, done: make(chan struct{}), left: len(b.directory.chunks)}
	if u.left == 0 {
		u.end()
	}
	return u, nil
}

// Work unpacks chunks until there is none that nobody has begun.
func (u *Unpacking) Work() {
	for {
		n := int(u.next.Add(1)) - 1
		if n >= len(u.block.directory.chunks) {
			return
		}
		u.chunk(&u.block.directory.chunks[n])
	}
}

// chunk takes part in the unpacking with one chunk. Behind a failure there is nothing to do.
func (u *Unpacking) chunk(c *chunk) {
	err := errEnded // unless the goroutine lives
	var runs []run
	defer func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		if err == nil && u.err == nil {
			err = u.envelope.add(runs)
		}
		if u.err == nil {
			u.err = err
		}
		if u.left--; u.left == 0 {
			u.end()
		}
	}()
	u.mu.Lock()
	failed := u.err
	u.mu.Unlock()
	if failed != nil {
		err = nil
		return
	}
	runs, err = u.block.chunk(c, every)
}

func (u *Unpacking) end() {
	if u.err == nil {
		u.err = u.envelope.finish()
	}
	close(u.done)
}

// Entries returns all entries, in the order of the log, when all chunks are unpacked. The caller has called Work, or
// others do.
func (u *Unpacking) Entries() ([]Entry, error) {
	<-u.done
	if u.err != nil {
		return nil, u.err
	}
	return u.envelope.entries, nil
}
