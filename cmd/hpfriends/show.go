package main

import (
	"io"

	"github.com/urfave/cli/v2"
)

// show prints v as JSON with --json, or lets human print it.
func show(c *cli.Context, v any, human func(w io.Writer)) error {
	if c.Bool("json") {
		return writeJSON(c.App.Writer, v)
	}
	human(c.App.Writer)
	return nil
}
