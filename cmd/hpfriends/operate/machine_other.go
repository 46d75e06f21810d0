//go:build !linux

package operate

import (
	"errors"
	"fmt"
	"io/fs"
)

func diskOf(string) (disk, error) {
	return disk{}, fmt.Errorf("free space is not known here: %w", errors.ErrUnsupported)
}

func ownerOf(fs.FileInfo) (uid int, ok bool) { return 0, false }

func limitOf(int) (int, error) {
	return 0, fmt.Errorf("limits of another process are not known here: %w", errors.ErrUnsupported)
}

func clockSynchronised() (yes, known bool) { return false, false }

func kernel() (string, error) { return "", nil }
