package readfile

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestFilesHaveABound(t *testing.T) {
	dir := t.TempDir()
	file, pipe := filepath.Join(dir, "file"), filepath.Join(dir, "pipe")
	if err := os.WriteFile(file, make([]byte, 100), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Skip(err)
	}
	for name, read := range map[string]func(string, int64) ([]byte, error){"UpTo": UpTo, "Regular": Regular} {
		if b, err := read(file, 100); err != nil || len(b) != 100 {
			t.Errorf("%s of 100 bytes: %d, %v", name, len(b), err)
		}
		for path, most := range map[string]int64{file: 99, "/dev/zero": 100, dir: 100, filepath.Join(dir, "none"): 100} {
			if b, err := read(path, most); err == nil {
				t.Errorf("%s of %s: %d bytes, at most %d", name, path, len(b), most)
			}
		}
	}
	if _, err := Regular(pipe, 100); err == nil {
		t.Error("a pipe is read again and again")
	}
	go func() { _ = os.WriteFile(pipe, []byte("once"), 0) }()
	if b, err := UpTo(pipe, 100); err != nil || string(b) != "once" {
		t.Errorf("a pipe has %q, %v", b, err)
	}
}
