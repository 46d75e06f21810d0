package proc

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
)

// Build builds the program, once for all tests of a process, and returns where it is; RemoveBuilt takes it away.
// HPFRIENDS_BINARY names a program that is there already: an older one shows what a test is worth.
var Build = sync.OnceValues(func() (string, error) {
	if path := os.Getenv("HPFRIENDS_BINARY"); path != "" {
		return path, nil
	}
	dir, err := os.MkdirTemp("", "hpfriends-built-")
	if err != nil {
		return "", err
	}
	built = dir
	path := filepath.Join(dir, "hpfriends")
	if out, err := exec.Command("go", "build", "-o", path, "hpfriends/cmd/hpfriends").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w: %s", err, out)
	}
	return path, nil
})

var built string // the directory of the program; empty: none

// RemoveBuilt removes what Build has built. It is for the end of TestMain.
func RemoveBuilt() { _ = os.RemoveAll(built) }
