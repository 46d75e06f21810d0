package backup

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"hpfriends/internal/golden"
)

// TestContainerIsPinned pins how sections are put together, and what the description and the end are called.
func TestContainerIsPinned(t *testing.T) {
	var file bytes.Buffer
	out, err := newSectionWriter(&file)
	if err != nil {
		t.Fatal(err)
	}
	d := Description{
		Format: format, ID: "00112233445566778899aabbccddeeff", Cluster: "c", Node: "n", Program: "hpfriends v1",
		Made: time.Date(2026, 11, 29, 8, 0, 0, 0, time.UTC), After: &Base{Backup: "b", Cluster: "c", Index: 7, Term: 2},
		Floor: 3, State: 4, First: 5, Last: 9, Term: 2,
	}
	if err := out.json(kindDescription, d); err != nil {
		t.Fatal(err)
	}
	if err := out.section(kindSnapshot, []byte("state")); err != nil {
		t.Fatal(err)
	}
	if err := out.section(kindBlock, []byte("block")); err != nil {
		t.Fatal(err)
	}
	if err := out.json(kindEnd, End{Blocks: 1, SHA256: out.digest()}); err != nil {
		t.Fatal(err)
	}
	if err := out.section(kindFailure, []byte("why")); err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "container", file.Bytes())
}

// TestBackupsOfBeforeAreRead reads a file that an earlier program has written, and makes a directory of it. To have it
// written anew with -update, when the format changes on purpose, remove it first.
func TestBackupsOfBeforeAreRead(t *testing.T) {
	const name = "whole.hpfb"
	old, err := os.ReadFile(filepath.Join("testdata", "golden", name))
	if os.IsNotExist(err) {
		o := newOriginal(t, 7)
		o.steps(60)
		_, old = o.backup(Request{})
	}
	golden.Compare(t, name, old) // itself, but with -update
	b, err := Verify(bytes.NewReader(old), nil)
	if err != nil {
		t.Fatal(err)
	}
	if b.End.Messages < 100 || b.Last < 50 {
		t.Errorf("%+v with %+v holds too little", b.Description, *b.End)
	}
	dir := filepath.Join(t.TempDir(), "new")
	done, err := Restore(Restoration{Files: []string{write(t, old)}, Dir: dir, Key: dataKey}, silent)
	if err != nil {
		t.Fatal(err)
	}
	if done.Index != b.Last || done.Totals.Messages != b.End.Messages {
		t.Errorf("restored %+v of %+v", done, b.Description)
	}
	log := openDir(t, dir)
	if _, err := log.Verify(t.Context(), nil); err != nil {
		t.Error(err)
	}
}
