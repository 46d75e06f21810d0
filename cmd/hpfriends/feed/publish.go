package feed

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	timerate "golang.org/x/time/rate"

	"hpfriends/internal/cmdline"
	"hpfriends/wire"
)

// Publication is what to publish and where: each payload on every channel.
type Publication struct {
	Dial     wire.DialConfig
	Channels []string
	Payloads iter.Seq2[[]byte, error]
	Count    int            // times each payload is sent
	Rate     timerate.Limit // messages per second
	Wait     time.Duration  // for the broker's verdict; 0: none is waited for
}

// Pub returns the command pub, which publishes its arguments, files or lines.
func Pub() *cli.Command {
	flags := append(brokerFlags(),
		&cli.GenericFlag{Name: "file", Aliases: []string{"f"}, Value: &nameList{},
			Usage: "publish the content of `FILE`, - for standard input; all arguments are files, too (repeat for more)"},
		&cli.BoolFlag{Name: "stdin-lines", Usage: "publish each line of standard input"},
		&cli.IntFlag{Name: "count", Value: 1, Usage: "send each message `N` times"},
		&cli.StringFlag{Name: "rate", Usage: "at most `N/s` messages, like 100/s"},
		waitFlag())
	return &cli.Command{
		Name: "pub", Aliases: []string{"publish"}, Usage: "publish messages",
		ArgsUsage: "[DATA...]",
		Description: `DATA is joined by one space to one message.
Exit codes: 0 the broker took everything, 4 it refused, 6 it cannot be
reached or gave no verdict in time.`,
		Flags:  flags,
		Action: publishAction(pubPayloads),
	}
}

// Sendfile returns the command sendfile, which publishes files.
func Sendfile() *cli.Command {
	return &cli.Command{
		Name: "sendfile", Usage: "publish files, one message each",
		ArgsUsage: "FILE...",
		Flags:     append(brokerFlags(), waitFlag()),
		Action: publishAction(func(c *cli.Context) (iter.Seq2[[]byte, error], error) {
			if c.NArg() == 0 {
				return nil, errors.New("no file")
			}
			return FileContents(c.Args().Slice(), c.App.Reader), nil
		}),
	}
}

func waitFlag() cli.Flag {
	return &cli.DurationFlag{Name: "wait", Value: DefaultWait,
		Usage: "wait for the broker's verdict for `TIME`; 0: do not wait"}
}

// publishAction is the action of a command that publishes what source finds in its arguments.
func publishAction(source func(*cli.Context) (iter.Seq2[[]byte, error], error)) cli.ActionFunc {
	return func(c *cli.Context) error {
		p, err := publicationOf(c)
		if err == nil {
			p.Payloads, err = source(c)
		}
		if err != nil {
			return badUsage(err)
		}
		ctx, stop := cmdline.UntilInterrupt(c.Context)
		defer stop()
		return p.run(ctx)
	}
}

func publicationOf(c *cli.Context) (p Publication, err error) {
	if c.String("secret-file") == "-" && !c.IsSet("secret") &&
		(c.Bool("stdin-lines") || slices.Contains(append(namesOf(c, "file"), c.Args().Slice()...), "-")) {
		return p, errors.New("standard input cannot be both the secret and the data")
	}
	p.Count, p.Rate, p.Wait = max(c.Int("count"), 1), timerate.Inf, c.Duration("wait")
	if text := c.String("rate"); text != "" {
		if p.Rate, err = parseRate(text); err != nil {
			return p, err
		}
	}
	if p.Dial, p.Channels, err = dialConfig(c, c.App.Reader); err != nil {
		return p, err
	}
	for _, ch := range p.Channels {
		if ch == "" || len(ch) > wire.MaxName {
			return p, fmt.Errorf("channel of %d bytes: want 1 to %d", len(ch), wire.MaxName)
		}
	}
	return p, nil
}

// parseRate reads "20" or "20/s".
func parseRate(s string) (timerate.Limit, error) {
	n, err := strconv.ParseFloat(strings.TrimSuffix(s, "/s"), 64)
	if err != nil || !(n > 0) {
		return 0, fmt.Errorf("rate %q: want messages per second, like 20/s or 0.5/s", s)
	}
	return timerate.Limit(n), nil
}

