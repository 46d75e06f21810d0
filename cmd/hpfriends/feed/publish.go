package feed

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	timerate "golang.org/x/time/rate"

	"hpfriends/internal/cmdline"
	"hpfriends/internal/readfile"
	"hpfriends/wire"
)

// Publication is what to publish and where: each payload on every channel.
type Publication struct {
	Dial     wire.DialConfig
	Channels []string
	Payloads iter.Seq2[[]byte, error]
	Count    int            // times each payload is sent
	Rate     timerate.Limit // messages per second
	Wait     Patience

	skip   uint64      // messages that are not sent, since an earlier run did
	stdin  *input      // what Payloads reads, if it does
	resume *resumeFile // nil: none
	notes  io.Writer   // for people
}

// Pub returns the command pub, which publishes its arguments, files or lines.
func Pub() *cli.Command {
	flags := append(brokerFlags(), cmdline.BrokerContextFlag(),
		&cli.GenericFlag{Name: "file", Aliases: []string{"f"}, Value: &nameList{},
			Usage: "publish the content of `FILE`, - for standard input; all arguments are files, too (repeat for more)"},
		&cli.BoolFlag{Name: "stdin-lines", Usage: "publish each line of standard input"},
		&cli.IntFlag{Name: "count", Value: 1, Usage: "send each message `N` times"},
		&cli.StringFlag{Name: "rate", Usage: "at most `N/s` messages, like 100/s"})
	return &cli.Command{
		Name: "pub", Aliases: []string{"publish"}, Usage: "publish messages",
		ArgsUsage: "[DATA...]",
		Description: `DATA is joined by one space to one message.
` + ofConfirmations,
		Flags:  append(flags, goOnFlags()...),
		Action: publishAction(pubPayloads),
	}
}

// Sendfile returns the command sendfile, which publishes files.
func Sendfile() *cli.Command {
	return &cli.Command{
		Name: "sendfile", Usage: "publish files, one message each",
		ArgsUsage:   "FILE...",
		Description: ofConfirmations,
		Flags:       append(append(brokerFlags(), cmdline.BrokerContextFlag()), goOnFlags()...),
		Action: publishAction(func(c *cli.Context, stdin io.Reader) (iter.Seq2[[]byte, error], error) {
			if c.NArg() == 0 {
				return nil, errors.New("no file")
			}
			return FileContents(c.Args().Slice(), stdin), nil
		}),
	}
}

// ofConfirmations is what the help says of how a publisher ends.
const ofConfirmations = `A broker of ours confirms what is on disk, on a majority of its nodes; on
any other it can only be known that nothing was refused. A lost connection
is not made again, since what was under way may have arrived: the error says
how many messages are confirmed, and the same command goes on there with
--skip or --resume. What was sent and not confirmed is then sent again.
Exit codes: 0 all is confirmed (or nothing refused), 4 the broker refused,
6 it cannot be reached, the connection was lost, or no confirmation came in
time, 130 Ctrl-C.`

var errNothingToResume = errors.New("--resume needs confirmations, and --wait 0 does not wait for them")

func resumeFlag() cli.Flag {
	return &cli.StringFlag{Name: "resume",
		Usage: "keep in `FILE` how much is confirmed, and go on there; it is removed when all is"}
}

func waitFlag() cli.Flag {
	f := cmdline.DurationFlag("wait", 0,
		"wait for the broker's next word (greeting, login, confirmation) for `DURATION`, for a login at least 20s, since its "+
			"refusal is held back; 0: do not wait for confirmations, so that nothing is known")
	f.DefaultText = "30s, and 1s for a broker that confirms nothing"
	return f
}

// waitOf reads waitFlag.
func waitOf(c *cli.Context) Patience {
	if !c.IsSet("wait") {
		return DefaultPatience
	}
	return Patience{cmdline.Duration(c, "wait"), cmdline.Duration(c, "wait")}
}

// goOnFlags are those of commands that publish and can go on.
func goOnFlags() []cli.Flag {
	return []cli.Flag{
		&cli.Uint64Flag{Name: "skip", Usage: "leave out the first `N` messages: what a run that failed says"},
		resumeFlag(),
		waitFlag(),
	}
}

