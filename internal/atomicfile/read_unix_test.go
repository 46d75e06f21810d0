//go:build unix

package atomicfile_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"hpfriends/internal/atomicfile"
)

// A pipe in the place of a file is not waited for, and a file of any size is not read.
func TestReadIsOfOwnFilesOnly(t *testing.T) {
	dir := t.TempDir()
	pipe, large, good := filepath.Join(dir, "pipe"), filepath.Join(dir, "large"), filepath.Join(dir, "good")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(large, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(large, atomicfile.MaxSize+1); err != nil {
		t.Fatal(err)
	}
	if err := atomicfile.Write(good, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{pipe, large, dir, "/dev/zero"} {
		if _, err := atomicfile.Read(path); err == nil {
			t.Errorf("%s was read", path)
		}
	}
	if text, err := atomicfile.Read(good); err != nil || string(text) != "x" {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := atomicfile.Read(filepath.Join(dir, "none")); !os.IsNotExist(err) {
		t.Errorf("what is not there: %v", err)
	}
}
