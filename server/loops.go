package server

import (
	"context"
	"fmt"
	"sync"
)

// loops are what a server runs until it stops.
type loops struct {
	sync.WaitGroup
	failed chan error // of one that must not end
}

// run runs f until ctx is done. Its error stops the server.
func (l *loops) run(ctx context.Context, name string, f func(context.Context) error) {
	l.Go(func() {
		if err := f(ctx); err != nil {
			l.failed <- fmt.Errorf("%s: %w", name, err)
		}
	})
}
