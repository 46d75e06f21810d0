package cmdline

import (
	"strings"

	"github.com/urfave/cli/v2"
)

// Args checks the number of arguments: their names, for the message.
func Args(c *cli.Context, names ...string) ([]string, error) {
	if c.NArg() != len(names) {
		want := "no arguments"
		if len(names) > 0 {
			want = strings.Join(names, " ")
		}
		return nil, Usage("%s takes %s; got %d", c.Command.HelpName, want, c.NArg())
	}
	return c.Args().Slice(), nil
}
