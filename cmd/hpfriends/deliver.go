package main

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

	"hpfriends/wire"
)

// delivery publishes many messages on one connection and finds out whether they have arrived. A broker of ours counts what
// is committed on $acks. Any other tells nothing: as with pub, an end of the connection without an ERROR means that nothing
// was refused. It belongs to one goroutine.
type delivery struct {
	conn    *wire.ClientConn
	addr    string
	ident   string
	acks    bool
	wait    time.Duration
	stop    func() bool
	frames  []byte // not written yet
	sent    uint64
	broken  error      // why nothing more can be written
	verdict chan error // of the reader, one

	mu        sync.Mutex
	confirmed uint64
	grown     chan struct{} // closed and replaced when confirmed grows
}

const (
	deliveryChunk = 64 << 10 // bytes that are written at once
	// ackTimeout is how long confirmations may fail to come: a cluster without a leader takes that long to find one.
	ackTimeout = 30 * time.Second
)

// deliver connects. certain is whether the broker is known to be of ours; otherwise its name tells.
func deliver(ctx context.Context, dial wire.DialConfig, certain bool, wait time.Duration) (*delivery, error) {
	conn, err := wire.Dial(ctx, dial)
	if err != nil {
		return nil, connectionFailure(err)
	}
	d := &delivery{
		conn: conn, addr: dial.Addr, ident: dial.Ident, wait: wait, verdict: make(chan error, 1), grown: make(chan struct{}),
		acks: certain || strings.HasPrefix(conn.BrokerName(), "hpfriends"),
	}
	d.stop = context.AfterFunc(ctx, func() { _ = conn.Close() })
	go func() { d.verdict <- d.read() }()
	if d.acks {
		if err := conn.Subscribe(acksChannel); err != nil {
			return nil, errors.Join(connectionFailure(err), d.close())
		}
	}
	return d, nil
}

// read takes confirmations until an ERROR or the connection's end.
func (d *delivery) read() error {
	for {
		frame, err := d.conn.ReadFrame()
		if err != nil {
			return err
		}
		if text, err := wire.ParseError(frame); err == nil {
			return &wire.BrokerError{Text: string(text)}
		}
		_, channel, payload, err := wire.ParsePublish(frame)
		if err != nil || string(channel) != acksChannel {
			continue
		}
		if n, err := strconv.ParseUint(string(payload), 10, 64); err == nil {
			d.mu.Lock()
			d.confirmed = n
			close(d.grown)
			d.grown = make(chan struct{})
			d.mu.Unlock()
		}
	}
}

func (d *delivery) progress() (uint64, <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.confirmed, d.grown
}

// publish takes a message; it is on its way after the next flush at the latest.
func (d *delivery) publish(channel string, payload []byte) error {
	if channel == "" || len(channel) > wire.MaxName {
		return fmt.Errorf("channel of %d bytes: want 1 to %d", len(channel), wire.MaxName)
	}
	d.frames = wire.AppendPublish(d.frames, d.ident, channel, payload)
	d.sent++
	if len(d.frames) >= deliveryChunk {
		return d.flush()
	}
	return nil
}

// flush writes what waits. When the broker has refused something, that is the error.
func (d *delivery) flush() error {
	if d.broken == nil && len(d.verdict) > 0 {
		d.broken = <-d.verdict
		d.verdict <- d.broken
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

// finish waits until the broker has said what became of the messages. failed is why no more come, or nil. Its errors have
// exit codes and say how many have arrived.
func (d *delivery) finish(ctx context.Context, failed error) error {
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
		return &failure{exitInterrupted, strings.TrimPrefix(d.arrived(), "; ")}
	case errors.As(verdict, &refusal), failed == nil && d.broken == nil:
		return d.explain(verdict)
	case d.broken != nil:
		return d.explain(d.broken)
	}
	return failed
}

// await waits for all confirmations; after a failure, for those that come at once.
func (d *delivery) await(ctx context.Context, failed bool) error {
	patience := ackTimeout
	if failed {
		patience = 5 * acksEvery
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	var verdict error
	for {
		n, grown := d.progress()
		if n >= d.sent {
			return verdict
		}
		select {
		case <-grown:
			timer.Reset(patience)
		case err := <-d.verdict:
			if verdict != nil {
				return verdict
			}
			// What was committed before may be confirmed still, if the connection goes on.
			verdict, patience = err, 5*acksEvery
			timer.Reset(patience)
		case <-timer.C:
			if verdict != nil {
				return verdict
			}
			return errNoVerdict
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// goodbye ends our direction and waits for the broker's.
func (d *delivery) goodbye() error {
	_ = d.conn.CloseWrite()
	_ = d.conn.SetReadDeadline(time.Now().Add(max(d.wait, lastWords)))
	switch err := <-d.verdict; {
	case errors.Is(err, io.EOF):
		return nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errNoVerdict
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
	var f *failure
	if !errors.As(connectionFailure(err), &f) {
		return err // nil
	}
	if !errors.Is(err, errNoVerdict) && f.code == exitUnavailable {
		f.text = fmt.Sprintf("connection to %s lost: %s", d.addr, f.text)
	}
	f.text += d.arrived()
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
