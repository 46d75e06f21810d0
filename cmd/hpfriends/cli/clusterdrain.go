package cli

import (
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"hpfriends/api"
	"hpfriends/internal/cmdline"
)

// drainWait is how long the command line waits for the last client.
const drainWait = 30 * time.Second

func drainCommand() *cli.Command {
	return cmdline.APICommand("drain", "send the clients of a node elsewhere: of NODE, or of the node that is asked",
		"[NODE]", func(c *cli.Context, server *api.Client) error {
			node := c.Args().First()
			if err := give(c, server, api.DrainNode, node); err != nil {
				return err
			}
			return awaitDrained(c, server, node)
		}, &cli.BoolFlag{Name: "force", Usage: "do it although no node, or no majority, would be left"},
		&cli.BoolFlag{Name: "no-wait", Usage: "do not wait until the last client has gone"})
}

func undrainCommand() *cli.Command {
	return cmdline.APICommand("undrain", "let a node take clients again: NODE, or the node that is asked", "[NODE]",
		func(c *cli.Context, server *api.Client) error {
			return give(c, server, api.UndrainNode, c.Args().First())
		})
}

// awaitDrained waits until a drained node has no clients any more and does not lead.
func awaitDrained(c *cli.Context, server *api.Client, node string) error {
	if c.Bool("no-wait") {
		return nil
	}
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(drainWait); ; {
		s, err := api.ShowCluster.Call(c.Context, server, api.None{})
		if err != nil {
			return err
		}
		if node == "" {
			node = s.Node
		}
		left := "it is no member any more"
		for _, m := range s.Members {
			switch {
			case m.ID != node:
			case m.Clients != nil && *m.Clients > 0:
				left = fmt.Sprintf("%d clients are connected to it", *m.Clients)
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
			return cmdline.Fail(cmdline.ExitUnavailable,
				fmt.Sprintf("node %s is drained, but after %v: %s", node, drainWait, left))
		}
		select {
		case <-tick.C:
		case <-c.Context.Done():
			return c.Context.Err()
		}
	}
}
