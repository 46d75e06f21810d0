package cmdline

import (
	"io"

	"hpfriends/internal/term"

	"github.com/urfave/cli/v2"
)

// Show prints v as JSON with --json, or lets human print it.
func Show(c *cli.Context, v any, human func(w io.Writer)) error {
	if c.Bool("json") {
		return term.WriteJSON(c.App.Writer, v)
	}
	human(c.App.Writer)
	return nil
}
