package load

import (
	"context"
	"errors"
	"net"
	"sync"
)

// crew is the goroutines of a measurement and their connections.
type crew struct {
	cancel context.CancelFunc
	wg     sync.WaitGroup
	mu     sync.Mutex
	conns  []net.Conn
	err    error
}

// NewCrew returns a crew that calls cancel when one of its goroutines fails.
func NewCrew(cancel context.CancelFunc) *crew { return &crew{cancel: cancel} }

// Run starts f in a goroutine of the crew. End closes c, on which f works.
func (g *crew) Run(c net.Conn, f func() error) {
	g.mu.Lock()
	g.conns = append(g.conns, c)
	g.mu.Unlock()
	g.wg.Go(func() {
		if err := f(); err != nil {
			g.mu.Lock()
			g.err = errors.Join(g.err, err)
			g.mu.Unlock()
			g.cancel()
		}
	})
}

// Wait waits for the goroutines to end by themselves.
func (g *crew) Wait() { g.wg.Wait() }

// End closes the connections, waits, and returns what failed before. What fails because of the closing is not an error.
func (g *crew) End() error {
	g.mu.Lock()
	err := g.err
	for _, c := range g.conns {
		_ = c.Close()
	}
	g.mu.Unlock()
	g.wg.Wait()
	return err
}
