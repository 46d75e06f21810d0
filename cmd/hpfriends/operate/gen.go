package operate

import (
	"bytes"
	"io"

	"github.com/urfave/cli/v2"

	"hpfriends/cmd/hpfriends/reference"
	"hpfriends/internal/cmdline"
	"hpfriends/packaging"
)

// Gen returns the command gen, which prints what belongs around the program: units, dashboards, manual.
func Gen() *cli.Command {
	file := func(name, usage, path string) *cli.Command {
		return generator(name, usage, func(*cli.Context) ([]byte, error) { return packaging.Files.ReadFile(path) })
	}
	compose := generator("compose", "print a compose file for containers", func(c *cli.Context) ([]byte, error) {
		switch c.Int("nodes") {
		case 1:
			return packaging.Files.ReadFile("compose/one.yaml")
		case 3:
			return packaging.Files.ReadFile("compose/three.yaml")
		default:
			return nil, cmdline.Usage("--nodes %d: want 1 or 3", c.Int("nodes"))
		}
	})
	compose.Flags = append(compose.Flags, &cli.IntFlag{Name: "nodes", Value: 1, Usage: "for `N` nodes, 1 or 3"})
	return &cli.Command{
		Name: "gen", Usage: "print what belongs around the program", Subcommands: []*cli.Command{
			generator("grafana", "print a dashboard for Grafana, to import",
				func(*cli.Context) ([]byte, error) { return packaging.Dashboard() }),
			file("prometheus-rules", "print alert rules for Prometheus", "prometheus/rules.yaml"),
			systemd(),
			compose,
			generator("man", "print the manual page, for man -l -", rendered(reference.Manual)),
			generator("cli", "print the reference of all commands, as Markdown", rendered(reference.Write)),
		},
	}
}

// systemd prints the unit of the service, or of its sockets by their FileDescriptorName.
func systemd() *cli.Command {
	sub := generator("systemd", "print a unit for systemd", func(c *cli.Context) ([]byte, error) {
		switch name := c.String("socket"); name {
		case "":
			return packaging.Files.ReadFile("systemd/hpfriends.service")
		case "hpfeeds", "http":
			return packaging.Files.ReadFile("systemd/hpfriends-" + name + ".socket")
		default:
			return nil, cmdline.Usage("--socket %s: want hpfeeds or http", name)
		}
	})
	sub.Flags = append(sub.Flags, &cli.StringFlag{
		Name: "socket", Usage: "that of a socket, `NAME` hpfeeds or http, not of the service",
	})
	return sub
}

// rendered is the text that write writes of the program.
func rendered(write func(io.Writer, *cli.App) error) func(*cli.Context) ([]byte, error) {
	return func(c *cli.Context) ([]byte, error) {
		var b bytes.Buffer
		err := write(&b, c.App)
		return b.Bytes(), err
	}
}

func generator(name, usage string, text func(*cli.Context) ([]byte, error)) *cli.Command {
	return &cli.Command{
		Name: name, Usage: usage, Flags: []cli.Flag{cmdline.DataDirFlag()},
		Action: func(c *cli.Context) error {
			if _, err := cmdline.Args(c); err != nil {
				return err
			}
			out, err := text(c)
			if err != nil {
				return err
			}
			_, err = c.App.Writer.Write(out)
			return err
		},
	}
}
