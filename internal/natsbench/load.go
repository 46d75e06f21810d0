package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"hpfriends/internal/payload"
)

const (
	publishers = 4
	size       = 256 // bytes of a message
)

// publisher sends messages and counts what is acknowledged.
type publisher struct {
	conn   *nats.Conn
	inbox  string
	window int // messages sent and not acknowledged
	batch  int // above 1: messages of an atomic batch, which is acknowledged as a whole
	free   chan struct{}
	acked  *atomic.Int64
	failed chan error
}

// flood publishes as fast as the window lets it, until ctx ends.
func (p *publisher) flood(ctx context.Context, subject string) {
	sub, err := p.conn.Subscribe(p.inbox, p.acknowledged)
	if err != nil {
		p.fail(err)
		return
	}
	defer func() { _ = sub.Unsubscribe() }()
	for range p.window / p.batch {
		p.free <- struct{}{}
	}
	all := payload.Honeypot(4096, size)
	for i := 0; ; i++ {
		select {
		case <-p.free:
		case <-ctx.Done():
			return
		}
		if err := p.send(subject, i, all); err != nil {
			if ctx.Err() == nil {
				p.fail(err)
			}
			return
		}
	}
}

// send publishes one message, or one batch of them.
func (p *publisher) send(subject string, number int, all [][]byte) error {
	if p.batch == 1 {
		return p.conn.PublishRequest(subject, p.inbox, all[number%len(all)])
	}
	id := p.inbox[len(p.inbox)-12:] + "-" + strconv.Itoa(number)
	for i := range p.batch {
		m := &nats.Msg{Subject: subject, Data: all[(number*p.batch+i)%len(all)], Header: nats.Header{
			"Nats-Batch-Id": {id}, "Nats-Batch-Sequence": {strconv.Itoa(i + 1)},
		}}
		if i == p.batch-1 {
			m.Header.Set("Nats-Batch-Commit", "1")
			m.Reply = p.inbox
		}
		if err := p.conn.PublishMsg(m); err != nil {
			return err
		}
	}
	return nil
}

func (p *publisher) acknowledged(m *nats.Msg) {
	if bytes.Contains(m.Data, []byte(`"error"`)) || !bytes.Contains(m.Data, []byte(`"seq"`)) {
		p.fail(fmt.Errorf("instead of an acknowledgement: %q %v", m.Data, m.Header))
		return
	}
	p.acked.Add(int64(p.batch))
	select {
	case p.free <- struct{}{}:
	default:
		p.fail(errors.New("more acknowledgements than messages"))
	}
}

func (p *publisher) fail(err error) {
	select {
	case p.failed <- err:
	default:
	}
}

// growth is how fast the counters grow between the ends of d, after a second of warming up.
func growth(ctx context.Context, d time.Duration, failed chan error, counters ...*atomic.Int64) ([]float64, error) {
	wait := func(d time.Duration) error {
		select {
		case <-time.After(d):
			return nil
		case err := <-failed:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err := wait(time.Second); err != nil {
		return nil, err
	}
	begin, rates := time.Now(), make([]float64, len(counters))
	for i, c := range counters {
		rates[i] = -float64(c.Load())
	}
	if err := wait(d); err != nil {
		return nil, err
	}
	took := time.Since(begin).Seconds()
	for i, c := range counters {
		rates[i] = (rates[i] + float64(c.Load())) / took
	}
	return rates, nil
}
