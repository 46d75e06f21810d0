package main

import (
	"fmt"
	"io"
	"runtime"

	"hpfriends/internal/buildinfo"

	"github.com/urfave/cli/v2"
)

func versionCommand() *cli.Command {
	return &cli.Command{
		Name: "version", Usage: "print the version", Flags: []cli.Flag{dataDirFlag(), &cli.BoolFlag{Name: "json", Usage: "print JSON"}},
		Action: func(c *cli.Context) error {
			v := struct {
				Version string `json:"version"`
				Go      string `json:"go"`
			}{buildinfo.Version(), runtime.Version()}
			return show(c, v, func(w io.Writer) { fmt.Fprintf(w, "hpfriends %s (%s)\n", v.Version, v.Go) })
		},
	}
}
