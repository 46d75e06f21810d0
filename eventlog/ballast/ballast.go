// Package ballast keeps a file that only takes up space, for the moment at which the disk is full. Its methods may be
// called by any goroutine.
package ballast

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Reserve is that file. When something else has filled the disk to the last byte, it is removed,
// and the write that met the end is tried again: without it Pebble would end the process (a WAL), or try for ever (a
// flush).
type Reserve struct {
	fs   vfs.FS
	path string
	size uint64

	mu      sync.Mutex
	there   bool        // this process has made it
	dropped atomic.Bool // since it was last filled
}

const (
	// File is its name.
	File  = "ballast"
	share = 64 // of the disk
	most  = 64 << 20
)

// New returns the reserve of a directory; nothing is written before Fill.
func New(fs vfs.FS, dir string) *Reserve {
	b := &Reserve{fs: fs, path: fs.PathJoin(dir, File)}
	if du, err := fs.GetDiskUsage(dir); err == nil {
		b.size = min(du.TotalBytes/share, most)
	}
	return b
}

// Drop is told by Pebble's file system that the disk is full.
func (b *Reserve) Drop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.dropped.Store(true)
	b.there = false
	_ = b.fs.Remove(b.path) // it may be gone already: then the write fails
}

// Fill makes the file, unless it has done so already. A file system that cannot reserve space is asked once.
func (b *Reserve) Fill() error {
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

// Dropped reports whether the disk was full since it was last filled.
func (b *Reserve) Dropped() bool { return b.dropped.Load() }

// Size is how many bytes Fill takes.
func (b *Reserve) Size() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.size
}

func (b *Reserve) create() error {
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
