package cli

import (
	"context"
	"log/slog"
	"os"
	"reflect"

	"github.com/urfave/cli/v2"
	"gopkg.in/yaml.v3"

	"hpfriends/server"
)

// reloader reads the settings of a running server again at each SIGHUP.
type reloader struct {
	cli    *cli.Context
	now    Settings // the settings in force
	level  *slog.LevelVar
	logger *slog.Logger
	server *server.Server
}

// run ends when ctx is done.
func (r *reloader) run(ctx context.Context, hangUps <-chan os.Signal) {
	for {
		select {
		case <-hangUps:
			r.reload()
		case <-ctx.Done():
			return
		}
	}
}

// reload takes the new level of the log, and reads the file of --geoip and those of certificates. What else has changed
// is named, since it waits for the next start.
func (r *reloader) reload() {
	s, _, err := LoadSettings(r.cli)
	if err != nil {
		r.logger.Error("the settings cannot be read again, the old ones stay", "err", err)
		return
	}
	if err := r.server.Reload(); err != nil {
		r.logger.Error("a file cannot be read again, the old one stays", "err", err)
	}
	r.now.LogLevel = s.LogLevel
	r.level.Set(logLevel(s.Config))
	if waiting := differing(r.now, s); len(waiting) > 0 {
		r.logger.Warn("these settings have changed and are taken at the next start", "settings", waiting)
	}
	r.logger.Info("the settings were read again", "log-level", s.LogLevel)
}

// differing names the settings that differ.
func differing(a, b Settings) (names []string) {
	one, other := byName(a), byName(b)
	for _, name := range SettingNames {
		if !reflect.DeepEqual(one[name], other[name]) {
			names = append(names, name)
		}
	}
	return names
}

// byName has settings by their names in the file.
func byName(s Settings) map[string]any {
	all := make(map[string]any)
	raw, err := yaml.Marshal(s)
	if err == nil {
		err = yaml.Unmarshal(raw, &all)
	}
	if err != nil {
		panic(err) // strings, numbers and lists of them
	}
	return all
}
