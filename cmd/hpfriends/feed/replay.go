package feed

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v2"

	"hpfriends/api"
	"hpfriends/eventlog/entry"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/ndjson"
	"hpfriends/internal/pace"
	"hpfriends/internal/term"
	"hpfriends/internal/timespec"
	"hpfriends/query/view"
)

// Replay returns the command replay, which prints or publishes past messages, at a pace.
func Replay() *cli.Command {
	var flags []cli.Flag
	for _, f := range brokerFlags() {
		if f.Names()[0] != "channel" { // the channels are arguments
			flags = append(flags, f)
		}
	}
	flags = append(flags, pastFlags(
		&cli.StringFlag{Name: "speed", Value: "max",
			Usage: "`SPEED`: 1x as it was, 10x ten times as fast, max as fast as possible"},
		&cli.StringFlag{Name: "to", Value: "stdout",
			Usage: "`TARGET`: stdout, channel:NAME, or hpfeeds[+tls]://[IDENT[:SECRET]@]HOST[:PORT][/CHANNEL]"},
		containingFlag(),
		&cli.Uint64Flag{Name: "count", Usage: "end after `N` messages; 0: at the end of the log"},
		&cli.StringFlag{Name: "authkey", Usage: "the server publishes, with your authkey `IDENT`: --to is channel:NAME"},
		&cli.IntFlag{Name: "rate", Usage: "with --authkey: at most `N` messages per second"},
		&cli.BoolFlag{Name: "dry-run", Usage: "count the messages and send nothing"},
		resumeFlag(), waitFlag())...)
	cmd := cmdline.APICommand("replay", "read past messages again: print them, or publish them", "CHANNEL...",
		func(c *cli.Context, server *api.Client) error {
			if onServer(c) {
				return replayOnServer(c, server)
			}
			r, err := replayOf(c, server)
			if err != nil {
				return err
			}
			ctx, stop := cmdline.UntilInterrupt(c.Context)
			defer stop()
			if c.Bool("dry-run") {
				return r.estimate(ctx, c)
			}
			return r.run(ctx)
		}, flags...)
	cmd.Description = `A channel may be a pattern. To stdout go lines of JSON. Elsewhere the
messages are published with -i and -s: on channel:NAME of the broker at
--host and --port (without them that of the context, with its authkey),
or on another broker; without a NAME, on the channel each came on. At 1x
and 10x the pauses between messages are kept: a pause of hours is waited
for. It ends where the log ends now. When publishing fails, the error
says how many messages are confirmed, and the flags with which it goes
on there; with --resume the same command does. With --authkey the server
reads and publishes, and no secret is needed; an interrupt stops it.`
	return cmd
}

// replay reads messages again, and passes them on.
type replay struct {
	server *api.Client
	past   past
	pace   pace.Pace
	target *target     // nil: stdout
	resume *resumeFile // nil: none
	out    io.Writer
	notes  io.Writer
}

func replayOf(c *cli.Context, server *api.Client) (r *replay, err error) {
	r = &replay{server: server, out: c.App.Writer, notes: c.App.ErrWriter}
	if r.past, err = pastOf(c, c.Args().Slice()); err == nil {
		err = r.past.required()
	}
	if err != nil {
		return nil, err
	}
	if r.pace.Speed, err = pace.Parse(c.String("speed")); err != nil {
		return nil, cmdline.Usage("--speed: %v", err)
	}
	if r.target, err = targetOf(c); err != nil {
		return nil, cmdline.Usage("%v", err)
	}
	r.past.text = c.String("containing")
	r.past.limit, r.past.resume = c.Uint64("count"), true
	// What is published meanwhile is not replayed, least of all what is replayed.
	if r.past.Until.IsZero() && r.past.End == (entry.Position{}) {
		r.past.Until = time.Now()
	}
	if path := c.String("resume"); path != "" {
		return r, r.resumeFrom(path)
	}
	return r, nil
}

