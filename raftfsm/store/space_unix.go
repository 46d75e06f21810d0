//go:build linux || darwin || freebsd

package store

import (
	"fmt"
	"syscall"
)

// DiskSpace asks for the file system that holds dir.
func DiskSpace(dir string) (Space, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return Space{}, fmt.Errorf("store: free space of %s: %w", dir, err)
	}
	size := uint64(st.Bsize)
	free := uint64(st.Bavail)  //nolint:unconvert // it is signed on FreeBSD
	inodes := uint64(st.Ffree) //nolint:unconvert // as well
	return Space{free * size, st.Blocks * size, inodes, st.Files}, nil
}
