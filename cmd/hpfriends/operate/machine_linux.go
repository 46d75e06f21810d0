package operate

import (
	"io/fs"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

func ownerOf(info fs.FileInfo) (uid int, ok bool) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(st.Uid), true
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
