package main

import (
	"errors"
	"os"
	"runtime/pprof"

	"github.com/urfave/cli/v2"
)

func serveCommand() *cli.Command {
	return &cli.Command{
		Name: "serve", Aliases: []string{"server"}, Usage: "run a server", Flags: settingFlags(),
		Description: "Keeps everything in the data directory, which must belong to it alone. Where it listens is written to\n" +
			"addresses.json there. Ends cleanly on SIGINT and SIGTERM.",
		Action: func(c *cli.Context) error {
			if _, err := words(c); err != nil {
				return err
			}
			s, _, err := loadSettings(c)
			if err != nil {
				return err
			}
			stop, err := startProfile(os.Getenv(cpuProfileEnv))
			if err != nil {
				return err
			}
			defer stop()
			return settingUsage(newServer(s, newLogger(s, os.Stderr)).run(c.Context))
		},
	}
}

// cpuProfileEnv names a file for a CPU profile of the whole run; `hpfriends bench --profile` sets it.
const cpuProfileEnv = "HPFRIENDS_CPUPROFILE"

func startProfile(path string) (stop func(), err error) {
	if path == "" {
		return func() {}, nil
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, err
	}
	return func() { pprof.StopCPUProfile(); _ = f.Close() }, nil
}

// settingUsage is the error, and a mistake in the command line if a setting is to blame.
func settingUsage(err error) error {
	var bad *settingError
	if errors.As(err, &bad) {
		return usage("%s", bad.Error())
	}
	return err
}
