package main

import (
	"strings"

	"github.com/urfave/cli/v2"
)

// words checks the number of arguments: their names, for the message.
func words(c *cli.Context, names ...string) ([]string, error) {
	if c.NArg() != len(names) {
		want := "no arguments"
		if len(names) > 0 {
			want = strings.Join(names, " ")
		}
		return nil, usage("%s takes %s; got %d", c.Command.HelpName, want, c.NArg())
	}
	return c.Args().Slice(), nil
}
