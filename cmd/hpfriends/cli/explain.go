package cli

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"hpfriends/api"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/term"
	"hpfriends/query/view"
)

// Explain returns the command explain: whether what one user publishes reaches another, and why. It fails with
// cmdline.ExitDenied when it does not.
func Explain() *cli.Command {
	return cmdline.APICommand("explain",
		"say whether what one user publishes reaches another, and why: exit 0 if it flows, 4 if not", "",
		func(c *cli.Context, server *api.Client) error {
			at, err := pointFlag(c, "at")
			if err != nil {
				return err
			}
			in := api.ExplainQuery{From: c.String("from"), To: c.String("to"), Channel: c.String("channel"), At: at}
			x, err := api.Explain.Call(c.Context, server, in)
			if err != nil {
				return err
			}
			if err := cmdline.Show(c, x, func(w io.Writer) { printExplanation(w, x) }); err != nil {
				return err
			}
			if !x.Flows {
				return cmdline.Fail(cmdline.ExitDenied, "")
			}
			return nil
		},
		&cli.StringFlag{Name: "from", Required: true, Usage: "`USER` who publishes"},
		&cli.StringFlag{Name: "to", Required: true, Usage: "`USER` who should receive"},
		&cli.StringFlag{Name: "channel", Aliases: []string{"c"}, Required: true, Usage: "`CHANNEL` that it is published on"},
		atFlag())
}

func printExplanation(w io.Writer, x view.Explanation) {
	partly := ""
	for _, g := range x.Gates {
		open := term.YesNo(g.OK)
		if g.Unknown {
			open, partly = "?", ", as far as the shares go"
		}
		fmt.Fprintf(w, "%-4s %-19s %s\n", open, term.Visible(g.Name), term.Visible(g.Detail))
		if g.Fix != "" {
			fmt.Fprintf(w, "     %-19s fix: %s\n", "", term.Visible(g.Fix))
		}
	}
	for _, h := range x.Path {
		if h.Share == 0 { // between others
			continue
		}
		fmt.Fprintf(w, "     path: share #%d, %s -> %s, type %s, %s\n", h.Share, term.Visible(h.Owner),
			term.Visible(h.Receiver), h.Type, map[bool]string{true: "enabled", false: "not enabled"}[h.Accepted])
	}
	flows := "does not reach"
	if x.Flows {
		flows = "reaches"
	} else {
		partly = ""
	}
	fmt.Fprintf(w, "What %s publishes on %s %s %s%s.\n", term.Visible(x.From), term.Visible(x.Channel), flows,
		term.Visible(x.To), partly)
}
