// Package recentlog keeps the newest lines of a server's own log in memory, for a report of a bug: where a log goes is
// different on each machine.
//
// A Ring may be used by any number of goroutines.
package recentlog

import (
	"bytes"
	"io"
	"regexp"
	"sync"
)

// Ring keeps the newest lines. Make one with New.
type Ring struct {
	most int

	mu    sync.Mutex
	lines [][]byte
	size  int
}

// New returns a Ring of at most so many bytes.
func New(most int) *Ring { return &Ring{most: most} }

// Write implements io.Writer: p is one record, as handlers of slog write them. What is larger than the Ring is left
// out.
func (r *Ring) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(p) > r.most {
		return len(p), nil
	}
	r.lines = append(r.lines, bytes.Clone(p))
	first := 0
	for r.size += len(p); r.size > r.most; first++ {
		r.size -= len(r.lines[first])
		r.lines[first] = nil
	}
	r.lines = r.lines[first:]
	return len(p), nil
}

// token finds the one secret that the log has to have: the link that makes the first admin.
var token = regexp.MustCompile(`token=[^"&\s\\]+`)

// WriteTo implements io.WriterTo. The lines stay; tokens in links are left out.
func (r *Ring) WriteTo(w io.Writer) (int64, error) {
	r.mu.Lock()
	all := bytes.Join(r.lines, nil)
	r.mu.Unlock()
	n, err := w.Write(token.ReplaceAll(all, []byte("token=***")))
	return int64(n), err
}
