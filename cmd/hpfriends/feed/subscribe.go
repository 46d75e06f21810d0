package feed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/term"
	"hpfriends/wire"
	"hpfriends/wire/subscription"
)

// Sub returns the command sub, which prints messages as they come.
func Sub() *cli.Command {
	return &cli.Command{
		Name: "sub", Aliases: []string{"subscribe"}, Usage: "print messages as they come",
		Description: `One line each: CHANNEL IDENT PAYLOAD, with control characters made visible. A
channel may be a pattern (dionaea.*). With --since, --from, --cursor-file or
--durable, history comes first and then, without gap or repeat, what is
published. A lost connection is made again, and goes on where it was: with
a broker that calls itself hpfriends nothing is missing or comes twice; with
any other it is said between which times something may be missing. A new run
with --durable may begin with what the one before had printed last.
Exit codes: 1 something was missing and --exact is set, 4 the broker refused,
6 it cannot be reached, or it ended before --count, 130 Ctrl-C.`,
		Flags: append(append(brokerFlags(), historyFlags()...), cmdline.BrokerContextFlag(),
			&cli.StringFlag{Name: "format", Usage: "print by a Go `TEMPLATE` with .Time .Received .Channel .Ident .Payload " +
				".Position .JSON, and json and text"},
			&cli.BoolFlag{Name: "json", Usage: "print lines of JSON: position, time, received, channel, ident and payload " +
				"(payload_base64 unless it is UTF-8); time is when the log took it, received when it came here"},
			&cli.BoolFlag{Name: "raw", Usage: "print the bytes of the payloads and nothing else"},
			&cli.BoolFlag{Name: "exact", Usage: "exit code 1 at the end if a message was missing: too large for " +
				"the authkey, no longer kept, or lost with a connection"},
			&cli.IntFlag{Name: "count", Usage: "end after `N` messages; 0: never"},
			cmdline.DurationFlag("timeout", 0, "end after `DURATION`, like 30s or 1d; 0: never"),
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "append to `FILE` instead of printing"},
		),
		Action: func(c *cli.Context) error {
			s, err := receptionOf(c)
			if err != nil {
				return badUsage(err)
			}
			if path := c.String("output"); path != "" {
				f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
				if err != nil {
					return cmdline.Fail(cmdline.ExitFailed, err.Error())
				}
				defer f.Close()
				s.out = f
			}
			ctx, stop := cmdline.UntilInterrupt(c.Context)
			defer stop()
			return s.run(ctx)
		},
	}
}

// reception is what to subscribe to and how to print it.
type reception struct {
	dial     wire.DialConfig
	channels []string
	format   format
	count    int // 0: no end
	timeout  time.Duration
	exact    bool // a message that is missing is a failure
	out      io.Writer
	notes    io.Writer      // for people: lost connections
	follows  *subscriptions // nil: the frames are printed as they are

	answered bool // the broker has sent something, so it has accepted the login
	output
	connection
}

// output is what has been printed.
type output struct {
	printed int      // messages
	lacks   bool     // a message is missing, and has been told of
	over    bool     // nothing more is printed
	refused []string // what the broker said
	buffer  []byte
}

// connection is the newest.
type connection struct {
	texts   []string  // subscribed to
	answers bool      // the broker says when it accepts the login
	located bool      // its frames carry positions and times
	heard   time.Time // when anything came last; zero: there was no connection
}

func receptionOf(c *cli.Context) (*reception, error) {
	s := &reception{
		format: formatText, count: c.Int("count"), timeout: cmdline.Duration(c, "timeout"), exact: c.Bool("exact"),
		out: c.App.Writer, notes: c.App.ErrWriter,
	}
	switch {
	case c.NArg() > 0:
		return nil, fmt.Errorf("%q: sub takes flags only; a channel is -c CHANNEL", c.Args().First())
	case c.Bool("json") && c.Bool("raw"):
		return nil, errors.New("--json and --raw: want one of them")
	case c.Bool("raw") && c.String("output") == "" && term.IsTerminal(s.out):
		return nil, errors.New("--raw: payloads may contain control sequences for your terminal; redirect the output or " +
			"use -o FILE")
	case s.count < 0:
		return nil, errors.New("--count: want more than 0")
	case c.Bool("json"):
		s.format = formatJSON
	case c.Bool("raw"):
		s.format = formatRaw
	}
	var tpl *messageTemplate
	var err error
	if text := c.String("format"); text != "" {
		if c.Bool("json") {
			return nil, errors.New("--json and --format: want one of them")
		}
		if tpl, err = parseTemplate(text, c.Bool("raw")); err != nil {
			return nil, err
		}
		s.format = tpl.format
		tpl.failed = func(err error) {
			fmt.Fprintf(s.notes, "hpfriends: %s; such messages are printed as without --format\n", term.Visible(err.Error()))
			tpl.failed = func(error) {}
		}
	}
	if s.dial, s.channels, err = dialConfig(c, c.App.Reader); err != nil {
		return nil, err
	}
	s.dial.Limits.MaxPayload = graph.MaxMessageLimit
	s.follows, err = subscriptionsOf(c, s.channels)
	return s, err
}

