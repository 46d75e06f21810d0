package main

import (
	"github.com/urfave/cli/v2"
)

// made is the answer to what adds something.
type made struct {
	ID    uint64 `json:"id"`
	Index uint64 `json:"index,omitempty"`
}

// leaf is a command that asks the API.
func leaf(name, usageText, args string, action func(*cli.Context, *client) error, flags ...cli.Flag) *cli.Command {
	return &cli.Command{
		Name: name, Usage: usageText, ArgsUsage: args, Flags: apiFlags(flags...),
		Action: func(c *cli.Context) error {
			api, err := newClient(c)
			if err != nil {
				return err
			}
			return action(c, api)
		},
	}
}
