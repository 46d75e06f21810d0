package cli

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"os"
	"sync"

	"github.com/urfave/cli/v2"

	"hpfriends/api"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/proc"
	"hpfriends/internal/recentlog"
	"hpfriends/internal/secret"
	"hpfriends/internal/term"
	"hpfriends/server"
)

// Serve returns the command serve, which runs a server until it is interrupted.
func Serve() *cli.Command {
	return &cli.Command{
		Name: "serve", Aliases: []string{"server"}, Usage: "run a server", Flags: SettingFlags(),
		Description: `Keeps everything in the data directory, which must belong to this server
alone. Where it listens is written to addresses.json there. Ends cleanly on
SIGINT and SIGTERM. On SIGHUP, which it also gets when its terminal closes,
it goes on: it reads its settings again, takes log-level from them, and says
which others wait for the next start; it reads the file of --geoip again.
Certificates of TLS endpoints are read again by themselves when their files
have changed. While there is no admin, it prints a link that makes one; in
the environment, HPFRIENDS_ADMIN_PASSWORD or HPFRIENDS_ADMIN_PASSWORD_FILE
makes one without it, called admin or as HPFRIENDS_ADMIN says.`,
		Action: func(c *cli.Context) error {
			if _, err := cmdline.Args(c); err != nil {
				return err
			}
			hangUps := cmdline.OutliveTerminal()
			s, _, err := LoadSettings(c)
			if err != nil {
				return err
			}
			if s.FirstAdmin, err = firstAdmin(); err != nil {
				return err
			}
			sources, err := authSources(s.Auth)
			if err != nil {
				return err
			}
			stop, err := proc.StartProfile(os.Getenv(proc.ProfileEnv))
			if err != nil {
				return err
			}
			defer stop()
			return serve(c, s, sources, hangUps)
		},
	}
}

// recentBytes of the server's log are kept in memory, for hpfriends debug bundle.
const recentBytes = 256 << 10

// serve runs a server, which follows key stores and reads its settings again at each hang-up.
func serve(c *cli.Context, s Settings, sources []authSource, hangUps <-chan os.Signal) error {
	r := &reloader{cli: c, now: s, level: new(slog.LevelVar)}
	r.level.Set(logLevel(s.Config))
	recent := recentlog.New(recentBytes)
	r.logger = newLogger(s.Config, r.level, os.Stderr, recent)
	r.server = server.New(s.Config, r.logger)
	r.server.RecentLog = recent
	ctx, stop := context.WithCancel(c.Context)
	var reloads sync.WaitGroup
	reloads.Go(func() { r.run(ctx, hangUps) })
	f := follower{sources: sources, server: api.Local(s.DataDir), logger: r.logger}
	reloads.Go(func() { f.run(ctx) })
	err := r.server.Run(c.Context)
	stop()
	reloads.Wait()
	return settingUsage(err)
}

// firstAdmin is read from the environment only: a flag would show the password to everybody on the machine.
func firstAdmin() (server.FirstAdmin, error) {
	const name = "HPFRIENDS_ADMIN_PASSWORD"
	password, path := os.Getenv(name), os.Getenv(name+"_FILE")
	if password != "" && path != "" {
		return server.FirstAdmin{}, cmdline.Usage("%s and %s_FILE: give one of them", name, name)
	}
	if path != "" {
		line, err := secret.ReadFile(path, os.Stdin)
		if err != nil {
			return server.FirstAdmin{}, cmdline.Usage("%s_FILE: %v", name, err)
		}
		password = string(line)
	}
	f := server.FirstAdmin{
		Handle: cmp.Or(os.Getenv("HPFRIENDS_ADMIN"), "admin"), Password: secret.New(password),
	}
	if term.IsTerminal(os.Stderr) {
		f.Tell = os.Stderr
	}
	return f, settingUsage(f.Validate())
}

// settingUsage is the error, and a mistake in the command line if a setting is to blame.
func settingUsage(err error) error {
	var bad *server.ConfigError
	if errors.As(err, &bad) {
		return cmdline.Usage("%s", err.Error())
	}
	return err
}