// Why a subscription ends by itself.
var (
	errCounted    = errors.New("all messages have come")
	errTimeout    = errors.New("the time ran out")
	errReplayed   = errors.New("all that was asked for has come")
	errReaderGone = errors.New("nobody reads the output any more")
	errRefused    = errors.New("the broker refused")
)

// outputError is a message that could not be printed.
type outputError struct{ err error }

func (e *outputError) Error() string { return e.err.Error() }

// run prints until something ends it; its errors have exit codes.
func (s *reception) run(ctx context.Context) error {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	var client *wire.Client // set before Run calls back
	client, err := wire.NewClient(wire.ClientConfig{
		DialConfig: s.dial,
		Receive:    func(m wire.Message) { s.receive(m, end) },
		Connected:  func(broker string) { s.connected(client, broker, end) },
		Failed:     func(err error) { s.failed(err, end) },
	})
	if err != nil {
		return badUsage(err)
	}
	if s.timeout > 0 {
		timer := time.AfterFunc(s.timeout, func() { end(errTimeout) })
		defer timer.Stop()
	}
	watching := make(chan struct{})
	go func() {
		defer close(watching)
		if awaitReaderGone(ctx, s.out) {
			end(errReaderGone)
		}
	}()
	err = client.Run(ctx)
	end(err)
	<-watching
	if s.follows != nil {
		if err := s.follows.keep(true); err != nil {
			return cmdline.Fail(cmdline.ExitFailed, err.Error())
		}
	}
	err = s.outcome(context.Cause(ctx))
	var f *cmdline.Failure
	ended := err == nil || errors.As(err, &f) && f.Code == cmdline.ExitInterrupted
	if ended && s.exact && s.lacks {
		return cmdline.Fail(cmdline.ExitFailed, "")
	}
	return err
}

// outcome is the exit code for the reason why the subscription ended.
func (s *reception) outcome(cause error) error {
	var output *outputError
	silent := !s.answered && (s.answers || s.heard.IsZero())
	switch {
	case errors.Is(cause, errCounted), errors.Is(cause, errReaderGone):
		return nil
	case errors.Is(cause, errTimeout) && silent:
		return cmdline.Fail(cmdline.ExitUnavailable, fmt.Sprintf(
			"%v after %s, and %s has not answered the login: a refusal is held back for up to %s", cause, s.timeout,
			s.dial.Addr, wire.MaxRefusalDelay))
	case errors.Is(cause, errTimeout) && s.count == 0, errors.Is(cause, errReplayed) && s.count == 0:
		return nil
	case errors.Is(cause, errTimeout):
		return connectionFailure(fmt.Errorf("%w after %s: %d of %d messages", cause, s.timeout, s.printed, s.count))
	case errors.Is(cause, errReplayed):
		return connectionFailure(fmt.Errorf("%w: %d of %d messages", cause, s.printed, s.count))
	case errors.Is(cause, errRefused):
		return connectionFailure(&wire.BrokerError{Text: strings.Join(s.refused, "; ")})
	case errors.As(cause, &output):
		return cmdline.Fail(cmdline.ExitFailed, output.Error())
	}
	return connectionFailure(cause)
}

// connected decides what is subscribed to on a new connection: at a broker of ours with positions and times, which are
// not printed as part of the channel, to go on where each channel has got.
func (s *reception) connected(client *wire.Client, broker string, end context.CancelCauseFunc) {
	wanted := s.channels
	ours := strings.HasPrefix(broker, "hpfriends")
	lost, why := s.channels, "a channel that says how its frames look is not resumed"
	switch {
	case s.follows == nil:
	case ours || s.follows.asked:
		if !ours && s.heard.IsZero() {
			fmt.Fprintf(s.notes, "hpfriends: the broker calls itself %s: unless it is an hpfriends broker, it takes what "+
				"--since and the like ask for as the name of a channel\n", term.Visible(broker))
		}
		s.follows.resume()
		wanted, lost, why = s.follows.texts(), s.follows.lost(), "the connection ended before the broker said where it began"
	default:
		why = "the broker, " + term.Visible(broker) + ", keeps no history"
	}
	if !s.heard.IsZero() && len(lost) > 0 {
		s.missing("what was published on %s between %s and %s is missing: %s", term.Visible(strings.Join(lost, ", ")),
			term.Time(s.heard), term.Time(time.Now()), why)
	}
	// The connection is not used yet: the client only notes what to subscribe to.
	for _, text := range s.texts {
		_ = client.Unsubscribe(context.Background(), text)
	}
	located := s.follows != nil && (ours || s.follows.asked)
	answers := ours && !slices.Contains(wanted, subscription.Acks)
	if answers {
		wanted = append(slices.Clip(wanted), subscription.Acks) // its first count is the answer to the login
	}
	s.connection = connection{wanted, answers, located, time.Now()}
	for _, text := range wanted {
		if err := client.Subscribe(context.Background(), text); err != nil {
			end(err)
		}
	}
}

