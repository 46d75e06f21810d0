package raftfsm

import (
	"runtime"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// slowDisk is a file system on which each sync of a write-ahead log waits for pause first. (Pebble's errorfs does not
// see the files that Pebble uses again, which are most.)
type slowDisk struct {
	vfs.FS
	lies  bool // nothing is synced
	pause func()
}

func (d slowDisk) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := d.FS.Create(name, c)
	return d.slow(name, f), err
}

func (d slowDisk) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := d.FS.ReuseForWrite(from, to, c)
	return d.slow(to, f), err
}

func (d slowDisk) slow(name string, f vfs.File) vfs.File {
	if f == nil || !strings.HasSuffix(name, ".log") {
		return f
	}
	return slowFile{f, d}
}

type slowFile struct {
	vfs.File
	disk slowDisk
}

func (f slowFile) SyncData() error {
	if !closing() {
		f.disk.pause()
	}
	if f.disk.lies {
		return nil
	}
	return f.File.SyncData()
}

// closing reports whether the sync is the last of its file, during which Pebble holds a mutex that others may wait
// for. In a synctest bubble, time stands still while anybody waits for a mutex.
func closing() bool {
	var pcs [16]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for {
		f, more := frames.Next()
		if strings.HasSuffix(f.Function, ".closeInternal") {
			return true
		}
		if !more {
			return false
		}
	}
}
