// Package readfile reads whole files that somebody has named, with a bound: a device has no end, and a file may be
// larger than the memory. Its invariant: no more than the bound is ever held, whatever stands behind the name.
//
// Every function may be called from any goroutine.
package readfile

import (
	"fmt"
	"io"
	"os"
	"syscall"
)

// UpTo reads a file of any kind, a pipe of the shell's too, that has at most so many bytes.
func UpTo(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return All(f, path, most)
}

// Regular is UpTo for files that a server reads again and again: a pipe would keep it waiting, so nothing but a regular
// file is read.
func Regular(path string, most int64) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // which a pipe without a writer does not hold up
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	return All(f, path, most)
}

// All reads what has a name for errors, up to so many bytes.
func All(r io.Reader, name string, most int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, most+1))
	if err != nil {
		return nil, err
	}
	if int64(len(b)) > most {
		return nil, fmt.Errorf("%s has more than %d bytes", name, most)
	}
	return b, nil
}
