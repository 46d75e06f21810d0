package server

import (
	"context"
	"errors"
	"time"
)

const (
	// linger is how long a client of a drained node may go on publishing before it notices.
	linger = 5 * time.Second
	// goodbye is the same at a shutdown, which somebody waits for.
	goodbye = time.Second
)

// errDrained is why a drained node is not ready: load balancers then send nobody to it.
var errDrained = errors.New("this node is drained: it takes no clients")

// ready returns nil when clients may come, or why not.
func (s *Server) ready(ctx context.Context) error {
	if drained, _ := s.node.Members().Drained(); drained {
		return errDrained
	}
	if err := s.node.Full(); err != nil {
		return err
	}
	return s.node.Ready(ctx)
}

// followDrain sends the clients away while the node is drained, until ctx is done.
func (s *Server) followDrain(ctx context.Context) {
	for ctx.Err() == nil {
		drained, until := s.node.Members().Drained()
		turn, stop := context.WithCancel(ctx)
		forget := context.AfterFunc(until, stop)
		if !drained {
			s.wire.Resume()
		} else if s.wire.Drain(turn, linger) == nil {
			s.Logger.Info("drained: no client is left")
		}
		<-turn.Done()
		forget()
		stop()
	}
}
