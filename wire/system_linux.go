package wire

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

func bindToDevice(c syscall.RawConn, device string) error {
	var err error
	if cerr := c.Control(func(fd uintptr) { err = unix.BindToDevice(int(fd), device) }); cerr != nil {
		return cerr
	}
	if err != nil {
		return fmt.Errorf("bind to device %s: %w", device, err)
	}
	return nil
}

// reservedFiles are left to the rest of the process: the log's files, HTTP, the cluster.
const reservedFiles = 512

// fileLimit is how many connections the process may hold, by its limit of open files.
func fileLimit() int {
	var r unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &r); err != nil || r.Cur > fallbackConns {
		return fallbackConns
	}
	return max(int(r.Cur)-reservedFiles, int(r.Cur)/2)
}
