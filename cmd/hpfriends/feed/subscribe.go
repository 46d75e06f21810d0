package feed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/urfave/cli/v2"

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
published. A lost connection is made again, and goes on where it was.
Exit codes: 4 the broker refused, 6 it cannot be reached or the time ran out
before --count, 130 Ctrl-C.`,
		Flags: append(append(brokerFlags(), historyFlags()...),
			&cli.StringFlag{Name: "format", Usage: "print by a Go `TEMPLATE` with .Time .Channel .Ident .Payload .Position " +
				".JSON, and json and text"},
			&cli.BoolFlag{Name: "json", Usage: "print lines of JSON: time, channel, ident and payload (payload_base64 unless " +
				"it is UTF-8)"},
			&cli.BoolFlag{Name: "raw", Usage: "print the bytes of the payloads and nothing else"},
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
	out      io.Writer
	notes    io.Writer // for people: lost connections

	printed int
	buffer  []byte
	online  bool               // there was a connection
	over    bool               // nothing more is printed
	past    *pastSubscriptions // nil: no flag asks for history
}

func receptionOf(c *cli.Context) (*reception, error) {
	s := &reception{format: formatText, count: c.Int("count"), timeout: cmdline.Duration(c, "timeout"), out: c.App.Writer,
		notes: c.App.ErrWriter}
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
	}
	if s.dial, s.channels, err = dialConfig(c, c.App.Reader); err != nil {
		return nil, err
	}
	if s.past, err = pastSubscriptionsOf(c, s.channels); err != nil {
		return nil, err
	}
	s.adapt(tpl, c.Bool("json"))
	return s, nil
}

// adapt has the format show positions, and the template tell what it cannot print, once.
func (s *reception) adapt(tpl *messageTemplate, asJSON bool) {
	if s.past != nil {
		s.channels = s.past.texts()
		if asJSON {
			s.format = s.past.formatJSON
		}
	}
	if tpl == nil {
		return
	}
	if s.past != nil {
		tpl.position = func() string { return s.past.position.String() }
	}
	tpl.failed = func(err error) {
		fmt.Fprintf(s.notes, "hpfriends: %s; such messages are printed as without --format\n", term.Visible(err.Error()))
		tpl.failed = func(error) {}
	}
}

// Why a subscription ends by itself.
var (
	errCounted    = errors.New("all messages have come")
	errTimeout    = errors.New("the time ran out")
	errReplayed   = errors.New("all that was asked for has come")
	errReaderGone = errors.New("nobody reads the output any more")
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
		Connected:  func(string) { s.online = true },
		Failed:     func(err error) { s.failed(client, err, end) },
	})
	for _, ch := range s.channels {
		if err == nil {
			err = client.Subscribe(ctx, ch)
		}
	}
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
	if s.past != nil {
		if err := s.past.keep(true); err != nil {
			return cmdline.Fail(cmdline.ExitFailed, err.Error())
		}
	}
	return s.outcome(context.Cause(ctx))
}

// outcome is the exit code for the reason why the subscription ended.
func (s *reception) outcome(cause error) error {
	var output *outputError
	switch {
	case errors.Is(cause, errCounted), errors.Is(cause, errReplayed), errors.Is(cause, errReaderGone):
		return nil
	case errors.Is(cause, errTimeout) && s.count == 0:
		return nil
	case errors.Is(cause, errTimeout):
		return connectionFailure(fmt.Errorf("%w after %s: %d of %d messages", cause, s.timeout, s.printed, s.count))
	case errors.As(cause, &output):
		return cmdline.Fail(cmdline.ExitFailed, output.Error())
	}
	return connectionFailure(cause)
}

// receive takes a message, or a notice about history.
func (s *reception) receive(m wire.Message, end context.CancelCauseFunc) {
	if s.past == nil {
		s.print(m, end)
		return
	}
	if s.over { // what comes while the connection is closed is not printed, so it must not move the cursor
		return
	}
	if m.Channel == subscription.Replay {
		finished := s.past.notice(m.Payload, func(from, to string) { tellGap(s.notes, from, to) })
		if finished {
			end(errReplayed)
		}
		return
	}
	s.past.locate(&m)
	before := s.printed
	s.print(m, end)
	if s.over = s.printed == before || s.printed == s.count; s.printed == before {
		return
	}
	if err := s.past.printed(m.Channel); err != nil {
		end(&outputError{err})
	}
}

func (s *reception) print(m wire.Message, end context.CancelCauseFunc) {
	if s.count > 0 && s.printed >= s.count {
		return // came while the connection was closed
	}
	s.buffer = s.format(s.buffer[:0], m, time.Now())
	if _, err := s.out.Write(s.buffer); err != nil {
		end(&outputError{err})
		return
	}
	if s.printed++; s.printed == s.count {
		end(errCounted)
	}
}

// failed ends the subscription when the broker refused, and when the first connection fails: then something is wrong
// with the address. Later connections are tried again.
func (s *reception) failed(client *wire.Client, err error, end context.CancelCauseFunc) {
	if refusal, ok := errors.AsType[*wire.BrokerError](err); ok {
		end(refusal)
		return
	}
	if !s.online {
		end(err)
		return
	}
	fmt.Fprintf(s.notes, "hpfriends: %s; connecting again\n", term.Visible(err.Error()))
	if s.past == nil {
		return
	}
	// There is no connection now: the client only notes what to subscribe to.
	for _, text := range s.channels {
		_ = client.Unsubscribe(context.Background(), text)
	}
	s.past.resume()
	s.channels = s.past.texts()
	for _, text := range s.channels {
		if err := client.Subscribe(context.Background(), text); err != nil {
			end(err)
		}
	}
}
