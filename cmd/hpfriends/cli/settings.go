package cli

import (
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"hpfriends/broker"
	"hpfriends/internal/calmlog"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/term"
	"hpfriends/server"
)

// SettingNames are the keys of the file, which are also the flags.
var SettingNames = []string{"data-dir", "node-id", "hpfeeds", "http", "http-redirect", "tls-cert", "tls-key",
	"domain", "acme-email", "acme-directory", "acme-ca",
	"trusted-proxies", "allowed-hosts", "geoip", "kiosk", "name", "compat", "auth",
	"max-message", "max-connections", "max-channels", "subscriber-memory", "retention", "retention-size",
	"retention-grace", "cold-after", "scrub-interval", "log-level", "log-format",
	"cluster", "advertise", "bootstrap", "join", "join-token-file", "nonvoter"}

// SettingFlags returns the flags of all settings.
func SettingFlags() []cli.Flag {
	env := func(name string) []string {
		return []string{"HPFRIENDS_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))}
	}
	return append(clusterFlags(env), []cli.Flag{
		cmdline.DataDirFlag(),
		&cli.StringFlag{Name: "config", EnvVars: env("config"),
			Usage: "YAML `FILE` with any of these settings, by the names of the flags"},
		&cli.StringFlag{Name: "node-id", EnvVars: env("node-id"), Usage: "`ID` of this node, fixed at its first start"},
		&cli.StringSliceFlag{Name: "hpfeeds", Aliases: []string{"e"}, EnvVars: env("hpfeeds"),
			Value: cli.NewStringSlice("tcp:port=10000", "tcp:port=20000"),
			Usage: "listen on `ENDPOINT`, like tcp:port=10000:interface=127.0.0.1 or tls:port=10001[:cert=F:key=F]; with " +
				":proxy=NETWORK, proxies there send PROXY headers (repeat for more)"},
		&cli.StringFlag{Name: "http", EnvVars: env("http"), Value: "127.0.0.1:8080",
			Usage: "serve the API on `HOST:PORT`, with TLS if there is --tls-cert, or on an endpoint as those of --hpfeeds; empty: " +
				"on the local socket only"},
		&cli.StringFlag{Name: "http-redirect", EnvVars: env("http-redirect"),
			Usage: "send who asks on `HOST:PORT` to HTTPS, but answer /ip"},
		&cli.StringFlag{Name: "tls-cert", EnvVars: env("tls-cert"),
			Usage: "PEM `FILE` of the certificate and its chain, for --http and tls: endpoints without cert; read again when it changes"},
		&cli.StringFlag{Name: "tls-key", EnvVars: env("tls-key"), Usage: "PEM `FILE` of the key of --tls-cert"},
		&cli.StringSliceFlag{Name: "domain", EnvVars: env("domain"),
			Usage: "obtain and renew a certificate for `NAME` of this server, in place of --tls-cert, and agree to the terms " +
				"of who issues it (NAME,NAME or repeat for more)"},
		&cli.StringFlag{Name: "acme-email", EnvVars: env("acme-email"),
			Usage: "`ADDRESS` to which the authority of --domain may write"},
		&cli.StringFlag{Name: "acme-directory", EnvVars: env("acme-directory"),
			Usage: "`URL` of the ACME directory of that authority; default: Let's Encrypt"},
		&cli.StringFlag{Name: "acme-ca", EnvVars: env("acme-ca"),
			Usage: "PEM `FILE` with the root that signed the directory's own certificate, where the machine does not trust it"},
		&cli.StringSliceFlag{Name: "trusted-proxies", EnvVars: env("trusted-proxies"),
			Usage: "believe X-Forwarded-For of `NETWORK`, like 10.0.0.0/8: of proxies before --http (repeat for more)"},
		&cli.StringSliceFlag{Name: "allowed-hosts", EnvVars: env("allowed-hosts"),
			Usage: "answer HTTP by the `NAME` of this server only, its addresses and localhost (repeat for more); default: by any, " +
				"but not by a name on a loopback address"},
		&cli.StringFlag{Name: "geoip", EnvVars: env("geoip"),
			Usage: "mmdb `FILE` with cities, by which the map finds addresses; read again on SIGHUP"},
		&cli.StringFlag{Name: "kiosk", EnvVars: env("kiosk"),
			Usage: "let everybody see the map of `USER:CHANNEL` at /kiosk, as USER sees it; sensors by country only"},
		&cli.StringFlag{Name: "name", EnvVars: env("name"), Value: "hpfriends", Usage: "broker `NAME` that clients are told"},
		&cli.StringFlag{Name: "compat", EnvVars: env("compat"), Value: "lineage",
			Usage: "`STYLE` of refusals: lineage, or reference (as the Python broker, which then closes)"},
		&cli.StringSliceFlag{Name: "auth", EnvVars: env("auth"),
			Usage: "also serve the authkeys of the key store `SOURCE` of a Python broker, as they are at any time: FILE.json, " +
				"a file of SQLite, or env (repeat for more: the first that has an ident counts)"},
		cmdline.SizeFlag("max-message", "10MiB", "largest payload accepted, a `SIZE` like 16MiB", env("max-message")...),
		&cli.IntFlag{Name: "max-connections", EnvVars: env("max-connections"),
			Usage: "take at most `N` hpfeeds connections, a quarter of them of one user; 0: what the limit of open files leaves"},
		&cli.IntFlag{Name: "max-channels", EnvVars: env("max-channels"), Value: broker.DefaultChannels,
			Usage: "let a member publish on at most `N` different channels a day; admins on any number"},
		cmdline.SizeFlag("subscriber-memory", "", "hold at most `SIZE` for subscribers that read slowly, beside 32 KiB for "+
			"each; default: a 64th of the memory, at most 256MiB", env("subscriber-memory")...),
		&cli.StringFlag{Name: "retention", EnvVars: env("retention"),
			Usage: "keep messages for `DURATION`, like 30d; empty: for ever. The audit is always kept"},
		&cli.StringFlag{Name: "retention-size", EnvVars: env("retention-size"),
			Usage: "keep at most `SIZE` of messages, like 50GiB; empty: no limit"},
		&cli.StringFlag{Name: "retention-grace", EnvVars: env("retention-grace"),
			Usage: "doubt a clock that has stepped, and wait before more than usual goes by its age, for `DURATION`; default: 24h, " +
				"or --retention if that is shorter"},
		&cli.StringFlag{Name: "cold-after", EnvVars: env("cold-after"), Value: "1m",
			Usage: "pack messages that are older than `DURATION` into blocks, which take less space, in a quarter of a processor; " +
				"off: never"},
		&cli.StringFlag{Name: "scrub-interval", EnvVars: env("scrub-interval"), Value: "7d",
			Usage: "read the whole log once in `DURATION`, to find damage; off: never"},
		&cli.StringFlag{Name: "log-level", EnvVars: env("log-level"), Value: "info", Usage: "`LEVEL`: debug, info, warn or error"},
		&cli.StringFlag{Name: "log-format", EnvVars: env("log-format"), Usage: "`FORMAT`: text or json; default: text on a terminal, else json"},
	}...)
}

// Settings are those of a server, and of what the command serve does beside it.
type Settings struct {
	server.Config `yaml:",inline"`

	Auth []string `yaml:"auth" json:"auth"` // key stores whose authkeys are served, too
}

// LoadSettings merges flags, environment and file, and tells where each value is from.
func LoadSettings(c *cli.Context) (Settings, map[string]string, error) {
	s := Settings{Config: serverSettings(c), Auth: c.StringSlice("auth")}
	origin := make(map[string]string)
	for _, name := range SettingNames {
		origin[name] = "default"
		if c.IsSet(name) {
			origin[name] = "flag or environment"
		}
	}
	path := c.String("config")
	if path == "" {
		return s, origin, settingUsage(s.Validate())
	}
	file, err := readSettings(path)
	if err != nil {
		return s, nil, err
	}
	for name := range file.given {
		if c.IsSet(name) {
			delete(file.given, name)
			continue
		}
		origin[name] = path
	}
	return s, origin, file.into(&s)
}

func serverSettings(c *cli.Context) server.Config {
	return server.Config{
		DataDir: c.String("data-dir"), NodeID: c.String("node-id"), Hpfeeds: c.StringSlice("hpfeeds"),
		WebConfig: server.WebConfig{
			HTTP: c.String("http"), Proxies: c.StringSlice("trusted-proxies"), Hosts: c.StringSlice("allowed-hosts"),
			Geo: c.String("geoip"), Kiosk: c.String("kiosk"),
		},
		TLS: server.TLSConfig{
			Cert: c.String("tls-cert"), Key: c.String("tls-key"), Redirect: c.String("http-redirect"),
			ACMEConfig: server.ACMEConfig{
				Domains: c.StringSlice("domain"), Email: c.String("acme-email"), Directory: c.String("acme-directory"),
				CA: c.String("acme-ca"),
			},
		},
		Name:     c.String("name"),
		Compat:   c.String("compat"),
		Scrub:    c.String("scrub-interval"),
		LogLevel: c.String("log-level"), LogFormat: c.String("log-format"),
		LimitsConfig: server.LimitsConfig{
			MaxMessage:     cmdline.Size(c, "max-message"),
			MaxConnections: c.Int("max-connections"), SubscriberMemory: cmdline.Size(c, "subscriber-memory"),
			MaxChannels: c.Int("max-channels"),
		},
		RetentionConfig: server.RetentionConfig{
			Retention: c.String("retention"), KeepBytes: c.String("retention-size"), KeepGrace: c.String("retention-grace"),
			ColdAfter: c.String("cold-after"),
		},
		ClusterConfig: loadClusterSettings(c),
	}
}

func logLevel(s server.Config) (level slog.Level) {
	_ = level.UnmarshalText([]byte(s.LogLevel)) // validated
	return level
}

// newLogger writes to f as the settings say, from level on, and to recent.
func newLogger(s server.Config, level slog.Leveler, f *os.File, recent io.Writer) *slog.Logger {
	o, w := &slog.HandlerOptions{Level: level}, io.MultiWriter(recent, f)
	if s.LogFormat == "json" || s.LogFormat == "" && !term.IsTerminal(f) {
		return slog.New(calmlog.New(slog.NewJSONHandler(w, o)))
	}
	return slog.New(calmlog.New(slog.NewTextHandler(w, o)))
}

func clusterFlags(env func(string) []string) []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "cluster", EnvVars: env("cluster"),
			Usage: "be a member of a cluster, and listen for the other members on `HOST:PORT`"},
		&cli.StringFlag{Name: "advertise", EnvVars: env("advertise"),
			Usage: "`HOST:PORT` that the other members dial; default: where --cluster listens"},
		&cli.BoolFlag{Name: "bootstrap", EnvVars: env("bootstrap"), Usage: "first start: begin a cluster with this node"},
		&cli.StringFlag{Name: "join", EnvVars: env("join"),
			Usage: "first start: join the cluster of the member at `HOST:PORT`"},
		&cli.StringFlag{Name: "join-token-file", EnvVars: env("join-token-file"),
			Usage: "first start: `FILE` with a token of cluster token create, - for standard input"},
		&cli.BoolFlag{Name: "nonvoter", EnvVars: env("nonvoter"), Usage: "stay without a vote: for readers far away"},
	}
}

func loadClusterSettings(c *cli.Context) server.ClusterConfig {
	return server.ClusterConfig{
		Cluster: c.String("cluster"), Advertise: c.String("advertise"), Bootstrap: c.Bool("bootstrap"),
		Join:          c.String("join"),
		JoinTokenFile: c.String("join-token-file"), Nonvoter: c.Bool("nonvoter"),
	}
}
