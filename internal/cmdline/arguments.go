package cmdline

import (
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"
)

// Args returns the arguments of a command. Their number must be what its ArgsUsage says: NAME is one, [NAME] may be
// left out, NAME... and [NAME...] may be repeated.
func Args(c *cli.Context) ([]string, error) {
	least, most := 0, 0
	for _, word := range strings.Fields(c.Command.ArgsUsage) {
		if !strings.HasPrefix(word, "[") {
			least++
		}
		if most++; strings.HasSuffix(strings.TrimSuffix(word, "]"), "...") {
			most = c.NArg()
		}
	}
	if c.NArg() < least || c.NArg() > most {
		want := c.Command.ArgsUsage
		if want == "" {
			want = "no arguments"
		}
		return nil, Usage("%s takes %s; got %d", c.Command.HelpName, want, c.NArg())
	}
	return c.Args().Slice(), nil
}

// Absolute makes paths good for whoever uses them from another directory. One that is empty stays so.
func Absolute(paths ...*string) (err error) {
	for _, path := range paths {
		if *path == "" {
			continue
		}
		if *path, err = filepath.Abs(*path); err != nil {
			return err
		}
	}
	return nil
}
