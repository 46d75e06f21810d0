package cmdline

import "github.com/urfave/cli/v2"

// Limit returns the value of --limit, of a command that has a default for it. Less than 1 is a Usage error.
func Limit(c *cli.Context) (int, error) {
	n := c.Int("limit")
	if n < 1 {
		return 0, Usage("--limit is %d, want 1 or more", n)
	}
	return n, nil
}
