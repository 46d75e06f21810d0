package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"hpfriends/web"
)

const (
	// linger is how long a client of a drained node may go on publishing before it notices.
	linger = 5 * time.Second
	// goodbye is the same at a shutdown, which somebody waits for.
	goodbye = time.Second
)

// errDrained is why a drained node is not ready: load balancers then send nobody to it.
var errDrained = errors.New("this node is drained: it takes no clients")

// ready is whether clients may come.
func (s *server) ready(ctx context.Context) error {
	if drained, _ := s.node.Drained(); drained {
		return errDrained
	}
	if err := s.node.Full(); err != nil {
		return err
	}
	return s.node.Ready(ctx)
}

// followDrain sends the clients away while the node is drained, until ctx is done.
func (s *server) followDrain(ctx context.Context) {
	for ctx.Err() == nil {
		drained, until := s.node.Drained()
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

// drainWait is how long the command line waits for the last client.
const drainWait = 30 * time.Second

func drainCommand() *cli.Command {
	return leaf("drain", "send the clients of a node elsewhere: of NODE, or of the node that is asked", "[NODE]", func(c *cli.Context, api *client) error {
		if c.NArg() > 1 {
			return usage("at most one NODE")
		}
		node := c.Args().First()
		in := map[string]any{"node": node, "force": c.Bool("force")}
		if err := api.call(c.Context, "POST", "/cluster/drain", in, nil); err != nil {
			return err
		}
		return awaitDrained(c, api, node)
	}, &cli.BoolFlag{Name: "force", Usage: "although no node, or no majority, would be left"},
		&cli.BoolFlag{Name: "no-wait", Usage: "do not wait until the last client has gone"})
}

func undrainCommand() *cli.Command {
	return leaf("undrain", "let a node take clients again: NODE, or the node that is asked", "[NODE]", func(c *cli.Context, api *client) error {
		if c.NArg() > 1 {
			return usage("at most one NODE")
		}
		return api.call(c.Context, "POST", "/cluster/undrain", map[string]any{"node": c.Args().First()}, nil)
	})
}

// awaitDrained waits until a drained node has no clients any more and does not lead.
func awaitDrained(c *cli.Context, api *client, node string) error {
	if c.Bool("no-wait") {
		return nil
	}
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(drainWait); ; {
		var s web.ClusterStatus
		if err := api.call(c.Context, "GET", "/cluster", nil, &s); err != nil {
			return err
		}
		if node == "" {
			node = s.Node
		}
		left := "it is no member any more"
		for _, m := range s.Members {
			switch {
			case m.ID != node:
			case m.Clients > 0:
				left = fmt.Sprintf("%d clients are connected to it", m.Clients)
			case s.Leader == node:
				left = "it leads the cluster, and no other voter can"
			default:
				left = m.Error
			}
		}
		if left == "" {
			return nil
		}
		if time.Now().After(end) {
			return &failure{exitUnavailable, fmt.Sprintf("node %s is drained, but after %v: %s", node, drainWait, left)}
		}
		select {
		case <-tick.C:
		case <-c.Context.Done():
			return c.Context.Err()
		}
	}
}