// resumeFrom reads --resume, which is stronger than what says where to begin and end.
func (r *replay) resumeFrom(path string) (err error) {
	switch {
	case r.target == nil:
		return cmdline.Usage("--resume goes by confirmations, and those who read the output give none: want --to")
	case r.target.wait.Confirm <= 0:
		return cmdline.Usage("%v", errNothingToResume)
	}
	r.target.ours = true
	if r.resume, err = openResumeFile(path); err != nil {
		return err
	}
	begun := r.resume.begun
	if begun.Until != "" {
		r.past.Until, r.past.End = time.Time{}, entry.Position{}
		_, err = r.past.Set("until", begun.Until, time.Now())
	}
	if (begun.From != "" || begun.Since != "") && err == nil {
		r.past.First, r.past.Since, r.past.From = false, time.Time{}, entry.Position{}
		if begun.From != "" {
			_, err = r.past.Set("from", begun.From, time.Now())
		} else { // nothing was confirmed: a duration would now begin later
			_, err = r.past.Set("since", begun.Since, time.Now())
		}
	}
	if err != nil {
		return fmt.Errorf("--resume: %s: %w", term.Visible(path), err)
	}
	if r.past.limit > 0 {
		if begun.Confirmed >= r.past.limit {
			return cmdline.Fail(cmdline.ExitConflict, fmt.Sprintf("--resume: %s has all %d messages of --count",
				term.Visible(path), r.past.limit))
		}
		r.past.limit -= begun.Confirmed
	}
	return nil
}

// run passes the messages on.
func (r *replay) run(ctx context.Context) error {
	var total uint64
	if term.IsTerminal(r.notes) && r.past.text == "" { // the server counts whatever messages contain
		n, err := countMessages(ctx, r.server, r.past)
		if err != nil {
			return err
		}
		total = n.Messages
	}
	p := term.NewProgress(r.notes, "messages", total)
	var err error
	if r.target == nil {
		err = r.pass(ctx, p, func(line []byte, _ *ndjson.Message) error {
			_, err := r.out.Write(line)
			return err
		}, func() error { return nil })
	} else {
		err = r.publish(ctx, p)
	}
	if err != nil {
		p.Clear()
		return err
	}
	p.Done("message")
	return nil
}

// publish passes the messages on to a broker.
func (r *replay) publish(ctx context.Context, p *term.Progress) error {
	var t trail
	terms := Terms{Ours: r.target.ours, Wait: r.target.wait, Notes: r.notes}
	if r.resume != nil {
		terms.Before = r.resume.begun.Confirmed
		terms.Confirmed = func(n uint64) {
			if n > 0 {
				n, from := t.next(n)
				r.resume.keep(terms.Before+n, from, false)
			}
		}
		asked := r.past.Values()
		since := cmp.Or(r.resume.begun.Since, asked.Get("since"))
		if err := r.resume.begin(since, asked.Get("until"), r.about()...); err != nil {
			return err
		}
	}
	d, err := Deliver(ctx, r.target.dial, terms)
	if err != nil {
		return err
	}
	r.past.handed = d.acks
	reading, stop := context.WithCancel(ctx)
	defer stop()
	go func() { // a pause ends with the connection
		select {
		case <-d.decided:
			stop()
		case <-reading.Done():
		}
	}()
	err = r.pass(reading, p, func(_ []byte, m *ndjson.Message) error {
		channel := r.target.channel
		if channel == "" {
			channel = string(m.Channel)
		}
		t.add(m.Position, d.answers)
		return d.Publish(channel, m.Payload)
	}, d.flush)
	if err != nil && d.judged() != nil {
		err = d.flush() // that is why
	}
	return r.whereToGoOn(d.Finish(ctx, err), &t, d)
}

// about is what makes a replay the same again: what is read, and where it goes.
func (r *replay) about() [][]byte {
	parts := [][]byte{[]byte("replay"), []byte(r.target.dial.Addr), []byte(r.target.channel)}
	for _, ch := range r.past.channels {
		parts = append(parts, []byte(ch))
	}
	return parts
}