// publishAction is the action of a command that publishes what source finds in its arguments.
func publishAction(source func(c *cli.Context, stdin io.Reader) (iter.Seq2[[]byte, error], error)) cli.ActionFunc {
	return func(c *cli.Context) error {
		p, err := publicationOf(c)
		if err == nil {
			p.stdin = &input{from: c.App.Reader}
			p.Payloads, err = source(c, p.stdin)
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
	if c.IsSet("count") && c.Int("count") < 1 {
		return p, errors.New("--count: want 1 or more")
	}
	p.Count, p.Rate, p.Wait, p.skip = max(c.Int("count"), 1), timerate.Inf, waitOf(c), c.Uint64("skip")
	p.notes = c.App.ErrWriter
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
	return p, p.resumeFrom(c.String("resume"), c.IsSet("skip"))
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
func pubPayloads(c *cli.Context, stdin io.Reader) (iter.Seq2[[]byte, error], error) {
	files, lines, words := namesOf(c, "file"), c.Bool("stdin-lines"), c.Args().Slice()
	switch {
	case lines && (len(files) > 0 || len(words) > 0):
		return nil, errors.New("--stdin-lines publishes nothing but lines: leave out files and data")
	case lines:
		return lineContents(stdin), nil
	case len(files) > 0:
		return FileContents(append(files, words...), stdin), nil
	case len(words) == 0:
		return nil, errors.New("nothing to publish: give DATA, -f FILE or --stdin-lines")
	}
	return OneContent([]byte(strings.Join(words, " "))), nil
}

// OneContent yields one payload.
func OneContent(payload []byte) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) { yield(payload, nil) }
}

// maxPayload is what is read for one message, at most: twice of what a server can be told to take.
const maxPayload = 64 << 20

// FileContents yields the content of each file, or of stdin for "-". It ends with the first that cannot be read.
func FileContents(paths []string, stdin io.Reader) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for _, path := range paths {
			var data []byte
			var err error
			if path == "-" {
				data, err = readfile.All(stdin, "standard input", maxPayload)
			} else {
				data, err = readfile.UpTo(path, maxPayload)
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
		for b := bufio.NewReaderSize(r, inputChunk); ; {
			line, err := b.ReadBytes('\n')
			if err != nil && err != io.EOF {
				yield(nil, err)
				return
			}
			if len(line) > 0 && !yield(bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r")), nil) || err != nil {
				return
			}
		}
	}
}

// run connects, publishes and waits for the confirmations; its errors have exit codes.
func (p Publication) run(ctx context.Context) error {
	t := p.terms()
	if p.resume != nil {
		t.Ours, t.Confirmed = true, func(n uint64) { p.resume.keep(p.skip+n, "", false) }
	}
	d, err := Deliver(ctx, p.Dial, t)
	if err != nil {
		return err
	}
	return p.whereToGoOn(d, d.Finish(ctx, p.send(ctx, d)))
}

// resumeFrom reads --resume.
func (p *Publication) resumeFrom(path string, skips bool) (err error) {
	switch {
	case path == "":
		return nil
	case skips:
		return errors.New("--skip and --resume both say where to go on: want one of them")
	case p.Wait.Confirm <= 0:
		return errNothingToResume
	}
	if p.resume, err = openResumeFile(path); err == nil {
		p.skip = p.resume.begun.Confirmed
	}
	return err
}

// whereToGoOn adds to the error that a delivery ended with, or nil, how the command goes on.
func (p Publication) whereToGoOn(d *delivery, err error) error {
	if p.resume != nil && err == nil {
		return p.resume.done()
	}
	var f *cmdline.Failure
	n, _, _ := d.progress()
	confirmed := p.skip + n
	if !errors.As(err, &f) || !d.acks || d.sent == 0 || confirmed == 0 {
		return err
	}
	return p.resume.tell(f, confirmed, "", fmt.Sprintf("--skip %d", confirmed))
}

func (p Publication) terms() Terms { return Terms{Wait: p.Wait, Notes: p.notes, Before: p.skip} }

// Over publishes on conn, and closes it. A refusal is a *wire.BrokerError; ErrNoVerdict says that nothing is known.
func (p Publication) Over(ctx context.Context, conn *wire.ClientConn) error {
	d, err := deliverOn(ctx, conn, p.Dial, p.terms())
	if err != nil {
		return err
	}
	return d.conclude(ctx, p.send(ctx, d))
}

// contentError is a payload that could not be read.
type contentError struct{ err error }

func (e *contentError) Error() string { return e.err.Error() }

// send hands all messages to d. What waits there is written before each pause.
func (p Publication) send(ctx context.Context, d *delivery) error {
	p.stdin.feeds(d)
	limiter, skip, begun := newLimiter(p.Rate), p.skip, p.resume == nil
	for payload, err := range p.Payloads {
		if err != nil {
			return cmp.Or(d.flush(), error(&contentError{err}))
		}
		if !begun {
			begun = true
			if err := p.resume.begin("", "", p.about(payload)...); err != nil {
				return err
			}
		}
		for range p.Count {
			for _, ch := range p.Channels {
				if skip > 0 {
					skip--
					continue
				}
				if err := pause(ctx, limiter, d); err != nil {
					return err
				}
				if err := d.Publish(ch, payload); err != nil {
					return err
				}
			}
		}
	}
	if skip > 0 {
		return &contentError{fmt.Errorf("there are %d messages only, and %d were to be left out", p.skip-skip, p.skip)}
	}
	return nil
}

// newLimiter lets what a hundredth of a second is for go at once: a timer that wakes later than that makes up for it.
func newLimiter(rate timerate.Limit) *timerate.Limiter {
	burst := 1
	if rate != timerate.Inf {
		burst = max(burst, int(rate/100))
	}
	return timerate.NewLimiter(rate, burst)
}

// about is what makes an input the same again: the first payload and the channels.
func (p Publication) about(payload []byte) [][]byte {
	parts := [][]byte{payload}
	for _, ch := range p.Channels {
		parts = append(parts, []byte(ch))
	}
	return parts
}

// pause waits as long as the rate wants it; what is decided meanwhile is the error.
func pause(ctx context.Context, limiter *timerate.Limiter, d *delivery) error {
	if limiter.Limit() == timerate.Inf {
		return nil
	}
	wait := limiter.Reserve().Delay()
	if wait <= 0 {
		return nil
	}
	if err := d.flush(); err != nil {
		return err
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-d.decided:
	case <-ctx.Done():
	}
	return d.flush()
}
