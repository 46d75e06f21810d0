package wire

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// Message is what a subscriber receives.
type Message struct {
	Ident   string // authkey that published it
	Channel string
	Payload []byte // valid during the call of Receive only
}

// BrokerError is an ERROR frame: the broker's text, of whatever bytes it chose.
type BrokerError struct{ Text string }

func (e *BrokerError) Error() string { return fmt.Sprintf("broker says %q", e.Text) }

// Backoff is how long a Client waits between connections: Min after the first failure, doubling up to Max; each time a
// random half of it less. The zero value is 1 s and 1 min.
type Backoff struct{ Min, Max time.Duration }

func (b Backoff) withDefaults() Backoff {
	b.Min = cmp.Or(b.Min, time.Second)
	b.Max = cmp.Or(b.Max, max(b.Min, time.Minute))
	return b
}

// wait is the time after that many failures in a row, from 1.
func (b Backoff) wait(failures int) time.Duration {
	d := b.Max
	if shift := failures - 1; shift < 32 && b.Min<<shift < b.Max && b.Min<<shift > 0 {
		d = b.Min << shift
	}
	return d/2 + rand.N(d/2+1)
}

// ClientConfig is what a Client is told. The functions may be nil; they are called from Run's goroutine, one at a time.
type ClientConfig struct {
	DialConfig
	Backoff   Backoff
	Receive   func(Message)
	Connected func(broker string) // AUTH was sent; a refusal may follow
	Failed    func(error)         // a *BrokerError, after which the connection may go on, or why a connection ended
}

// Client keeps a connection to a broker: it reconnects and subscribes again. What the broker was sent and had not
// stored when a connection ended is lost; hpfeeds has no confirmation.
//
// Its methods may be called from several goroutines, and before Run.
type Client struct {
	config ClientConfig

	control sync.Mutex // orders SUBSCRIBE and UNSUBSCRIBE; taken before mu

	mu         sync.Mutex
	subscribed map[string]struct{}
	broker     string
	conn       *ClientConn   // nil while there is none
	connected  chan struct{} // closed while there is one
}

// NewClient checks c. Run connects.
func NewClient(c ClientConfig) (*Client, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	c.Backoff = c.Backoff.withDefaults()
	return &Client{config: c, subscribed: make(map[string]struct{}), connected: make(chan struct{})}, nil
}

// BrokerName is what the broker called itself last.
func (c *Client) BrokerName() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.broker
}

// Run connects and receives until ctx is done, and then returns nil. It is called once.
func (c *Client) Run(ctx context.Context) error {
	failures := 0
	for {
		began := time.Now()
		err := c.session(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if c.config.Failed != nil {
			c.config.Failed(err)
		}
		if time.Since(began) > c.config.Backoff.Max { // it worked for a while
			failures = 0
		}
		failures++
		select {
		case <-time.After(c.config.Backoff.wait(failures)):
		case <-ctx.Done():
			return nil
		}
	}
}

// session is one connection, from connecting to its end.
func (c *Client) session(ctx context.Context) error {
	conn, err := Dial(ctx, c.config.DialConfig)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	c.mu.Lock()
	c.broker = conn.BrokerName()
	c.mu.Unlock()
	if c.config.Connected != nil {
		c.config.Connected(conn.BrokerName())
	}
	attached := make(chan error, 1) // beside receiving: the broker may not read before we do
	go func() { attached <- c.attach(conn) }()
	err = c.receive(conn)
	_ = conn.Close()
	err = errors.Join(err, <-attached)
	c.detach(conn)
	return err
}

// attach subscribes again and then lets others use the connection, so that a subscription precedes what is published.
func (c *Client) attach(conn *ClientConn) error {
	c.control.Lock()
	defer c.control.Unlock()
	c.mu.Lock()
	channels := slices.Sorted(maps.Keys(c.subscribed))
	c.mu.Unlock()
	var frames []byte
	for _, ch := range channels {
		frames = AppendSubscribe(frames, conn.ident, ch)
	}
	if _, err := conn.Write(frames); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conn = conn
	close(c.connected)
	return nil
}

// detach closes a connection that has failed, so that nobody uses it any more. Run connects again.
func (c *Client) detach(conn *ClientConn) {
	_ = conn.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn == conn {
		c.conn, c.connected = nil, make(chan struct{})
	}
}

func (c *Client) receive(conn *ClientConn) error {
	var m Message // keeps its strings while they repeat
	for {
		frame, err := conn.ReadFrame()
		if err != nil {
			return fmt.Errorf("connection to %s lost: %w", c.config.Addr, err)
		}
		switch frame[HeaderLen-1] {
		case OpPublish:
			ident, channel, payload, err := ParsePublish(frame)
			if err != nil {
				return err
			}
			m.set(ident, channel, payload)
			if c.config.Receive != nil {
				c.config.Receive(m)
			}
		case OpError:
			if c.config.Failed != nil {
				c.config.Failed(&BrokerError{Text: string(frame[HeaderLen:])})
			}
		}
	}
}

func (m *Message) set(ident, channel, payload []byte) {
	if m.Ident != string(ident) {
		m.Ident = string(ident)
	}
	if m.Channel != string(channel) {
		m.Channel = string(channel)
	}
	m.Payload = payload
}

// Publish sends a message, waiting for a connection if there is none, and returns when the kernel has taken it. After
// an error it is unknown whether the broker has the message. When ctx is done while the broker does not read, the
// connection is given up, since half a message may have been sent.
func (c *Client) Publish(ctx context.Context, channel string, payload []byte) error {
	if err := checkMessage(channel, payload); err != nil {
		return err
	}
	for {
		c.mu.Lock()
		conn, connected := c.conn, c.connected
		c.mu.Unlock()
		if conn != nil {
			return c.writeUntil(ctx, conn, func() error { return conn.Publish(channel, payload) })
		}
		select {
		case <-connected:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// writeUntil runs a write on conn that ctx can end.
func (c *Client) writeUntil(ctx context.Context, conn *ClientConn, write func() error) error {
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	err := write()
	stop()
	if err != nil {
		c.detach(conn)
	}
	return err
}

// Subscribe asks for a channel, now if there is a connection and with every new one.
func (c *Client) Subscribe(ctx context.Context, channel string) error {
	if channel == "" || HeaderLen+1+len(c.config.Ident)+len(channel) > MaxSubscribeLen {
		return fmt.Errorf("wire: subscription to %d bytes: want 1 to %d", len(channel), MaxSubscribeLen-HeaderLen-1-MaxName)
	}
	return c.change(ctx, func() { c.subscribed[channel] = struct{}{} },
		func(conn *ClientConn) error { return conn.Subscribe(channel) })
}

// Unsubscribe takes Subscribe back. Messages under way still arrive.
func (c *Client) Unsubscribe(ctx context.Context, channel string) error {
	return c.change(ctx, func() { delete(c.subscribed, channel) },
		func(conn *ClientConn) error { return conn.Unsubscribe(channel) })
}

// change notes a change and sends it. If sending fails, the next connection has it.
func (c *Client) change(ctx context.Context, note func(), send func(*ClientConn) error) error {
	c.control.Lock()
	defer c.control.Unlock()
	c.mu.Lock()
	note()
	conn := c.conn
	c.mu.Unlock()
	if conn == nil {
		return nil
	}
	return c.writeUntil(ctx, conn, func() error { return send(conn) })
}
