package feed

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/urfave/cli/v2"

	"hpfriends/api"
	"hpfriends/internal/atomicfile"
	"hpfriends/internal/bytesize"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/ndjson"
	"hpfriends/internal/term"
)

// Export returns the command export, which writes past messages to a file that is there when it is whole, and has
// others below it.
func Export(below ...*cli.Command) *cli.Command {
	cmd := cmdline.APICommand("export", "write past messages to a file, as lines of JSON", "CHANNEL...",
		func(c *cli.Context, server *api.Client) error {
			p, err := pastOf(c, c.Args().Slice())
			if err == nil {
				err = p.required()
			}
			if err != nil {
				return err
			}
			ctx, stop := cmdline.UntilInterrupt(c.Context)
			defer stop()
			return exportTo(ctx, c, server, p)
		}, pastFlags(
			&cli.StringFlag{Name: "output", Aliases: []string{"o"},
				Usage: "`FILE`, compressed when it ends in .zst; it is there when it is complete. Without it: standard output"},
			&cli.BoolFlag{Name: "force", Usage: "replace the file if there is one"})...)
	cmd.Subcommands = below
	cmd.Description = `CHANNEL may be a pattern. The last line says how many messages there are, so
that import can tell whether a file is whole.`
	return cmd
}

func exportTo(ctx context.Context, c *cli.Context, server *api.Client, p past) error {
	path := c.String("output")
	if path == "" {
		return export(ctx, c, server, p, c.App.Writer)
	}
	if _, err := os.Stat(path); err == nil && !c.Bool("force") {
		return cmdline.Fail(cmdline.ExitConflict, term.Visible(path)+" exists: give another name, or --force to replace it")
	}
	return writeWhole(path, func(w io.Writer) error { return export(ctx, c, server, p, w) })
}

// writeWhole has write fill a file that is there under its name when it is whole and on disk, and not before. Other
// files of that name stay as they are until then.
func writeWhole(path string, write func(io.Writer) error) error {
	var failed error // of write, which knows its exit code
	err := atomicfile.Fill(path, 0o600, func(f io.Writer) error {
		buffered := bufio.NewWriterSize(f, 1<<20)
		if failed = compressed(path, buffered, write); failed != nil {
			return failed
		}
		return buffered.Flush()
	})
	if err != nil && failed == nil {
		return cmdline.Fail(cmdline.ExitFailed, err.Error())
	}
	return failed
}

// isZstd is whether a file is compressed, by its name.
func isZstd(path string) bool { return strings.HasSuffix(path, ".zst") }

func compressed(path string, w io.Writer, write func(io.Writer) error) error {
	if !isZstd(path) {
		return write(w)
	}
	z, err := zstd.NewWriter(w)
	if err != nil {
		return err
	}
	if err := write(z); err != nil {
		_ = z.Close()
		return err
	}
	return z.Close()
}

// export writes the messages and the last line.
func export(ctx context.Context, c *cli.Context, server *api.Client, p past, w io.Writer) error {
	var total uint64
	if term.IsTerminal(c.App.ErrWriter) {
		n, err := countMessages(ctx, server, p)
		if err != nil {
			return err
		}
		total = n.Messages
	}
	shown := term.NewProgress(c.App.ErrWriter, "messages", total)
	end, err := readMessages(ctx, server, p, func(line []byte, r ndjson.Record) error {
		if r.Gap != nil {
			shown.Clear()
			tellGap(c.App.ErrWriter, r.Gap.From, r.Gap.To)
			return nil
		}
		shown.Add(1)
		_, err := w.Write(line)
		return err
	})
	if err == nil && end.Messages == 0 {
		err = p.nothing(ctx, server, c.App.ErrWriter)
	}
	if err == nil {
		_, err = w.Write(ndjson.AppendEnd(nil, end))
	}
	if err != nil {
		shown.Clear()
		return err
	}
	shown.Done("message")
	return nil
}

