package server

import (
	"math"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// openFiles is how many files the process may open. Go has raised the soft limit to the hard one.
func openFiles() int {
	var r unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &r); err != nil || r.Cur > math.MaxInt32 {
		return math.MaxInt32
	}
	return int(r.Cur)
}

// machineMemory is what the machine has, or the control group that the process is in, in bytes.
func machineMemory() int64 {
	var s unix.Sysinfo_t
	if err := unix.Sysinfo(&s); err != nil {
		return math.MaxInt64
	}
	total := int64(s.Totalram) * int64(s.Unit)
	// In a container this is the container's own; elsewhere the root has no such file (cgroups(7)).
	text, err := os.ReadFile("/sys/fs/cgroup/memory.max")
	if err != nil {
		return total
	}
	if limit, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil {
		total = min(total, limit)
	}
	return total
}
