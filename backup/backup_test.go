package backup

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/raft"

	"hpfriends/raftfsm/restore"
)

func write(t *testing.T, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "backup")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func silent(string, uint64, uint64) {}

// TestRestoredIsTheOriginal backs up random logs: with every kind of entry, floors, repetitions and terms; whole, the
// state alone, and in increments, restored at once or one after the other. What is restored has each projection and
// each entry of the original.
func TestRestoredIsTheOriginal(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			o := newOriginal(t, seed)
			o.steps(100 + o.rng.IntN(400))
			first, raw := o.backup(Request{NoHistory: seed%3 == 1})
			files := []string{first}
			for range o.rng.IntN(4) {
				base, err := Verify(bytes.NewReader(raw), nil)
				if err != nil {
					t.Fatal(err)
				}
				o.steps(o.rng.IntN(100))
				after := base.Base()
				if o.log.Floor() > after.Index+1 {
					break
				}
				var next string
				next, raw = o.backup(Request{After: &after})
				files = append(files, next)
			}
			last, err := Verify(bytes.NewReader(raw), nil)
			if err != nil {
				t.Fatal(err)
			}
			dir := filepath.Join(t.TempDir(), "new")
			at := 1 + o.rng.IntN(len(files))
			r := Restoration{Dir: dir, Key: dataKey}
			for _, r.Files = range [][]string{files[:at], files[at:]} {
				if len(r.Files) == 0 {
					continue
				}
				if _, err := Restore(r, silent); err != nil {
					t.Fatal(err)
				}
			}
			compare(t, o, dir, last.Last)
		})
	}
}

// compare applies to a directory what has come to the original since, and compares the two.
func compare(t *testing.T, o *original, dir string, last uint64) {
	t.Helper()
	log := openDir(t, dir)
	if applied := log.Applied(); applied != last {
		t.Fatalf("%d is applied, want %d", applied, last)
	}
	if err := log.LogStore().DeleteRange(last+1, last+1); err != nil { // the configuration
		t.Fatal(err)
	}
	fsm := load(t, log)
	if o.log.Floor() > last+1 { // what has come since is gone again
		return
	}
	for i := last + 1; i <= o.log.Applied(); i++ {
		var l raft.Log
		if err := o.log.LogStore().GetLog(i, &l); err != nil {
			t.Fatal(err)
		}
		if err := log.LogStore().StoreLog(&l); err != nil {
			t.Fatal(err)
		}
		fsm.Apply(&l)
	}
	fsm.Close()
	if _, err := log.Verify(t.Context(), nil); err != nil {
		t.Error(err)
	}
	from := max(log.Floor(), o.log.Floor())
	got, want := digests(t, log, load(t, log), from), digests(t, o.log, load(t, o.log), from)
	if got != want {
		t.Errorf("digests of state, entries and audit are\n%x, want\n%x", got, want)
	}
}

// TestDamageIsRefused damages a backup in 2,000 ways: a bit, a byte, a cut, something more, two parts swapped.
func TestDamageIsRefused(t *testing.T) {
	o := newOriginal(t, 99)
	o.steps(300)
	_, whole := o.backup(Request{})
	if b, err := Verify(bytes.NewReader(whole), nil); err != nil || b.End.Messages == 0 || b.End.Blocks == 0 {
		t.Fatalf("%+v, %v", b, err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	seen := make(map[string]bool)
	for i := range 2000 {
		b := bytes.Clone(whole)
		at := rng.IntN(len(b))
		if i%40 == 0 {
			at = rng.IntN(len(magic))
		}
		switch i % 5 {
		case 0, 1:
			b[at] ^= 1 << rng.IntN(8)
		case 2:
			b[at] += byte(1 + rng.IntN(255))
		case 3:
			b = b[:at]
		case 4:
			b = append(b[:at:at], append([]byte{byte(i)}, b[at:]...)...)
		}
		_, err := Verify(bytes.NewReader(b), nil)
		var e *Error
		if !errors.As(err, &e) {
			t.Fatalf("damage %d at %d of %d: %v", i, at, len(whole), err)
		}
		seen[strings.Join(strings.Fields(e.Reason)[:3], " ")] = true
	}
	if len(seen) < 3 {
		t.Errorf("only %v was found wrong: this tests too little", seen)
	}
	if _, err := Verify(bytes.NewReader(append(bytes.Clone(whole), 0)), nil); err == nil {
		t.Error("a byte behind the end is not seen")
	}
}

// TestUnfinishedRestoreIsRefused cuts a restore short: no server takes the directory, and no second restore.
func TestUnfinishedRestoreIsRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	target, err := restore.Create(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := target.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = restore.Read(dir)
	if !errors.Is(err, restore.ErrUnfinished) || !strings.Contains(err.Error(), "begin again") {
		t.Errorf("got %v", err)
	}
	o := newOriginal(t, 3)
	path, _ := o.backup(Request{})
	if _, err := Restore(Restoration{Files: []string{path}, Dir: dir}, silent); !errors.Is(err, restore.ErrUnfinished) {
		t.Errorf("restored again: %v", err)
	}
}
