package datadir

import (
	"io/fs"
	"os"
)

// Make makes the data directory, readable for its owner only. One that others may look into is narrowed: they would
// learn what there is, and read what an option of the system makes readable. A directory for everybody, as /tmp, stays.
func Make(dir string) (narrowed bool, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return false, err
	}
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm()&0o077 == 0 || info.Mode()&fs.ModeSticky != 0 {
		return false, err
	}
	if err := os.Chmod(dir, info.Mode().Perm()&0o700); err != nil {
		return false, err
	}
	return true, nil
}