// missing says that messages are not printed.
func (s *reception) missing(format string, args ...any) {
	fmt.Fprintf(s.notes, "hpfriends: "+format+"\n", args...)
	s.lacks = true
}

// receive takes a message, or a notice about history.
func (s *reception) receive(frame wire.Message, end context.CancelCauseFunc) {
	if s.over { // what comes while the connection is closed is not printed, so it must not move the cursor
		return
	}
	s.heard, s.answered = time.Now(), true
	if s.answers && frame.Channel == subscription.Acks {
		return
	}
	m := message{Message: frame, received: s.heard}
	if !s.located {
		s.print(&m, end)
		return
	}
	if m.Channel == subscription.Replay {
		s.notice(m.Payload, end)
		return
	}
	locate(&m)
	if s.follows.repeated(m.Channel, m.position) {
		return
	}
	if s.print(&m, end) {
		s.moved(m.Channel, m.position, end)
	}
}

// notice takes what the broker says about a history.
func (s *reception) notice(payload []byte, end context.CancelCauseFunc) {
	n, finished := s.follows.notice(payload)
	switch n.Event {
	case "gap":
		s.missing("%s", gapText(n.From, n.To))
		s.follows.gone(n)
	case "skipped":
		s.missing("a message of %d bytes on %s at %s is missing: the authkey takes %d (see `hpfriends authkey edit "+
			"--max-message`)", n.Size, term.Visible(n.Channel), term.Visible(n.Position), n.Limit)
		if at, err := entry.ParsePosition(n.Position); err == nil {
			s.moved(n.Channel, at, end)
		}
	}
	if finished {
		switch {
		case s.printed > 0 || s.lacks || s.follows.resumed:
		case s.follows.begin():
			fmt.Fprintln(s.notes, "hpfriends: nothing has come: the authkey's owner may see no message of that time")
		default:
			fmt.Fprintln(s.notes, "hpfriends: nothing has come: without --since or --from it begins now, which is after --until")
		}
		end(errReplayed)
	}
}

// moved notes how far the output has got.
func (s *reception) moved(channel string, at entry.Position, end context.CancelCauseFunc) {
	if err := s.follows.passed(channel, at); err != nil {
		end(&outputError{err})
	}
}

// print reports whether it has printed the message.
func (s *reception) print(m *message, end context.CancelCauseFunc) bool {
	s.buffer = s.format(s.buffer[:0], m)
	if _, err := s.out.Write(s.buffer); err != nil {
		s.over = true
		end(&outputError{err})
		return false
	}
	if s.printed++; s.printed == s.count {
		s.over = true
		end(errCounted)
	}
	return true
}

// furtherRefusals is how long after a refusal others are waited for: of several channels each has its own.
const furtherRefusals = 200 * time.Millisecond

// failed ends the subscription when the broker refused, and when the first connection fails: then something is wrong
// with the address. Later connections are tried again, also where a broker takes nobody now: it says so instead of
// INFO, so that the refusal is the reason of another error.
func (s *reception) failed(err error, end context.CancelCauseFunc) {
	if refusal, ok := err.(*wire.BrokerError); ok { //nolint:errorlint // only one that is an answer to us
		text := refusal.Text
		if s.located {
			text = s.follows.inWords(text)
		}
		if len(s.refused) == 0 {
			s.over = true
			time.AfterFunc(furtherRefusals, func() { end(errRefused) })
		}
		if !slices.Contains(s.refused, text) {
			s.refused = append(s.refused, text)
		}
		return
	}
	switch {
	case len(s.refused) > 0:
		end(errRefused)
	case s.heard.IsZero():
		end(err)
	default:
		fmt.Fprintf(s.notes, "hpfriends: %s; connecting again\n", term.Visible(err.Error()))
	}
}
