package operate

import (
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

func diskOf(dir string) (disk, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return disk{}, fmt.Errorf("free space of %s: %w", dir, err)
	}
	block := uint64(st.Bsize)
	return disk{st.Bavail * block, st.Blocks * block, st.Ffree, st.Files}, nil
}

func ownerOf(info fs.FileInfo) (uid int, ok bool) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(st.Uid), true
}

// limitOf is how many files a process may open.
func limitOf(pid int) (int, error) {
	path := fmt.Sprintf("/proc/%d/limits", pid)
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "Max open files"); ok {
			if fields := strings.Fields(rest); len(fields) > 0 {
				return strconv.Atoi(fields[0])
			}
		}
	}
	return 0, fmt.Errorf("%s has no line about open files", path)
}

// clockSynchronised reports whether something keeps the clock right. known is false where that cannot be told.
func clockSynchronised() (yes, known bool) {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	if err != nil {
		return false, false
	}
	return state != unix.TIME_ERROR && t.Status&unix.STA_UNSYNC == 0, true
}

// kernel is the machine's own, in words.
func kernel() (string, error) {
	text, err := os.ReadFile("/proc/version")
	return strings.TrimSpace(string(text)), err
}
