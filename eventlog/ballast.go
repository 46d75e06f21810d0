package eventlog

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// ballast is a file that only takes up space. When something else has filled the disk to the last byte, it is removed,
// and the write that met the end is tried again: without it Pebble would end the process (a WAL), or try for ever (a
// flush).
type ballast struct {
	fs   vfs.FS
	path string
	size uint64

	mu      sync.Mutex
	there   bool        // this process has made it
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

// fill makes the file, unless it has done so already. A file system that cannot reserve space is asked once.
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
