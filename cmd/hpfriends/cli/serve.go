package cli

import (
	"errors"
	"os"

	"github.com/urfave/cli/v2"

	"hpfriends/internal/cmdline"
	"hpfriends/internal/proc"
	"hpfriends/server"
)

// Serve returns the command serve, which runs a server until it is interrupted.
func Serve() *cli.Command {
	return &cli.Command{
		Name: "serve", Aliases: []string{"server"}, Usage: "run a server", Flags: settingFlags(),
		Description: `Keeps everything in the data directory, which must belong to this server
alone. Where it listens is written to addresses.json there. Ends cleanly on
SIGINT and SIGTERM.`,
		Action: func(c *cli.Context) error {
			if _, err := cmdline.Args(c); err != nil {
				return err
			}
			s, _, err := loadSettings(c)
			if err != nil {
				return err
			}
			stop, err := proc.StartProfile(os.Getenv(proc.ProfileEnv))
			if err != nil {
				return err
			}
			defer stop()
			return settingUsage(server.New(s, newLogger(s, os.Stderr)).Run(c.Context))
		},
	}
}

// settingUsage is the error, and a mistake in the command line if a setting is to blame.
func settingUsage(err error) error {
	var bad *server.ConfigError
	if errors.As(err, &bad) {
		return cmdline.Usage("%s", bad.Error())
	}
	return err
}
