package datadir

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestDirectoryIsForItsOwner(t *testing.T) {
	for name, c := range map[string]struct {
		mode, want fs.FileMode
		narrowed   bool
	}{
		"new":          {0, 0o700, false},
		"ours":         {0o700, 0o700, false},
		"read by all":  {0o755, 0o700, true},
		"of a group":   {0o770, 0o700, true},
		"of everybody": {0o777 | fs.ModeSticky, 0o777 | fs.ModeSticky, false},
	} {
		dir := filepath.Join(t.TempDir(), "parent", "data")
		if c.mode != 0 {
			if err := os.MkdirAll(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(dir, c.mode); err != nil {
				t.Fatal(err)
			}
		}
		narrowed, err := Make(dir)
		info, errStat := os.Stat(dir)
		if err != nil || errStat != nil || narrowed != c.narrowed || info.Mode()&^fs.ModeDir != c.want {
			t.Errorf("%s: %v, %t, %v, %v", name, info.Mode(), narrowed, err, errStat)
		}
	}
}