// Import returns the command import, which publishes what export wrote, and has others below it.
func Import(below ...*cli.Command) *cli.Command {
	var flags []cli.Flag
	for _, f := range brokerFlags() {
		if f.Names()[0] != "channel" {
			flags = append(flags, f)
		}
	}
	flags = append(flags, cmdline.BrokerContextFlag(),
		&cli.StringFlag{Name: "channel", Aliases: []string{"c"},
			Usage: "publish on `CHANNEL` instead of the one each message came on"},
		&cli.Uint64Flag{Name: "from-line", Value: 1, Usage: "go on with line `N`: what an import that failed says"},
		&cli.BoolFlag{Name: "partial", Usage: "take a file without the last line of an export, as sub --json writes it"},
		cmdline.SizeFlag("max-message", "10MiB", "largest payload that there may be, a `SIZE`: bounds the memory of a line"),
		&cli.BoolFlag{Name: "dry-run", Usage: "read the file to its end and publish nothing"}, waitFlag())
	return &cli.Command{
		Name: "import", Usage: "publish the messages of a file that export wrote", ArgsUsage: "FILE", Flags: flags,
		Subcommands: below,
		Description: `FILE is lines of JSON as export or sub --json writes them, compressed if it
ends in .zst; - is standard input. The messages are published now, with -i
and -s: their time and ident become those of this import. A file without the
last line of an export is published as far as it goes, and the exit code is
1, since it may have been cut off; --partial says that it has none. Text that
would not be published byte for byte is refused: export has base64 for it.`,
		Action: func(c *cli.Context) error {
			args, err := cmdline.Args(c)
			if err != nil {
				return err
			}
			t := &target{channel: c.String("channel"), ours: false, wait: waitOf(c)}
			if strings.HasPrefix(t.channel, "$") {
				return cmdline.Usage("--channel %q: nobody publishes on channels that begin with $", t.channel)
			}
			if args[0] == "-" && c.String("secret-file") == "-" && !c.IsSet("secret") {
				return cmdline.Usage("standard input cannot be both the secret and the data")
			}
			if !c.Bool("dry-run") {
				if err = cmdline.EnterBroker(c); err == nil {
					t.dial, err = loginOf(c, c.App.Reader)
				}
				if err != nil {
					return badUsage(err)
				}
			}
			ctx, stop := cmdline.UntilInterrupt(c.Context)
			defer stop()
			i := importing{target: t, from: max(c.Uint64("from-line"), 1), notes: c.App.ErrWriter, name: args[0],
				partial: c.Bool("partial"), longest: longestLine(cmdline.Size(c, "max-message"))}
			return i.run(ctx, c.App.Reader, c.Bool("dry-run"))
		},
	}
}

// importing publishes the lines of a file.
type importing struct {
	target  *target
	from    uint64 // first line to publish, from 1
	notes   io.Writer
	name    string
	partial bool // the file has no last line of an export
	longest int  // bytes of a line

	line     uint64 // read so far
	messages uint64 // in them
	whole    bool   // the last line was there
}

// longestLine returns how long the line of a message can be: a byte is six where each is escaped.
func longestLine(payload bytesize.Size) int {
	return 6*int(min(payload, math.MaxInt32)) + 16<<10
}

// zstdWindow is how far back a compressed file may refer, which a reader has to keep: what RFC 8878 recommends that
// every reader takes, and what zstd needs up to -19.
const zstdWindow = 8 << 20

func (i *importing) run(ctx context.Context, stdin io.Reader, dry bool) error {
	r, size := stdin, uint64(0)
	if i.name != "-" {
		f, err := os.Open(i.name)
		if err != nil {
			return cmdline.Fail(cmdline.ExitFailed, err.Error())
		}
		defer f.Close()
		if info, err := f.Stat(); err == nil {
			size = uint64(info.Size())
		}
		r = f
	}
	shown := term.NewProgress(i.notes, "messages", 0)
	r = &watched{r, size, 0, shown}
	if isZstd(i.name) {
		z, err := zstd.NewReader(r, zstd.WithDecoderMaxWindow(zstdWindow), zstd.WithDecoderConcurrency(1),
			zstd.WithDecoderLowmem(true))
		if err != nil {
			return err
		}
		defer z.Close()
		r = z
	}
	err := i.publish(ctx, r, shown, dry)
	if err != nil {
		shown.Clear()
		return err
	}
	shown.Done("message")
	return i.complete()
}

