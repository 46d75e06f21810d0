package operate

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"hpfriends/api"
	"hpfriends/cmd/hpfriends/cli"
	"hpfriends/internal/atomicfile"
	"hpfriends/internal/buildinfo"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/term"
)

// Debug returns the command debug.
func Debug() *urfave.Command {
	return &urfave.Command{
		Name: "debug", Usage: "what to send with a report of a bug", Subcommands: []*urfave.Command{{
			Name: "bundle", Usage: "write a .tar.gz for a report of a bug", ArgsUsage: "FILE",
			Description: `The file has the version, the settings, what doctor says, and of a running
server its state, its cluster, metrics, stacks, a profile of its memory and
the newest lines of its log. It has no secrets, no payloads and no messages,
but names of users, authkeys and channels, and addresses: look into it, and
send it only to whom you trust with those. Run it as the user of the server.`,
			Flags: cli.SettingFlags(),
			Action: func(c *urfave.Context) error {
				args, err := cmdline.Args(c)
				if err != nil {
					return err
				}
				if _, err := os.Lstat(args[0]); !errors.Is(err, fs.ErrNotExist) {
					return cmdline.Fail(cmdline.ExitConflict, args[0]+" is there already: name a file that is not")
				}
				p := newPatient(c)
				err = atomicfile.Fill(args[0], 0o600, func(w io.Writer) error { return writeBundle(c.Context, c, p, w) })
				if err != nil {
					return err
				}
				fmt.Fprintf(c.App.Writer, "%s is written: it has no secrets and no payloads, but names and addresses\n", args[0])
				return nil
			},
		}},
	}
}

// part is one file of a bundle.
type part struct {
	name, about string
	write       func(io.Writer) error
}

// parts are all files of a bundle. Whatever is added here: no secret, no payload, nothing that is read out of a file
// of secrets or out of the log.
func parts(ctx context.Context, c *urfave.Context, p *patient) []part {
	server := api.Local(p.dir)
	all := []part{
		{"version.txt", "the program and the machine", func(w io.Writer) error {
			host, err := kernel()
			_, e := fmt.Fprintf(w, "hpfriends %s, %s, %s/%s, %d processors\n%s\n", buildinfo.Version(), runtime.Version(),
				runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), host)
			return errors.Join(err, e)
		}},
		{"settings.txt", "the settings that the command was given, and where each is from; files of secrets by name only",
			func(w io.Writer) error {
				s, origin, err := cli.LoadSettings(c)
				if err != nil {
					return err
				}
				return printSettings(w, s, origin)
			}},
		{"doctor.txt", "what doctor says", func(w io.Writer) error {
			printReport(w, examine(ctx, p))
			return nil
		}},
	}
	if !p.running {
		return all
	}
	diagnostics := func(name, what, about string) part {
		return part{name, about, func(w io.Writer) error {
			r, err := api.ReadDiagnostics.Open(ctx, server, api.DiagnosticsQuery{What: what})
			if err != nil {
				return err
			}
			defer r.Close()
			_, err = io.Copy(w, r)
			return err
		}}
	}
	return append(all,
		part{"status.json", "the state of the server", answer(ctx, server, api.ShowStatus)},
		part{"retention.json", "how long messages are kept, and the clock", answer(ctx, server, api.ShowRetention)},
		part{"cluster.json", "the members of its cluster", answer(ctx, server, api.ShowCluster)},
		diagnostics("metrics.txt", "metrics", "metrics, as Prometheus reads them"),
		diagnostics("goroutines.txt", "goroutines", "what each goroutine waits for"),
		diagnostics("heap.pb.gz", "heap", "what memory is used for: go tool pprof heap.pb.gz"),
		diagnostics("log.txt", "log", "the newest lines of the server's own log"),
	)
}

// answer writes what an operation answers.
func answer[Out any](ctx context.Context, server *api.Client, op api.Op[api.None, Out]) func(io.Writer) error {
	return func(w io.Writer) error {
		out, err := op.Call(ctx, server, api.None{})
		if err != nil {
			return err
		}
		return term.WriteJSON(w, out)
	}
}

// writeBundle writes all parts. One that cannot be had says why in its place: a bundle is made when things are broken.
func writeBundle(ctx context.Context, c *urfave.Context, p *patient, w io.Writer) error {
	zip := gzip.NewWriter(w)
	files := tar.NewWriter(zip)
	add := func(name string, content []byte) error {
		err := files.WriteHeader(&tar.Header{
			Name: "hpfriends-bundle/" + name, Mode: 0o600, Size: int64(len(content)), ModTime: p.now.Truncate(time.Second),
		})
		if err != nil {
			return err
		}
		_, err = files.Write(content)
		return err
	}
	var contents strings.Builder
	fmt.Fprintf(&contents, "Made %s. No secrets and no payloads are in it, but names and addresses.\n\n",
		p.now.UTC().Format(time.RFC3339))
	for _, part := range parts(ctx, c, p) {
		var b bytes.Buffer
		if err := part.write(&b); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			fmt.Fprintf(&b, "\nthis could not be had: %v\n", err)
		}
		fmt.Fprintf(&contents, "%-16s%s\n", part.name, part.about)
		if err := add(part.name, b.Bytes()); err != nil {
			return err
		}
	}
	return errors.Join(add("README", []byte(contents.String())), files.Close(), zip.Close())
}
