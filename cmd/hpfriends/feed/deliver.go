package feed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"hpfriends/internal/cmdline"
	"hpfriends/internal/term"
	"hpfriends/wire"
	"hpfriends/wire/subscription"
)

// delivery publishes many messages on one connection and finds out whether they have arrived. A broker of ours counts
// what is committed on $acks. Any other tells nothing. But it handles what it was sent before it answers the end of a
// connection with its own, so an end without an ERROR means that nothing was refused. A lost connection is not made
// again: what was under way may be in the log, and who sends it again has to know. It belongs to one goroutine.
type delivery struct {
	*answers
	dial        wire.DialConfig
	conn        *wire.ClientConn
	acks        bool
	wait        Patience
	interrupted <-chan struct{}
	stop        func() bool
	frames      []byte // not written yet
	queued      uint64 // messages in them
	sent        uint64
	broken      error           // why nothing more can be written
	tried       map[string]bool // channels on which a message was confirmed before more followed
	before      uint64          // messages that an earlier delivery has confirmed
}

const (
	deliveryChunk = 64 << 10 // bytes that are written at once
	triedChannels = 64       // channels that are tried first, which takes up to two times acksEvery each
	// lastAcks is how long the confirmations of what was sent before a failure may take.
	lastAcks = 10 * subscription.AcksEvery
	// loginTimeout is how long the answer to a login may take at least: a broker of ours holds back a refusal, which is no
	// silence.
	loginTimeout = wire.MaxRefusalDelay + 5*time.Second
	// lastWords is how long the reason is waited for when a connection fails while it is written to.
	lastWords = 100 * time.Millisecond
)

// Patience is how long a delivery waits for the broker. The zero value waits for nothing, so that nothing is known.
type Patience struct {
	Confirm time.Duration // for the greeting, the login and each confirmation, where the broker confirms
	Verdict time.Duration // for the end of the connection, where it does not
}

// DefaultPatience has time for a cluster to find a leader.
var DefaultPatience = Patience{Confirm: 30 * time.Second, Verdict: time.Second}

// Terms are how a delivery is made sure of.
type Terms struct {
	Ours      bool // the broker is known to be of ours; otherwise its name tells
	Wait      Patience
	Notes     io.Writer    // is told when the broker confirms nothing; may be nil
	Confirmed func(uint64) // called with how many messages are confirmed, by another goroutine; may be nil
	Before    uint64       // how many messages were confirmed earlier: they are counted with the others
}

// Deliver connects and logs in. Its errors have exit codes.
func Deliver(ctx context.Context, dial wire.DialConfig, t Terms) (*delivery, error) {
	dial.Timeout = t.Wait.Confirm
	conn, err := wire.Dial(ctx, dial)
	if err != nil {
		return nil, connectionFailure(err)
	}
	d, err := deliverOn(ctx, conn, dial, t)
	return d, connectionFailure(err)
}

// deliverOn uses a connection, and closes it when it fails.
func deliverOn(ctx context.Context, conn *wire.ClientConn, dial wire.DialConfig, t Terms) (*delivery, error) {
	d := &delivery{
		answers: newAnswers(t.Confirmed), dial: dial, conn: conn, wait: t.Wait, interrupted: ctx.Done(),
		tried: make(map[string]bool), before: t.Before,
		acks: t.Wait.Confirm > 0 && (t.Ours || strings.HasPrefix(conn.BrokerName(), "hpfriends")),
	}
	// What is sent already may still be confirmed: only a write that the broker holds up has to end.
	d.stop = context.AfterFunc(ctx, func() { _ = conn.SetWriteDeadline(time.Now().Add(lastAcks)) })
	go d.read(conn)
	if d.acks {
		_ = conn.Subscribe(subscription.Acks) // if that fails, the reader knows why
		if err := d.login(); err != nil {
			d.close()
			return nil, err
		}
	} else if t.Notes != nil && t.Wait.Verdict > 0 {
		fmt.Fprintf(t.Notes, "hpfriends: the broker, %s, confirms nothing: all that can be known is whether it refused "+
			"something\n", term.Visible(conn.BrokerName()))
	}
	return d, nil
}

// login waits for the first count, with which a broker of ours says that the login was accepted.
func (d *delivery) login() error {
	patience := max(loginTimeout, d.wait.Confirm)
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		_, counting, grown := d.progress()
		if counting {
			return nil
		}
		select {
		case <-grown:
		case <-d.decided:
			return d.lost(d.judged())
		case <-d.interrupted:
			return context.Canceled
		case <-timer.C:
			return fmt.Errorf("log in to %s: the broker did not answer within %s", d.dial.Addr, patience)
		}
	}
}

// Publish takes a message; it is on its way after the next flush at the latest.
func (d *delivery) Publish(channel string, payload []byte) error {
	if channel == "" || len(channel) > wire.MaxName {
		return fmt.Errorf("channel of %d bytes: want 1 to %d", len(channel), wire.MaxName)
	}
	try := d.acks && len(d.tried) < triedChannels && !d.tried[channel]
	if try {
		if err := d.settle(); err != nil {
			return err
		}
	}
	d.frames = wire.AppendPublish(d.frames, d.dial.Ident, channel, payload)
	d.queued++
	if try {
		d.tried[channel] = true
		return d.settle()
	}
	if len(d.frames) >= deliveryChunk {
		return d.flush()
	}
	return nil
}