// complete refuses a file that ended too early.
func (i *importing) complete() error {
	switch {
	case !i.whole && !i.partial:
		return cmdline.Fail(cmdline.ExitFailed, fmt.Sprintf("%s is not complete: it has no last line of an export. Its %d "+
			"messages are taken; for a file that never had that line, as of sub --json, give --partial", i.name, i.messages))
	case i.from > i.line+1: // an import that was confirmed to its end goes on there
		return cmdline.Fail(cmdline.ExitFailed, fmt.Sprintf("%s has %d lines: there is no line %d", i.name, i.line, i.from))
	}
	return nil
}

func (i *importing) publish(ctx context.Context, r io.Reader, shown *term.Progress, dry bool) error {
	if dry {
		return i.each(ctx, r, shown, func(string, []byte) error { return nil })
	}
	d, err := Deliver(ctx, i.target.dial, Terms{Ours: i.target.ours, Wait: i.target.wait, Notes: i.notes})
	if err != nil {
		return err
	}
	err = d.Finish(ctx, i.each(ctx, r, shown, d.Publish))
	var f *cmdline.Failure
	if errors.As(err, &f) && d.acks {
		// A message is a line: of what else may be in a file, an export has nothing but the last line.
		n, _, _ := d.progress()
		f.Text = strings.TrimPrefix(f.Text+fmt.Sprintf("; go on with --from-line %d", i.from+n), "; ")
	}
	return err
}

// each calls hand for every message from line from on.
func (i *importing) each(ctx context.Context, r io.Reader, shown *term.Progress,
	hand func(channel string, payload []byte) error) error {
	lines := bufio.NewReaderSize(r, 256<<10)
	for ctx.Err() == nil {
		b, err := i.readLine(lines)
		if errors.Is(err, io.EOF) && len(b) == 0 {
			return nil
		}
		i.line++
		if err != nil && !errors.Is(err, io.EOF) {
			return i.bad(err)
		}
		rec, err := ndjson.Parse(b)
		switch {
		case err != nil:
			return i.bad(err)
		case i.whole:
			return i.bad(errors.New("after the last line of an export"))
		case rec.End != nil && (!rec.End.End || rec.End.Messages != i.messages):
			return i.bad(fmt.Errorf("the file should have %d messages, and has %d", rec.End.Messages, i.messages))
		case rec.End != nil:
			i.whole = true
		case rec.Message != nil:
			i.messages++
			if i.line < i.from {
				continue
			}
			channel := i.target.channel
			if channel == "" {
				channel = string(rec.Message.Channel)
			}
			if err := hand(channel, rec.Message.Payload); err != nil {
				return err
			}
			shown.Add(1)
		}
	}
	return ctx.Err()
}

// readLine returns a line with its end, until the next call. What does not fit into the buffer is kept in parts: what
// append leaves behind while it grows would be several times the line.
func (i *importing) readLine(r *bufio.Reader) ([]byte, error) {
	part, err := r.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return part, err
	}
	var parts [][]byte
	for size := 0; errors.Is(err, bufio.ErrBufferFull); part, err = r.ReadSlice('\n') {
		if size += len(part); size > i.longest {
			return part, errors.New("longer than a message can be: if it is one, give --max-message SIZE")
		}
		parts = append(parts, bytes.Clone(part))
	}
	return bytes.Join(append(parts, part), nil), err
}

// bad says where the file is damaged.
func (i *importing) bad(err error) error {
	return cmdline.Fail(cmdline.ExitFailed, fmt.Sprintf("%s, line %d: %v", i.name, i.line, err))
}

// watched shows how much of a file is read, since nobody knows how many messages that is.
type watched struct {
	r     io.Reader
	size  uint64 // 0: unknown
	read  uint64
	shown *term.Progress
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	w.read += uint64(n)
	if w.size > 0 {
		w.shown.Share(float64(w.read) / float64(w.size))
	}
	return n, err
}
