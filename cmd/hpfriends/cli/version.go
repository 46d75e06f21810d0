package cli

import (
	"fmt"
	"io"
	"runtime"

	"github.com/urfave/cli/v2"

	"hpfriends/internal/buildinfo"
	"hpfriends/internal/cmdline"
)

// Version returns the command version.
func Version() *cli.Command {
	return &cli.Command{
		Name: "version", Usage: "print the version", Flags: []cli.Flag{cmdline.DataDirFlag(),
			&cli.BoolFlag{Name: "json", Usage: "print JSON"}},
		Action: func(c *cli.Context) error {
			v := struct {
				Version string `json:"version"`
				Go      string `json:"go"`
			}{buildinfo.Version(), runtime.Version()}
			return cmdline.Show(c, v, func(w io.Writer) { fmt.Fprintf(w, "hpfriends %s (%s)\n", v.Version, v.Go) })
		},
	}
}
