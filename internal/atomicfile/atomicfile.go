// Package atomicfile writes files that are there whole or not at all, whatever ends the program or the machine: the
// content is written and synced under another name in the same directory, then takes its name, and the directory is
// synced.
package atomicfile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Write makes the file at path, or replaces it: afterwards it has the old content or the new.
func Write(path string, content []byte, perm fs.FileMode) error {
	return Fill(path, perm, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
}

// Fill is Write for content that is made piece by piece. When fill fails, the file stays as it was. What fill writes to
// is the *os.File, so that it can read again what it has written.
func Fill(path string, perm fs.FileMode, fill func(io.Writer) error) error {
	return write(path, perm, fill, os.Rename)
}

// Create is Write for a file that must not be there yet: the error is fs.ErrExist if it is.
func Create(path string, content []byte, perm fs.FileMode) error {
	return write(path, perm, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	}, os.Link)
}

func write(path string, perm fs.FileMode, fill func(io.Writer) error, name func(from, to string) error) error {
	dir := filepath.Dir(path)
	tmp, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*") // readable for its owner only
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // in vain when it was renamed
	err = fill(tmp)
	if err = errors.Join(err, tmp.Chmod(perm), tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if err := name(tmp.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