// settle waits until all that was published is confirmed. A broker goes on after a refusal: so the first message on
// each channel goes alone, and when it is refused it is known what has arrived.
func (d *delivery) settle() error {
	if d.flush() == nil {
		d.broken = d.await(false)
	}
	return d.broken
}

// flush writes what waits. When the broker has refused something, that is the error.
func (d *delivery) flush() error {
	if d.broken == nil {
		d.broken = d.judged()
	}
	if d.broken == nil && closed(d.interrupted) {
		d.broken = context.Canceled
	}
	if d.broken != nil || d.queued == 0 {
		return d.broken
	}
	d.sent, d.queued = d.sent+d.queued, 0
	_, d.broken = d.conn.Write(d.frames)
	d.frames = d.frames[:0]
	if cap(d.frames) > 1<<20 {
		d.frames = nil
	}
	return d.broken
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// Finish waits until the broker has said what became of the messages. failed is why no more come, or nil. Its errors
// have exit codes and say how many have arrived.
func (d *delivery) Finish(ctx context.Context, failed error) error {
	err := d.conclude(ctx, failed)
	var f *cmdline.Failure
	var unread *contentError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled):
		return cmdline.Fail(cmdline.ExitInterrupted, strings.TrimPrefix(d.arrived(), "; "))
	case errors.As(err, &unread):
		return cmdline.Fail(cmdline.ExitFailed, unread.Error()+d.arrived())
	case errors.As(err, &f):
		return cmdline.Fail(f.Code, f.Text+d.arrived())
	case errors.Is(err, failed) && d.broken == nil: // it knows its exit code
		if d.sent == 0 {
			return err
		}
		code, text := cmdline.Explain(err)
		return cmdline.Fail(code, text+d.arrived())
	}
	errors.As(connectionFailure(err), &f)
	return cmdline.Fail(f.Code, f.Text+d.arrived())
}

// conclude is Finish with errors as they are: a *wire.BrokerError, ErrNoVerdict, failed, a connection's.
func (d *delivery) conclude(ctx context.Context, failed error) error {
	defer d.close()
	if d.queued > 0 {
		_ = d.flush()
	}
	cut := failed != nil || d.broken != nil
	var verdict error
	switch {
	case d.acks && cut:
		verdict = d.await(true)
	case d.acks:
		if verdict = d.await(false); ctx.Err() != nil && verdict != nil {
			verdict = d.await(true)
		}
	default:
		verdict = d.goodbye()
	}
	var refusal *wire.BrokerError
	switch {
	case errors.As(verdict, &refusal), verdict == nil && !cut:
		return verdict
	case ctx.Err() != nil:
		return context.Canceled
	case !cut, verdict != nil && !errors.Is(verdict, ErrNoVerdict):
		return d.lost(verdict)
	case d.broken != nil:
		return d.lost(d.broken)
	}
	return failed
}

// ErrNoVerdict says that a broker neither confirmed nor refused nor ended the connection.
var ErrNoVerdict = errors.New("the broker gave no verdict in time, so whether it took the messages is unknown: wait " +
	"longer with --wait")

// lost names the connection in an error that it ended with.
func (d *delivery) lost(err error) error {
	var refusal *wire.BrokerError
	switch {
	case errors.As(err, &refusal), errors.Is(err, ErrNoVerdict):
		return err
	case errors.Is(err, io.EOF):
		return fmt.Errorf("connection to %s lost: the broker ended it", d.dial.Addr)
	}
	return fmt.Errorf("connection to %s lost: %w", d.dial.Addr, err)
}

// await waits for all confirmations; after a failure, for those that still come at once. Its error is the verdict.
func (d *delivery) await(failed bool) error {
	patience, interrupted := d.wait.Confirm, d.interrupted
	if failed {
		patience, interrupted = lastAcks, nil
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		verdict := d.judged() // before the count: none comes after it
		n, _, grown := d.progress()
		switch {
		case n >= d.sent:
			return nil
		case verdict != nil:
			return verdict
		}
		select {
		case <-grown:
			timer.Reset(patience)
		case <-d.decided:
		case <-timer.C:
			return ErrNoVerdict
		case <-interrupted:
			return context.Canceled
		}
	}
}

// goodbye ends our direction and waits for the broker's.
func (d *delivery) goodbye() error {
	_ = d.conn.CloseWrite()
	if d.wait.Verdict <= 0 && d.broken == nil {
		return d.judged()
	}
	_ = d.conn.SetReadDeadline(time.Now().Add(max(d.wait.Verdict, lastWords)))
	select {
	case <-d.decided:
	case <-d.interrupted:
		return context.Canceled
	}
	switch err := d.judged(); {
	case errors.Is(err, io.EOF):
		return nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		return ErrNoVerdict
	default:
		return err
	}
}

func (d *delivery) close() {
	d.stop()
	_ = d.conn.Close()
	<-d.over
}

// arrived says how many messages are known to have arrived.
func (d *delivery) arrived() string {
	if d.sent == 0 {
		return ""
	}
	if !d.acks {
		return fmt.Sprintf("; of %d messages sent nothing is confirmed", d.sent)
	}
	n, _, _ := d.progress()
	text := fmt.Sprintf("; %d of %d messages sent are confirmed", d.before+n, d.before+d.sent)
	unknown := d.sent - n
	if refusal := (*wire.BrokerError)(nil); errors.As(d.judged(), &refusal) && unknown > 0 {
		unknown-- // that one has not arrived
	}
	if unknown > 0 {
		text += ", the others may have arrived"
	}
	return text
}
