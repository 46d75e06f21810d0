// Package once remembers which forms were sent. A form that shows a secret in its answer has a number of its own, so
// that the answer can be loaded again without doing it again.
//
// # Concurrency
//
// The methods of Forms may be called from any goroutine.
package once

import (
	"crypto/rand"
	"sync"

	"hpfriends/graph"
)

// Forms are those that this process has seen. The zero value is ready.
type Forms struct {
	mu          sync.Mutex
	newer, rest map[sending]bool
}

type sending struct {
	by   graph.UserID
	form string
}

// remembered is how many forms are remembered at least, and half of how many at most.
const remembered = 4096

// First reports whether a form was not sent before. One without a number never was.
func (o *Forms) First(by graph.UserID, form string) bool {
	if form == "" {
		return true
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	s := sending{by, graph.Clip(form)}
	if o.newer[s] || o.rest[s] {
		return false
	}
	if o.newer == nil || len(o.newer) == remembered {
		o.newer, o.rest = make(map[sending]bool), o.newer
	}
	o.newer[s] = true
	return true
}

// Forget lets a form that was refused be sent again.
func (o *Forms) Forget(by graph.UserID, form string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := sending{by, graph.Clip(form)}
	delete(o.newer, s)
	delete(o.rest, s)
}

// Number is that of a new form.
func Number() string { return rand.Text() }
