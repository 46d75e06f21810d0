package cmdline

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"hpfriends/internal/term"
)

// Show prints v as JSON with --json, or lets human print it.
func Show(c *cli.Context, v any, human func(w io.Writer)) error {
	if c.Bool("json") {
		return term.WriteJSON(c.App.Writer, v)
	}
	human(c.App.Writer)
	return nil
}

// ShowMade tells what was made: as JSON with --json, on a terminal in words, and else its id alone, for scripts.
func ShowMade(c *cli.Context, v any, id uint64, words string) error {
	return Show(c, v, func(w io.Writer) {
		if term.IsTerminal(w) {
			fmt.Fprintln(w, term.Visible(words))
		} else {
			fmt.Fprintln(w, id)
		}
	})
}
