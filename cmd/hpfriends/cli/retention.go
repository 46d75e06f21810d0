package cli

import (
	"fmt"
	"io"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/urfave/cli/v2"

	"hpfriends/api"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/term"
	"hpfriends/query/view"
)

// Retention returns the command retention: how long messages are kept.
func Retention() *cli.Command {
	simply := func(o api.Op[api.None, api.None]) func(c *cli.Context, server *api.Client) error {
		return func(c *cli.Context, server *api.Client) error {
			_, err := o.Call(c.Context, server, api.None{})
			return err
		}
	}
	return &cli.Command{
		Name: "retention", Usage: "how long messages are kept", Description: `How long is said to serve, by --retention and --retention-size. Much more
than usual goes only after --retention-grace, and nothing while a clock is
doubted that has stepped: look at it then, and hold or accept it.`,
		Subcommands: []*cli.Command{
			cmdline.APICommand("status", "show how long messages are kept, by which clock, and what waits", "",
				func(c *cli.Context, server *api.Client) error {
					r, err := api.ShowRetention.Call(c.Context, server, api.None{})
					if err != nil {
						return err
					}
					return cmdline.Show(c, r, func(w io.Writer) { printRetention(w, r) })
				}),
			cmdline.APICommand("hold", "remove no more messages for their age; what --retention-size says goes on", "",
				simply(api.HoldRetention)),
			cmdline.APICommand("resume", "let retention that is held go on", "", simply(api.ResumeRetention)),
			cmdline.APICommand("accept", "vouch for the clock of the node that is asked, and for what is about to be removed",
				"", func(c *cli.Context, server *api.Client) error {
					r, err := api.AcceptRetention.Call(c.Context, server, api.None{})
					if err != nil {
						return err
					}
					return cmdline.Show(c, r, func(w io.Writer) {
						fmt.Fprintf(w, "accepted: it is %s\n", term.Time(r.Clock))
					})
				}),
		},
	}
}

func printRetention(w io.Writer, r view.Retention) {
	age, size := "no limit", "no limit"
	if r.AgeSeconds > 0 {
		age = (time.Duration(r.AgeSeconds) * time.Second).String()
	}
	if r.SizeBytes > 0 {
		size = humanize.IBytes(uint64(r.SizeBytes))
	}
	clock := map[bool]string{true: "trusted", false: "doubted"}[r.Trusted]
	fmt.Fprintf(w, "age     %s\nsize    %s\nheld    %s\nclock   %s, %s\n", age, size, term.YesNo(r.Held),
		term.Time(r.Clock), clock)
	printWarnings(w, r.Warnings)
}

func printWarnings(w io.Writer, all []string) {
	for _, text := range all {
		fmt.Fprintln(w, "Warning: "+term.Visible(text))
	}
}
