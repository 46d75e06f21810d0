package cmdline

import (
	"slices"

	"github.com/urfave/cli/v2"
)

// defaultDataDir is where a server keeps its data when nothing else is said.
const defaultDataDir = "hpfriends-data"

// DataDirFlag returns the flag --data-dir. Every command that has to do with a server takes it, so
// that it may stand before any of them.
func DataDirFlag() cli.Flag {
	return &cli.StringFlag{Name: "data-dir", Value: defaultDataDir, EnvVars: []string{"HPFRIENDS_DATA_DIR"},
		Usage: "the server's `DIR`"}
}

// apiFlags are those of every command that asks a server.
func apiFlags(more ...cli.Flag) []cli.Flag {
	flags := []cli.Flag{
		DataDirFlag(),
		&cli.StringFlag{Name: "server", EnvVars: []string{"HPFRIENDS_SERVER"},
			Usage: "ask the server at `URL` instead, with an API token"},
		&cli.StringFlag{Name: "token-file", EnvVars: []string{"HPFRIENDS_TOKEN_FILE"},
			Usage: "`FILE` with the API token, - for standard input"},
		contextFlag(),
		&cli.StringFlag{Name: "as", EnvVars: []string{"HPFRIENDS_AS"}, Usage: "act as `USER` (on the local socket)"},
		&cli.BoolFlag{Name: "json", Usage: "print JSON"},
	}
	for _, f := range []cli.Flag{
		AuthorityFlag("certificates to trust, of --server or its authority"), PinFlag("of --server"),
	} { // a command that speaks to a broker, too, has one flag for both
		if !slices.ContainsFunc(more, func(m cli.Flag) bool { return m.Names()[0] == f.Names()[0] }) {
			flags = append(flags, f)
		}
	}
	return append(flags, more...)
}
