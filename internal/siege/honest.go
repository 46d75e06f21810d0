package siege

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"hpfriends/internal/load"
	"hpfriends/wire"
)

const (
	honestPublishers  = 20
	honestSubscribers = 20
	honestRate        = 5 // messages a second of each
)

// times collects how long something took.
type times struct {
	mu  sync.Mutex
	all []time.Duration
}

func (t *times) add(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all = append(t.all, d)
}

// take returns the 99th percentile and how many there were since the last call.
func (t *times) take() (p99 time.Duration, n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := t.all
	t.all = nil
	if len(all) == 0 {
		return 0, 0
	}
	slices.Sort(all)
	return all[(len(all)*99+99)/100-1], len(all)
}

// traffic is what honest clients do.
type traffic struct {
	published atomic.Int64
	received  atomic.Int64
	latency   times
	crew      interface {
		Run(net.Conn, func() error)
		End() error
	}
	stop context.CancelFunc
}

// begin connects everybody, and returns when messages arrive.
func (t *traffic) begin(ctx context.Context, address string, pubs, subs []load.Key) error {
	ctx, t.stop = context.WithCancel(ctx)
	t.crew = load.NewCrew(t.stop)
	for i := range honestSubscribers {
		c, err := load.Subscribe(ctx, address, subs[i%len(subs)], load.Channel)
		if err != nil {
			return err
		}
		t.crew.Run(c, func() error { return load.CountFrames(c, &t.received, t.arrived) })
	}
	time.Sleep(500 * time.Millisecond) // a subscription has no answer
	for i := range honestPublishers {
		k := pubs[i%len(pubs)]
		c, err := load.Login(ctx, address, k)
		if err != nil {
			return err
		}
		t.crew.Run(c, func() error { return t.publish(ctx, c, k) })
	}
	return nil
}

// publish sends messages whose payload begins with the time of sending.
func (t *traffic) publish(ctx context.Context, c net.Conn, k load.Key) error {
	every := time.NewTicker(time.Second / honestRate)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-every.C:
		}
		payload := binary.BigEndian.AppendUint64(nil, uint64(time.Now().UnixNano()))
		if _, err := c.Write(wire.AppendPublish(nil, k.Ident, load.Channel, append(payload, "honest"...))); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("an honest publisher was cut: %w", err)
		}
		t.published.Add(1)
	}
}

func (t *traffic) arrived(frame []byte) {
	_, _, payload, err := wire.ParsePublish(frame)
	if err != nil || len(payload) < 8 {
		return
	}
	t.latency.add(time.Duration(time.Now().UnixNano() - int64(binary.BigEndian.Uint64(payload))))
}

// end stops publishing, waits for what is under way, and says what is missing.
func (t *traffic) end() error {
	t.stop()
	deadline := time.Now().Add(10 * time.Second)
	for t.received.Load() < honestSubscribers*t.published.Load() && time.Now().Before(deadline) {
		time.Sleep(20 * time.Millisecond)
	}
	err := t.crew.End()
	if want, got := honestSubscribers*t.published.Load(), t.received.Load(); err == nil && got != want {
		return fmt.Errorf("%d messages were delivered to honest subscribers, want %d", got, want)
	}
	return err
}
