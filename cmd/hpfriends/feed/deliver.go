package feed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"hpfriends/internal/cmdline"
	"hpfriends/wire"
	"hpfriends/wire/subscription"
)

// delivery publishes many messages on one connection and finds out whether they have arrived. A broker of ours counts
// what is committed on $acks. Any other tells nothing: as with pub, an end of the connection without an ERROR means
// that nothing was refused. It belongs to one goroutine.
type delivery struct {
	dial   wire.DialConfig
	conn   *wire.ClientConn
	acks   bool
	wait   time.Duration // for the verdict of a broker that confirms nothing
	stop   func() bool
	frames []byte // not written yet
	sent   uint64
	broken error           // why nothing more can be written
	tried  map[string]bool // channels on which a message was confirmed before more followed

	decided chan struct{} // closed when there is a verdict

	mu sync.Mutex
	// confirmed is how many messages have arrived: the first so many that were sent. What arrives after a refusal, which a
	// broker may go on from, is not counted.
	confirmed uint64
	grown     chan struct{} // closed and replaced when confirmed grows
	verdict   error         // the first ERROR, or the connection's end
}

const (
	deliveryChunk = 64 << 10 // bytes that are written at once
	triedChannels = 64       // channels that are tried first, which takes up to two times acksEvery each
	// ackTimeout is how long confirmations may fail to come: a cluster without a leader takes that long to find one.
	ackTimeout = 30 * time.Second
	// lastAcks is how long the confirmations of what was sent before a failure may take.
	lastAcks = 10 * subscription.AcksEvery
)

// Deliver connects. certain is whether the broker is known to be of ours; otherwise its name tells.
func Deliver(ctx context.Context, dial wire.DialConfig, certain bool, wait time.Duration) (*delivery, error) {
	conn, err := wire.Dial(ctx, dial)
	if err != nil {
		return nil, connectionFailure(err)
	}
	d := &delivery{
		dial: dial, conn: conn, wait: wait, tried: make(map[string]bool), decided: make(chan struct{}),
		grown: make(chan struct{}),
		acks:  certain || strings.HasPrefix(conn.BrokerName(), "hpfriends"),
	}
	d.stop = context.AfterFunc(ctx, func() { _ = conn.Close() })
	go d.read()
	if d.acks {
		if err := conn.Subscribe(subscription.Acks); err != nil {
			return nil, errors.Join(connectionFailure(err), d.close())
		}
	}
	return d, nil
}

// read takes confirmations until the connection's end.
func (d *delivery) read() {
	for {
		frame, err := d.conn.ReadFrame()
		if err != nil {
			d.decide(err)
			return
		}
		if text, err := wire.ParseError(frame); err == nil {
			d.decide(&wire.BrokerError{Text: string(text)})
			continue
		}
		_, channel, payload, err := wire.ParsePublish(frame)
		if err != nil || string(channel) != subscription.Acks {
			continue
		}
		if n, err := strconv.ParseUint(string(payload), 10, 64); err == nil {
			d.confirm(n)
		}
	}
}

func (d *delivery) decide(verdict error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.verdict == nil {
		d.verdict = verdict
		close(d.decided)
	}
}

func (d *delivery) confirm(n uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.verdict == nil {
		d.confirmed = n
		close(d.grown)
		d.grown = make(chan struct{})
	}
}

func (d *delivery) judged() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.verdict
}

func (d *delivery) progress() (uint64, <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.confirmed, d.grown
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
	d.sent++
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
		d.broken = d.await(context.Background(), false)
	}
	return d.broken
}

// flush writes what waits. When the broker has refused something, that is the error.
func (d *delivery) flush() error {
	if d.broken == nil {
		d.broken = d.judged()
	}
	if d.broken != nil {
		return d.broken
	}
	_, d.broken = d.conn.Write(d.frames)
	d.frames = d.frames[:0]
	if cap(d.frames) > 1<<20 {
		d.frames = nil
	}
	return d.broken
}

// Finish waits until the broker has said what became of the messages. failed is why no more come, or nil. Its errors
// have exit codes and say how many have arrived.
func (d *delivery) Finish(ctx context.Context, failed error) error {
	_ = d.flush()
	var verdict error
	if d.acks {
		verdict = d.await(ctx, failed != nil || d.broken != nil)
	} else {
		verdict = d.goodbye()
	}
	_ = d.close()
	var refusal *wire.BrokerError
	switch {
	case ctx.Err() != nil:
		return cmdline.Fail(cmdline.ExitInterrupted, strings.TrimPrefix(d.arrived(), "; "))
	case errors.As(verdict, &refusal), failed == nil && d.broken == nil:
		return d.explain(verdict)
	case d.broken != nil:
		return d.explain(d.broken)
	}
	return failed
}

// await waits for all confirmations; after a failure, for those that still come at once. Its error is the verdict.
func (d *delivery) await(ctx context.Context, failed bool) error {
	patience := ackTimeout
	if failed {
		patience = lastAcks
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		n, grown := d.progress()
		if n >= d.sent {
			return nil
		}
		select {
		case <-grown:
			timer.Reset(patience)
		case <-d.decided:
			return d.judged()
		case <-timer.C:
			return ErrNoVerdict
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// goodbye ends our direction and waits for the broker's.
func (d *delivery) goodbye() error {
	_ = d.conn.CloseWrite()
	_ = d.conn.SetReadDeadline(time.Now().Add(max(d.wait, lastWords)))
	<-d.decided
	switch err := d.judged(); {
	case errors.Is(err, io.EOF):
		return nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		return ErrNoVerdict
	default:
		return err
	}
}

func (d *delivery) close() error {
	d.stop()
	return d.conn.Close()
}

// explain gives an error its exit code and says how many messages have arrived, as far as that is known.
func (d *delivery) explain(err error) error {
	var f *cmdline.Failure
	if !errors.As(connectionFailure(err), &f) {
		return err // nil
	}
	if !errors.Is(err, ErrNoVerdict) && f.Code == cmdline.ExitUnavailable {
		f.Text = fmt.Sprintf("connection to %s lost: %s", d.dial.Addr, f.Text)
	}
	f.Text += d.arrived()
	return f
}

// arrived says how many messages are known to have arrived.
func (d *delivery) arrived() string {
	if !d.acks {
		return ""
	}
	n, _ := d.progress()
	return fmt.Sprintf("; of %d messages sent, %d have certainly arrived", d.sent, n)
}