// whereToGoOn adds to the error of a delivery, or nil, how the replay goes on.
func (r *replay) whereToGoOn(err error, t *trail, d *delivery) error {
	if r.resume != nil && err == nil {
		return r.resume.done()
	}
	var f *cmdline.Failure
	n, _, _ := d.progress()
	if !errors.As(err, &f) || !d.acks || n == 0 {
		return err
	}
	n, from := t.next(n)
	flags := fmt.Sprintf("--from '%s' --until '%s'", from, r.past.Values().Get("until"))
	if r.past.limit > 0 {
		flags += fmt.Sprintf(" --count %d", r.past.limit-n)
	}
	return r.resume.tell(f, d.before+n, from, flags)
}

// pass hands each message on when it is due. flush is called before each pause.
func (r *replay) pass(ctx context.Context, p *term.Progress, hand func([]byte, *ndjson.Message) error,
	flush func() error) error {
	end, err := readMessages(ctx, r.server, r.past, func(line []byte, rec ndjson.Record) error {
		if rec.Gap != nil {
			p.Clear()
			tellGap(r.notes, rec.Gap.From, rec.Gap.To)
			return nil
		}
		if d := r.pace.Left(rec.Message.Time); d > 0 {
			if err := flush(); err != nil {
				return err
			}
			if err := hold(ctx, &r.pace, rec.Message.Time, p); err != nil {
				return err
			}
		}
		p.Add(1)
		return hand(line, rec.Message)
	})
	if err == nil && end.Messages == 0 && (r.resume == nil || r.resume.begun.Input == "") {
		err = r.past.nothing(ctx, r.server, r.notes)
	}
	return err
}

// noticeable is a pause that is worth a note.
const noticeable = time.Second

// hold holds a message back until it is due, and shows how long that will be.
func hold(ctx context.Context, p *pace.Pace, t time.Time, shown *term.Progress) error {
	defer shown.Say("")
	for {
		d := p.Left(t)
		if d <= 0 {
			return nil
		}
		if d > noticeable {
			shown.Say("next in " + d.Round(time.Second).String())
			d = noticeable
		}
		if err := timespec.Sleep(ctx, d); err != nil {
			return err
		}
	}
}

// estimate prints what run would pass on.
func (r *replay) estimate(ctx context.Context, c *cli.Context) error {
	count := r.countContaining
	if r.past.text == "" {
		count = func(ctx context.Context) (view.Count, error) { return countMessages(ctx, r.server, r.past) }
	}
	n, err := count(ctx)
	if err != nil {
		return err
	}
	return cmdline.Show(c, n, func(w io.Writer) { fmt.Fprintln(w, r.describe(n)) })
}

// countContaining counts by reading: the server counts messages whatever they contain.
func (r *replay) countContaining(ctx context.Context) (n view.Count, err error) {
	end, err := readMessages(ctx, r.server, r.past, func(_ []byte, record ndjson.Record) error {
		if record.Gap != nil {
			n.Gap = true
		} else {
			at := record.Message.Time
			if n.Last = &at; n.First == nil {
				n.First, n.From = &at, record.Message.Position
			}
		}
		return nil
	})
	n.Messages, n.Next = end.Messages, end.Next
	return n, err
}

func (r *replay) describe(n view.Count) string {
	text := term.Count(n.Messages, "message", "messages")
	if n.First != nil && n.Last != nil {
		text += fmt.Sprintf(", %s of %s to %s", n.From, term.OptionalTime(n.First), term.OptionalTime(n.Last))
		if r.pace.Speed > 0 {
			took := time.Duration(float64(n.Last.Sub(*n.First)) / float64(r.pace.Speed)).Round(time.Second)
			text += fmt.Sprintf("; at %gx that takes %s", r.pace.Speed, took)
		}
	}
	if n.Gap {
		text += "; what came first is no longer kept"
	}
	return text
}
