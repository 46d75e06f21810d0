package cmdline

import "github.com/urfave/cli/v2"

// Limit is the flag --limit of a command that always has one.
func Limit(c *cli.Context) (int, error) {
	n := c.Int("limit")
	if n < 1 {
		return 0, Usage("--limit is %d, want 1 or more", n)
	}
	return n, nil
}
