package wire

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"
)

// DialConfig says how to log in to a broker.
type DialConfig struct {
	Addr   string // host:port
	Ident  string
	Secret []byte
	TLS    *tls.Config // nil: plain. Its ServerName may be empty: then it is the host of Addr
	Limits Limits      // of what the broker may send
	// Timeout bounds connecting and waiting for INFO. 0 means 10 s.
	Timeout time.Duration
}

func (c DialConfig) validate() error {
	if err := c.Limits.validate(); err != nil {
		return err
	}
	return checkNames(c.Ident)
}

const dialTimeout = 10 * time.Second

// ClientConn is one connection to a broker on which AUTH has been sent. hpfeeds confirms nothing: a refused login is an
// ERROR frame and the end of the connection, read later. Write may be called from several goroutines, ReadFrame from
// one only.
type ClientConn struct {
	conn   net.Conn
	ident  string
	broker string
	limits Limits
	in     readBuffer
	last   int // length of the frame that ReadFrame returned
}

// Dial connects, waits for INFO and answers its challenge.
func Dial(ctx context.Context, c DialConfig) (*ClientConn, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	timeout := cmp.Or(c.Timeout, dialTimeout)
	silent := fmt.Errorf("the broker did not greet within %s", timeout)
	if c.TLS == nil { // where it waits for the client to speak
		silent = fmt.Errorf("%w: if this is its port for TLS, connect with TLS", silent)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, silent)
	defer cancel()
	conn, err := (&net.Dialer{KeepAliveConfig: keepAlive}).DialContext(ctx, "tcp", c.Addr)
	if err != nil {
		return nil, err
	}
	if c.TLS != nil {
		conn = tls.Client(conn, withServerName(c.TLS, c.Addr))
	}
	cc := &ClientConn{conn: conn, ident: c.Ident, limits: c.Limits}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(past) })
	err = cc.logIn(c.Secret)
	if !stop() { // which is why it failed
		err = context.Cause(ctx)
	}
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("log in to %s: %w", c.Addr, err)
	}
	return cc, nil
}

func withServerName(c *tls.Config, addr string) *tls.Config {
	if c.ServerName != "" || c.InsecureSkipVerify {
		return c
	}
	host, _, _ := net.SplitHostPort(addr)
	c = c.Clone()
	c.ServerName = host
	return c
}

func (c *ClientConn) logIn(secret []byte) error {
	frame, err := c.ReadFrame()
	if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) {
		return fmt.Errorf("it ended the connection instead of greeting, as a broker does that takes nobody now: %w", err)
	}
	if err != nil {
		return err
	}
	if text, err := ParseError(frame); err == nil {
		return &BrokerError{Text: string(text)}
	}
	name, nonce, err := ParseInfo(frame)
	if err != nil {
		return fmt.Errorf("first message is no INFO, so this is no hpfeeds broker: %w", err)
	}
	c.broker = string(name)
	_, err = c.conn.Write(AppendAuth(nil, c.ident, Digest(nonce, secret)))
	return err
}

// BrokerName is what the broker calls itself.
func (c *ClientConn) BrokerName() string { return c.broker }

// ReadFrame returns the next frame, valid until the next call. The error is io.EOF when the broker has closed.
func (c *ClientConn) ReadFrame() ([]byte, error) {
	c.in.discard(c.last)
	c.last = 0
	for {
		need := 0
		if b := c.in.buffered(); len(b) >= HeaderLen {
			n, op := Header(b)
			if err := c.limits.Check(n, op); err != nil {
				return nil, err
			}
			if need = int(n); len(b) >= need {
				c.last = need
				return b[:need:need], nil
			}
		}
		if n, err := c.in.fill(c.conn, need); n == 0 && err != nil {
			if errors.Is(err, io.EOF) && len(c.in.buffered()) > 0 {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
}

// Write writes whole frames. Two writes never mix.
func (c *ClientConn) Write(frames []byte) (int, error) { return c.conn.Write(frames) }

// Publish writes a PUBLISH frame. hpfeeds does not confirm it.
func (c *ClientConn) Publish(channel string, payload []byte) error {
	if err := checkMessage(channel, payload); err != nil {
		return err
	}
	_, err := c.conn.Write(AppendPublish(make([]byte, 0, HeaderLen+2+2*MaxName+len(payload)), c.ident, channel, payload))
	return err
}

// Subscribe writes a SUBSCRIBE frame.
func (c *ClientConn) Subscribe(channel string) error {
	_, err := c.conn.Write(AppendSubscribe(nil, c.ident, channel))
	return err
}

// Unsubscribe writes an UNSUBSCRIBE frame.
func (c *ClientConn) Unsubscribe(channel string) error {
	_, err := c.conn.Write(AppendUnsubscribe(nil, c.ident, channel))
	return err
}

// SetReadDeadline bounds ReadFrame, which may be called again afterwards.
func (c *ClientConn) SetReadDeadline(t time.Time) error { return c.conn.SetReadDeadline(t) }

// SetWriteDeadline bounds Write. One that fails may have written half a frame: then the connection is of no use.
func (c *ClientConn) SetWriteDeadline(t time.Time) error { return c.conn.SetWriteDeadline(t) }

// CloseWrite ends this direction: the broker handles what it was sent, and closes.
func (c *ClientConn) CloseWrite() error {
	return c.conn.(interface{ CloseWrite() error }).CloseWrite() // *net.TCPConn and *tls.Conn have it
}

// Close closes the connection. The system goes on sending what was written.
func (c *ClientConn) Close() error { return c.conn.Close() }

func checkNames(names ...string) error {
	for _, n := range names {
		if n == "" || len(n) > MaxName {
			return fmt.Errorf("wire: ident or channel of %d bytes: want 1 to %d", len(n), MaxName)
		}
	}
	return nil
}

func checkMessage(channel string, payload []byte) error {
	if len(payload) > 1<<30 {
		return fmt.Errorf("%w: payload of %d bytes", ErrTooLarge, len(payload))
	}
	return checkNames(channel)
}
