package definitions

import (
	"context"
	"fmt"
	"sync"

	"hpfriends/api"
)

// atOnce is how many changes are under way at a time: the log takes several with one sync of its disk.
const atOnce = 16

// Failed says how far Apply came.
type Failed struct {
	Change Change
	Done   int // changes
	Err    error
}

func (f *Failed) Error() string {
	return fmt.Sprintf("%s %s %q: %v (after %d changes; do it again for the others)",
		f.Change.Action, f.Change.Kind, f.Change.Name, f.Err, f.Done)
}

// Unwrap returns why.
func (f *Failed) Unwrap() error { return f.Err }

// Apply makes the changes that Diff has found, and calls tell after each. It stops at the first that fails: *Failed.
func Apply(ctx context.Context, server *api.Client, changes []Change, tell func()) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	r := run{tell: tell, stop: stop}
	for p := range phases {
		free := make(chan struct{}, atOnce)
		var under sync.WaitGroup
		for _, c := range changes {
			if c.phase != p || ctx.Err() != nil {
				continue
			}
			free <- struct{}{}
			under.Go(func() {
				r.ended(c, c.do(ctx, server))
				<-free
			})
		}
		if under.Wait(); r.failed != nil {
			return r.failed
		}
	}
	return ctx.Err()
}

type run struct {
	tell func()
	stop func()

	mu     sync.Mutex
	done   int
	failed *Failed
}

func (r *run) ended(c Change, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err == nil:
		r.done++
		r.tell()
	case r.failed == nil:
		r.failed = &Failed{Change: c, Err: err}
		r.stop()
	}
	if r.failed != nil {
		r.failed.Done = r.done
	}
}
