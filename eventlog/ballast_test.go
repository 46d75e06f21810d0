package eventlog

import (
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"hpfriends/eventlog/ballast"
)

// A write that meets the end of the disk is done with the ballast's space, and known.
func TestFullDiskTakesTheBallast(t *testing.T) {
	dir := t.TempDir()
	var full atomic.Bool
	disk := errorfs.Wrap(vfs.Default, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if full.Load() && op.Kind == errorfs.OpFileWrite {
			if _, err := os.Stat(filepath.Join(dir, ballast.File)); err == nil {
				return &os.PathError{Op: "write", Path: op.Path, Err: syscall.ENOSPC}
			}
		}
		return nil
	}))
	l, err := Open(Config{Dir: dir, FS: disk, Fatal: func(err error) { t.Errorf("the log failed: %v", err) }})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := l.Disk().Refill(); err != nil {
		t.Fatal(err)
	}
	if l.Disk().Ballast() == 0 || l.Disk().WasFull() {
		t.Fatalf("a ballast of %d bytes, full: %v", l.Disk().Ballast(), l.Disk().WasFull())
	}
	full.Store(true)
	if !ended(func() { err = l.LogStore().StoreLog(command(1, 1, batchOf(1, noon, 10, "a"))) }) || err != nil {
		t.Fatalf("the write that met the end of the disk: %v", err)
	}
	if !l.Disk().WasFull() {
		t.Error("nobody knows that the disk was full")
	}
	if _, err := os.Stat(filepath.Join(dir, ballast.File)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the ballast: %v", err)
	}
	full.Store(false)
	if err := l.Disk().Refill(); err != nil || l.Disk().WasFull() {
		t.Errorf("with room again: %v, full: %v", err, l.Disk().WasFull())
	}
}
