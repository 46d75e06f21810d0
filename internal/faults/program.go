package faults

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
)

// program builds the program once for all tests. HPFRIENDS_BINARY names one that is there already.
var program = sync.OnceValues(func() (string, error) {
	if path := os.Getenv("HPFRIENDS_BINARY"); path != "" {
		return path, nil
	}
	dir, err := os.MkdirTemp("", "hpfriends-faults-")
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

// built is the directory of the program; removed by TestMain.
var built string
