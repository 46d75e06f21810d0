package eventlog

import (
	"errors"
	"math/rand/v2"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"hpfriends/eventlog/spare"
)

// TestOneWALIsKept: of the WALs that are no longer needed one stays, in a file of its own that the next becomes; the
// others, and tables, are removed. What the next one holds of old records is not read as its own.
func TestOneWALIsKept(t *testing.T) {
	fs := vfs.NewMem()
	l := openLog(t, fs)
	data := randomFrame(rand.New(rand.NewPCG(1, 1)), 64<<10)
	next := uint64(1)
	write := func(n int) {
		for range n {
			storeLogs(t, l, command(next, 1, data))
			apply(t, l, next)
			next++
		}
	}
	flush := func() {
		if err := l.db.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	files := func() (wals int, kept bool) {
		names, err := fs.List("log")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			switch {
			case name == spare.File:
				kept = true
			case path.Ext(name) == ".log":
				wals++
			case strings.Contains(name, "archive"):
				t.Errorf("there is %s", name)
			}
		}
		return wals, kept
	}
	settled := func(when string, keeps bool) {
		for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
			wals, kept := files()
			if wals == 1 && (kept || !keeps) {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("%s: %d WALs in use, one kept: %t", when, wals, kept)
			}
		}
	}
	for range 8 {
		write(10)
		flush()
	}
	settled("after eight", true)
	if l.Disk().Bytes() < 640<<10 {
		t.Errorf("the files of the store are said to have %d bytes", l.Disk().Bytes())
	}
	flush() // its WAL is what was kept, with what that held behind what it holds
	write(3)
	settled("before it is closed", true)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, kept := files(); kept {
		t.Error("a WAL is kept for a log that is closed")
	}
	leftover, err := fs.Create(fs.PathJoin("log", spare.File), vfs.WriteCategoryUnspecified)
	if err = errors.Join(err, leftover.Close()); err != nil { // as of a process that was killed
		t.Fatal(err)
	}
	l = openLog(t, fs)
	if info, err := fs.Stat(fs.PathJoin("log", spare.File)); err == nil && info.Size() == 0 {
		t.Error("what a killed process has kept stays")
	}
	if last, _ := l.Last(); last != next-1 {
		t.Errorf("the log ends at %d, want %d", last, next-1)
	}
	verify(t, l)
	settled("opened again", false) // the first may have become what was kept
}
