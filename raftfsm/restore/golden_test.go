package restore

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"hpfriends/internal/golden"
)

// TestMarkIsPinned pins the file that says what a data directory was restored from.
func TestMarkIsPinned(t *testing.T) {
	dir := t.TempDir()
	m := &Mark{
		Finished: true, Backup: "of today", Cluster: "0123456789abcdef0123456789abcdef", Index: 300, Term: 7, NoKey: true,
		Begun: time.UnixMilli(1_700_000_000_123).UTC(),
	}
	if err := m.write(dir); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(dir, MarkFile))
	if err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, MarkFile, content)
	if got, err := Read(dir); err != nil || !reflect.DeepEqual(got, m) {
		t.Errorf("it is read as %+v, %v", got, err)
	}
}
