package proc

import (
	"context"
	"errors"
	"time"
)

// Server is a Process that serves hpfeeds on a port of its own choice, on 127.0.0.1.
type Server struct {
	*Process
	Address string        // of hpfeeds
	Started time.Duration // from its start until it was ready
}

// startTimeout is how long a server may take until it is ready.
const startTimeout = 30 * time.Second

// Start starts this program as a server on dir, and waits until it is ready. env is added to the environment, flags to
// those that it gets here.
func Start(ctx context.Context, dir string, env []string, flags ...string) (*Server, error) {
	p, err := Launch(dir, Command{Env: env, Flags: append([]string{
		"--hpfeeds", "tcp:port=0:interface=127.0.0.1", "--http", "", "--log-level", "warn",
	}, flags...)})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	where, err := p.Await(ctx)
	if err == nil && len(where.Hpfeeds) == 0 {
		err = errors.New("the server listens nowhere")
	}
	if err != nil {
		p.Kill()
		return nil, err
	}
	return &Server{Process: p, Address: where.Hpfeeds[0], Started: time.Since(p.begun)}, nil
}
