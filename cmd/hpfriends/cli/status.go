package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/urfave/cli/v2"

	"hpfriends/api"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/term"
	"hpfriends/query/view"
)

// Status returns the command status: the state of the server.
func Status() *cli.Command {
	return cmdline.APICommand("status", "show the state of the server", "",
		func(c *cli.Context, server *api.Client) error {
			s, err := api.ShowStatus.Call(c.Context, server, api.None{})
			if err != nil {
				return err
			}
			if c.Bool("ready") && !s.Ready {
				return cmdline.Fail(cmdline.ExitUnavailable, "the server is not ready: "+s.Reason)
			}
			return cmdline.Show(c, s, func(w io.Writer) {
				fmt.Fprintf(w, "version %s\nready   %s\nchange  #%d\n", s.Version,
					strings.TrimSpace(term.YesNo(s.Ready)+" "+s.Reason), s.Index)
				if s.Log != nil {
					fmt.Fprintf(w, "log     %s from %s, %s on disk\n", humanize.IBytes(uint64(s.Log.Bytes)), s.Log.Floor,
						humanize.IBytes(s.Log.DiskBytes))
				}
				if s.Log != nil && s.Log.Oldest != nil {
					fmt.Fprintf(w, "oldest  %s\n", term.Time(*s.Log.Oldest))
				}
				if t := s.Traffic; t != nil {
					fmt.Fprintf(w, "in      %s\nout     %s\n", in(*t), out(*t))
				}
				if b := s.Backup; b != nil {
					fmt.Fprintf(w, "backup  %s: %s, %s up to #%d\n", term.Time(b.Completed), b.Kind,
						humanize.IBytes(b.Bytes), b.Through)
				} else if s.Traffic != nil { // an older server says nothing of either
					fmt.Fprintln(w, "backup  none that this node knows of")
				}
				if s.Scrub != nil {
					printScrub(w, *s.Scrub)
				}
				printCertificates(w, s.Certificates)
				printWarnings(w, s.Warnings)
			})
		}, &cli.BoolFlag{Name: "ready", Usage: "fail unless the server takes clients, for healthchecks"})
}

func printCertificates(w io.Writer, all []view.Certificate) {
	for _, c := range all {
		fmt.Fprintf(w, "tls     %s until %s: %s\n        %s\n", term.Visible(c.Source), term.Time(c.Until),
			term.Visible(strings.Join(c.Names, ", ")), c.Fingerprint)
	}
}

func printScrub(w io.Writer, s view.ScrubStatus) {
	last := "never completed"
	if s.Completed != nil {
		last = "last completed " + term.Time(*s.Completed)
	}
	fmt.Fprintf(w, "scrub   %.0f %% of this round, %s\n", 100*s.Passed, last)
	if s.Repaired > 0 {
		fmt.Fprintf(w, "        %d damaged blocks were repaired from other nodes since the start\n", s.Repaired)
	}
	if s.Damage != "" {
		fmt.Fprintf(w, "DAMAGE  %s\n", term.Visible(s.Damage))
	}
}
