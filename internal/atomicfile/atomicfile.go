// Package atomicfile keeps the small files of a program. What it writes is there whole or not at all, whatever ends the
// program or the machine: the content is written and synced under another name in the same directory, then takes its
// name, and the directory is synced.
package atomicfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// MaxSize is how large a file that Read reads may be, in bytes.
const MaxSize = 16 << 20

// Read returns what a file holds that the program has written: a regular one of at most MaxSize bytes. Whoever puts a
// pipe in its place would make the program wait for ever, and a device has no end.
func Read(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a regular file: remove it", path)
	case info.Size() > MaxSize:
		return nil, fmt.Errorf("%s has %d bytes, more than this program writes: remove it", path, info.Size())
	}
	return os.ReadFile(path)
}

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
