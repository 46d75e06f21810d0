package store

import (
	"os"
	"path/filepath"
	"testing"

	"hpfriends/internal/golden"
)

// The note is read by the versions to come.
func TestNoteFormat(t *testing.T) {
	dir, base, want := t.TempDir(), mark{7, 2}, mark{0x0102030405060708, 3}
	n, err := openNote(dir, base, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.set(want); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(dir, NoteFile))
	if err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "note.bin", content)
	for of, is := range map[mark]mark{base: want, {8, 2}: {8, 2}} { // a note on another base says nothing
		if got, err := readNote(dir, of, true); err != nil || got != is {
			t.Errorf("on base %v it says %v, %v; want %v", of, got, err, is)
		}
	}
}
