// Package spare keeps one file of Pebble's WAL that is no longer needed, for the next one: a sync of a file that was
// written before is quicker, since its size stays. Pebble by itself keeps as many as memtables may wait, and one more.
//
// It recycles none for a cleaner that wants to see what is obsolete. Of those there is one, pebble.ArchiveCleaner,
// which moves it into a directory: what is moved there is removed here, but for the one file.
//
// Its methods may be called by any goroutine.
package spare

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

const (
	// File is the name of what is kept. Pebble ignores files of other names than its own.
	File    = "spare.wal"
	wal     = ".log"
	archive = "archive" // where Pebble's cleaner moves what is obsolete
)

// Memtables begin at 256 KiB and double, so an idle node is small. Above half a memtable a write takes a slower path:
// 56 MiB leaves room for 64 entries of 256 KiB. What a WAL has reserved and the spare one take 62 MiB each. (With 48
// MiB, Pebble puts several of the tables that are flushed into one compaction, and writes them once more.) A small disk
// has smaller ones: the WALs of up to five are there, and a flush needs the space once more before it gives any back.
const (
	mostMemTable  = 56 << 20
	leastMemTable = 1 << 20
	memTableShare = 64 // of the disk
)

// MemTable is how large memtables become, by the disk of a directory.
func MemTable(files vfs.FS, dir string) uint64 {
	du, err := files.GetDiskUsage(dir)
	if err != nil {
		return mostMemTable
	}
	return min(max(du.TotalBytes/memTableShare, leastMemTable), mostMemTable)
}

// Cleaner is for the Options of a Pebble that is on an FS.
var Cleaner pebble.Cleaner = pebble.ArchiveCleaner{}

// FS is the file system of a Pebble whose Options have Cleaner.
type FS struct {
	vfs.FS
	path, archive string

	mu   sync.Mutex
	kept bool
	size int64 // of what is kept
}

// New returns the file system of a directory.
func New(files vfs.FS, dir string) *FS {
	return &FS{FS: files, path: files.PathJoin(dir, File), archive: files.PathJoin(dir, archive)}
}

// Unwrap returns the file system below.
func (s *FS) Unwrap() vfs.FS { return s.FS }

// Bytes is the size of what is kept.
func (s *FS) Bytes() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.kept {
		return 0
	}
	return uint64(s.size)
}

// RemoveLeftover removes what an earlier process has kept and had no time to release, when Pebble is open: then nobody
// else uses the directory. It is not used: in a directory that was put back to what it had been before, what it holds
// could pass for new records.
func (s *FS) RemoveLeftover() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kept { // in its place
		return nil
	}
	if err := s.FS.Remove(s.path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Release removes what is kept, at the end.
func (s *FS) Release() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.kept {
		return nil
	}
	s.kept = false
	return s.FS.Remove(s.path)
}

// Create makes a file; a WAL of the one that is kept. What that holds of old records, Pebble tells by their number.
func (s *FS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kept && strings.HasSuffix(name, wal) {
		s.kept = false
		f, err := s.FS.ReuseForWrite(s.path, name, category)
		if !errors.Is(err, fs.ErrNotExist) {
			return f, err
		}
	}
	return s.FS.Create(name, category)
}

// MkdirAll makes directories, but not the one of what is obsolete.
func (s *FS) MkdirAll(dir string, perm os.FileMode) error {
	if dir == s.archive {
		return nil
	}
	return s.FS.MkdirAll(dir, perm)
}

// Rename renames a file; what is obsolete it removes, or keeps.
func (s *FS) Rename(from, to string) error {
	if s.FS.PathDir(to) != s.archive {
		return s.FS.Rename(from, to)
	}
	if !strings.HasSuffix(from, wal) {
		return s.FS.Remove(from)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kept {
		return s.FS.Remove(from)
	}
	info, err := s.FS.Stat(from)
	if err != nil {
		return err
	}
	if err := s.FS.Rename(from, s.path); err != nil { // in the place of what an earlier process has kept
		return err
	}
	s.kept, s.size = true, info.Size()
	return nil
}
