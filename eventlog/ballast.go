package eventlog

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// ballast is a file that only takes up space. When something else has filled the disk to the last byte, it is removed, and
// the write that met the end is tried again: without it Pebble would end the process (a WAL), or try for ever (a flush).
type ballast struct {
	fs   vfs.FS
	path string
	size uint64

	mu      sync.Mutex
	there   bool        // by our own doing
	dropped atomic.Bool // since it was last filled
}

const (
	ballastFile  = "ballast"
	ballastShare = 64 // of the disk
	ballastMost  = 64 << 20
)

func newBallast(fs vfs.FS, dir string) *ballast {
	b := &ballast{fs: fs, path: fs.PathJoin(dir, ballastFile)}
	if du, err := fs.GetDiskUsage(dir); err == nil {
		b.size = min(du.TotalBytes/ballastShare, ballastMost)
	}
	return b
}

// drop is told by Pebble's file system that the disk is full.
func (b *ballast) drop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.dropped.Store(true)
	b.there = false
	_ = b.fs.Remove(b.path) // it may be gone already: then the write fails
}

// fill makes the file, unless it has done so already. A file system that cannot set space aside is asked once.
func (b *ballast) fill() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.size == 0 {
		b.dropped.Store(false) // there is plenty
	}
	if b.there || b.size == 0 {
		return nil
	}
	if err := b.create(); err != nil {
		if !errors.Is(err, syscall.ENOSPC) {
			b.size = 0
			b.dropped.Store(false)
		}
		return fmt.Errorf("eventlog: ballast: %w", err)
	}
	b.there = true
	b.dropped.Store(false)
	return nil
}

func (b *ballast) create() error {
	f, err := b.fs.Create(b.path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	err = f.Preallocate(0, int64(b.size)) // takes up the space without writing it
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, b.fs.Remove(b.path))
	}
	return nil
}

// DiskWasFull is whether a write has met the end of the disk since the last Refill. It was tried again, with the space of
// the ballast: store nothing more until there is room.
func (l *Log) DiskWasFull() bool { return l.ballast != nil && l.ballast.dropped.Load() }

// Refill sets space aside for a full disk, once, and again when that was used up. Call it when there is plenty: see Ballast.
func (l *Log) Refill() error {
	if l.ballast == nil {
		return nil
	}
	return l.ballast.fill()
}

// Ballast is how many bytes Refill takes.
func (l *Log) Ballast() uint64 {
	if l.ballast == nil {
		return 0
	}
	l.ballast.mu.Lock()
	defer l.ballast.mu.Unlock()
	return l.ballast.size
}

// Unflushed is about how many bytes Pebble has yet to write into tables, beside the WAL that holds them already.
func (l *Log) Unflushed() uint64 { return l.db.Metrics().MemTable.Size }