// pubPayloads is what the arguments of pub say to publish.
func pubPayloads(c *cli.Context) (iter.Seq2[[]byte, error], error) {
	files, lines, words := namesOf(c, "file"), c.Bool("stdin-lines"), c.Args().Slice()
	switch {
	case lines && (len(files) > 0 || len(words) > 0):
		return nil, errors.New("--stdin-lines publishes nothing but lines: leave out files and data")
	case lines:
		return lineContents(c.App.Reader), nil
	case len(files) > 0:
		return FileContents(append(files, words...), c.App.Reader), nil
	case len(words) == 0:
		return nil, errors.New("nothing to publish: give DATA, -f FILE or --stdin-lines")
	}
	return OneContent([]byte(strings.Join(words, " "))), nil
}

// OneContent yields one payload.
func OneContent(payload []byte) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) { yield(payload, nil) }
}

// FileContents yields the content of each file, or of stdin for "-". It ends with the first that cannot be read.
func FileContents(paths []string, stdin io.Reader) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for _, path := range paths {
			var data []byte
			var err error
			if path == "-" {
				data, err = io.ReadAll(stdin)
			} else {
				data, err = os.ReadFile(path)
			}
			if !yield(data, err) {
				return
			}
		}
	}
}

// lineContents yields lines of any length without their end; the last one needs none.
func lineContents(r io.Reader) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for b := bufio.NewReader(r); ; {
			line, err := b.ReadBytes('\n')
			if len(line) > 0 {
				line = []byte(strings.TrimSuffix(strings.TrimSuffix(string(line), "\n"), "\r"))
				if !yield(line, nil) {
					return
				}
			}
			if err != nil {
				if err != io.EOF {
					yield(nil, err)
				}
				return
			}
		}
	}
}

// run connects, publishes and waits for the verdict; its errors have exit codes.
func (p Publication) run(ctx context.Context) error {
	conn, err := wire.Dial(ctx, p.Dial)
	if err == nil {
		err = p.Over(ctx, conn)
	}
	var content *contentError
	if errors.As(err, &content) {
		return cmdline.Fail(cmdline.ExitFailed, content.Error())
	}
	return connectionFailure(err)
}

// ErrNoVerdict says that a broker neither refused nor ended the connection.
var ErrNoVerdict = errors.New("the broker gave no verdict in time, so whether it took the messages is unknown: wait " +
	"longer with --wait")

// Over publishes on conn, and closes it. hpfeeds has no confirmation. But a broker handles what it was sent before it
// answers the end of a connection with its own, so an end without an ERROR says that nothing was refused. A refusal is
// a *wire.BrokerError; ErrNoVerdict says that the end did not come in time.
func (p Publication) Over(ctx context.Context, conn *wire.ClientConn) error {
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	verdict := make(chan error, 1)
	go func() { verdict <- readVerdict(conn) }()
	sendErr := p.send(ctx, conn, verdict)
	var content *contentError
	unread := errors.As(sendErr, &content)
	if sendErr == nil {
		_ = conn.CloseWrite()
	}
	if unread || p.Wait <= 0 && sendErr == nil {
		_ = conn.SetReadDeadline(time.Now())
	} else {
		_ = conn.SetReadDeadline(time.Now().Add(max(p.Wait, lastWords)))
	}
	err := <-verdict
	var refusal *wire.BrokerError
	late := errors.Is(err, os.ErrDeadlineExceeded)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &refusal):
		return err
	case unread, sendErr == nil && errors.Is(err, io.EOF), p.Wait <= 0 && late:
		return sendErr
	case sendErr == nil && late:
		return ErrNoVerdict
	}
	return fmt.Errorf("connection to %s lost: %w", p.Dial.Addr, errors.Join(sendErr, err))
}

// lastWords is how long the reason is waited for when a connection fails while it is written to.
const lastWords = 100 * time.Millisecond

// readVerdict reads until an ERROR, or until the connection or its deadline ends.
func readVerdict(conn *wire.ClientConn) error {
	for {
		frame, err := conn.ReadFrame()
		if err != nil {
			return err
		}
		if text, err := wire.ParseError(frame); err == nil {
			return &wire.BrokerError{Text: string(text)}
		}
	}
}

// contentError is a payload that could not be read.
type contentError struct{ err error }

func (e *contentError) Error() string { return e.err.Error() }

// send writes all messages. It stops when there is a verdict already, and leaves it in the channel.
func (p Publication) send(ctx context.Context, conn *wire.ClientConn, verdict chan error) error {
	limiter := timerate.NewLimiter(p.Rate, 1)
	for payload, err := range p.Payloads {
		if err != nil {
			return &contentError{err}
		}
		for range p.Count {
			for _, ch := range p.Channels {
				if err := limiter.Wait(ctx); err != nil {
					return err
				}
				if len(verdict) > 0 {
					return nil // refused or gone: reading found out
				}
				if err := conn.Publish(ch, payload); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
