package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/urfave/cli/v2"

	"hpfriends/wire"
)

func subCommand() *cli.Command {
	return &cli.Command{
		Name: "sub", Aliases: []string{"subscribe"}, Usage: "print messages as they come",
		Description: "One line each: CHANNEL IDENT PAYLOAD, with control characters made visible. A channel may be a pattern\n" +
			"(dionaea.*) and may ask for history (dionaea.capture?since=2h). A lost connection is made again. Exit status: 4 the\n" +
			"broker refused, 6 it cannot be reached or the time ran out before --count, 130 Ctrl-C.",
		Flags: append(brokerFlags(),
			&cli.BoolFlag{Name: "json", Usage: "print lines of JSON: time, channel, ident and payload (payload_base64 unless it is UTF-8)"},
			&cli.BoolFlag{Name: "raw", Usage: "print the bytes of the payloads and nothing else"},
			&cli.IntFlag{Name: "count", Usage: "end after `N` messages"},
			&cli.DurationFlag{Name: "timeout", Usage: "end after this time"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "append to `FILE` instead of printing"},
		),
		Action: func(c *cli.Context) error {
			s, err := subscriptionOf(c)
			if err != nil {
				return badUsage(err)
			}
			if path := c.String("output"); path != "" {
				f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
				if err != nil {
					return &failure{exitFailed, err.Error()}
				}
				defer f.Close()
				s.out = f
			}
			ctx, stop := untilInterrupt(c.Context)
			defer stop()
			return s.run(ctx)
		},
	}
}

// subscription is what to subscribe to and how to print it.
type subscription struct {
	dial     wire.DialConfig
	channels []string
	format   format
	count    int // 0: no end
	timeout  time.Duration
	out      io.Writer
	notes    io.Writer // for people: lost connections

	printed int
	buffer  []byte
	online  bool // there was a connection
}

func subscriptionOf(c *cli.Context) (*subscription, error) {
	s := &subscription{format: formatText, count: c.Int("count"), timeout: c.Duration("timeout"), out: c.App.Writer, notes: c.App.ErrWriter}
	switch {
	case c.NArg() > 0:
		return nil, fmt.Errorf("%q: sub takes flags only; a channel is -c CHANNEL", c.Args().First())
	case c.Bool("json") && c.Bool("raw"):
		return nil, errors.New("--json and --raw: want one of them")
	case c.Bool("raw") && c.String("output") == "" && isTerminal(s.out):
		return nil, errors.New("--raw: payloads may contain control sequences for your terminal; redirect the output or use -o FILE")
	case s.count < 0 || s.timeout < 0:
		return nil, errors.New("--count and --timeout: want more than 0")
	case c.Bool("json"):
		s.format = formatJSON
	case c.Bool("raw"):
		s.format = formatRaw
	}
	var err error
	s.dial, s.channels, err = dialConfig(c, c.App.Reader)
	return s, err
}

// Why a subscription ends by itself.
var (
	errCounted    = errors.New("all messages have come")
	errTimeout    = errors.New("the time ran out")
	errReaderGone = errors.New("nobody reads the output any more")
)

// outputError is a message that could not be printed.
type outputError struct{ err error }

func (e *outputError) Error() string { return e.err.Error() }

// run prints until something ends it; its errors have exit codes.
func (s *subscription) run(ctx context.Context) error {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	client, err := wire.NewClient(wire.ClientConfig{
		DialConfig: s.dial,
		Receive:    func(m wire.Message) { s.print(m, end) },
		Connected:  func(string) { s.online = true },
		Failed:     func(err error) { s.failed(err, end) },
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
	return s.outcome(context.Cause(ctx))
}

// outcome is the exit code for the reason why the subscription ended.
func (s *subscription) outcome(cause error) error {
	var output *outputError
	switch {
	case errors.Is(cause, errCounted), errors.Is(cause, errReaderGone):
		return nil
	case errors.Is(cause, errTimeout) && s.count == 0:
		return nil
	case errors.Is(cause, errTimeout):
		return connectionFailure(fmt.Errorf("%w after %s: %d of %d messages", cause, s.timeout, s.printed, s.count))
	case errors.As(cause, &output):
		return &failure{exitFailed, output.Error()}
	}
	return connectionFailure(cause)
}

func (s *subscription) print(m wire.Message, end context.CancelCauseFunc) {
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

// failed ends the subscription when the broker refused, and when the first connection fails: then something is wrong with
// the address. Later connections are tried again.
func (s *subscription) failed(err error, end context.CancelCauseFunc) {
	if refusal, ok := err.(*wire.BrokerError); ok {
		end(refusal)
		return
	}
	if !s.online {
		end(err)
		return
	}
	fmt.Fprintf(s.notes, "hpfriends: %s; connecting again\n", visible(err.Error()))
}
