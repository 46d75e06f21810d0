// Package proxyheader takes connections that a proxy hands on with a PROXY header, version 1 or 2, which says where
// they come from (HAProxy's send-proxy and send-proxy-v2, nginx's proxy_protocol, the load balancers of clouds).
//
// Its invariant: what Listener.Accept returns has its true address. A header is believed from trusted networks only,
// and they must send one, since a stream that may or may not begin with a header lets a client forge it. Anybody else
// speaks for themselves, and a header of theirs is what comes first in their stream.
//
// A header is read in a goroutine of its own, so that somebody who sends none holds up nobody. At most MaxWaiting are
// waited for, each for Timeout.
//
// A Listener may be used by any number of goroutines, a Conn as any net.Conn.
package proxyheader

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"

	proxyproto "github.com/pires/go-proxyproto"

	"hpfriends/internal/crowd"
)

const (
	// Timeout is how long a header may take. A proxy sends it at once; 3 s are one lost segment.
	Timeout = 5 * time.Second
	// MaxWaiting bounds the connections of a Listener whose header is not there yet. When there are more, the oldest one
	// of the most crowded address is closed.
	MaxWaiting = 256
)

var (
	// ErrNoHeader is of a trusted address that sent something else, or nothing.
	ErrNoHeader = errors.New("no PROXY header")
	// ErrHeader is of a header that cannot be.
	ErrHeader = errors.New("bad PROXY header")
	// ErrCrowded is of a connection that made room for a newer one.
	ErrCrowded = errors.New("too many connections wait for their PROXY header")
)

// Error is why a connection of a proxy was closed. The listener goes on.
type Error struct {
	Proxy netip.AddrPort
	Slow  bool // the header did not come in time
	err   error
}

func (e *Error) Error() string {
	in := ""
	if e.Slow {
		in = " in time"
	}
	return fmt.Sprintf("%v from the proxy %s%s", e.err, e.Proxy.Addr().Unmap(), in)
}

func (e *Error) Unwrap() error { return e.err }

// Conn is a connection with its true address.
type Conn struct {
	net.Conn // of the proxy
	remote   *net.TCPAddr
	early    []byte // what came together with the header
}

// RemoteAddr implements net.Conn: the client's, which the header names.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// Read implements net.Conn.
func (c *Conn) Read(p []byte) (int, error) {
	if len(c.early) == 0 {
		return c.Conn.Read(p)
	}
	n := copy(p, c.early)
	c.early = c.early[n:]
	return n, nil
}

// CloseWrite ends our direction.
func (c *Conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// Unwrap takes a Conn apart: the proxy's connection, and what came of the client's stream already.
func (c *Conn) Unwrap() (net.Conn, []byte) { return c.Conn, c.early }

// Listener is a listener behind proxies. Make one with Listen.
type Listener struct {
	net.Listener
	trusted []netip.Prefix
	timeout time.Duration
	waiting *crowd.Crowd

	begin    sync.Once
	accepted chan accepted
	closed   chan struct{}
	running  sync.WaitGroup // begins with the first Accept
	end      func() error
}

// accepted is what Accept returns.
type accepted struct {
	conn net.Conn
	err  error
}

// Listen returns a Listener on l, which takes headers from the trusted networks.
func Listen(l net.Listener, trusted []netip.Prefix) *Listener {
	p := &Listener{
		Listener: l, trusted: trusted, timeout: Timeout, waiting: crowd.New(MaxWaiting, 0),
		accepted: make(chan accepted), closed: make(chan struct{}),
	}
	p.end = sync.OnceValue(p.close)
	return p
}

// Accept implements net.Listener. An error of type *Error is about one connection.
func (l *Listener) Accept() (net.Conn, error) {
	l.begin.Do(func() { l.running.Go(l.run) })
	select {
	case a := <-l.accepted:
		return a.conn, a.err
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener. It closes the connections whose header is waited for.
func (l *Listener) Close() error { return l.end() }

func (l *Listener) close() error {
	l.begin.Do(func() {}) // or there would be a goroutine after this
	err := l.Listener.Close()
	close(l.closed)
	l.waiting.Clear()
	l.running.Wait()
	return err
}

// run accepts until the listener is closed.
func (l *Listener) run() {
	for {
		c, err := l.Listener.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			l.deliver(accepted{err: err})
			continue
		}
		from := crowd.Remote(c)
		if !l.trusts(from) {
			l.deliver(accepted{conn: c})
			continue
		}
		evicted := make(chan struct{})
		seat := l.waiting.Enter(from, func() {
			close(evicted)
			_ = c.Close()
		})
		select {
		case <-l.closed: // it may have looked for those who wait before this one came
			_ = c.Close()
		default:
		}
		l.running.Go(func() {
			defer seat.Leave()
			l.deliver(read(c, l.timeout, evicted))
		})
	}
}

func (l *Listener) trusts(a netip.Addr) bool {
	return slices.ContainsFunc(l.trusted, func(n netip.Prefix) bool { return n.Contains(a.WithZone("")) })
}

// deliver waits until somebody accepts a.
func (l *Listener) deliver(a accepted) {
	if a == (accepted{}) {
		return
	}
	select {
	case l.accepted <- a:
	case <-l.closed:
		if a.conn != nil {
			_ = a.conn.Close()
		}
	}
}

// read reads the header of c. It returns neither a connection nor an error if the peer has only connected: proxies look
// so whether a server is there.
func read(c net.Conn, timeout time.Duration, evicted <-chan struct{}) accepted {
	in := &counted{r: c}
	buf := bufio.NewReaderSize(in, 512)
	_ = c.SetReadDeadline(time.Now().Add(timeout))
	h, err := proxyproto.Read(buf)
	if err == nil {
		var remote *net.TCPAddr
		if remote, err = source(c, h); err == nil {
			_ = c.SetReadDeadline(time.Time{})
			early, _ := buf.Peek(buf.Buffered())
			return accepted{conn: &Conn{Conn: c, remote: remote, early: slices.Clone(early)}}
		}
	}
	_ = c.Close()
	from, _ := c.RemoteAddr().(*net.TCPAddr)
	why := &Error{Proxy: from.AddrPort(), Slow: errors.Is(in.err, os.ErrDeadlineExceeded), err: ErrNoHeader}
	select {
	case <-evicted:
		why.err, why.Slow = ErrCrowded, false
		return accepted{err: why}
	default:
	}
	switch {
	case in.n == 0 && !why.Slow:
		return accepted{}
	case !why.Slow && !errors.Is(err, proxyproto.ErrNoProxyProtocol):
		why.err = fmt.Errorf("%w (%w)", ErrHeader, err)
	}
	return accepted{err: why}
}

// counted counts what is read, and keeps why no more is: the library hides that.
type counted struct {
	r   io.Reader
	n   int
	err error
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += n
	if err != nil {
		c.err = err
	}
	return n, err
}

// source is the client's address. A proxy that speaks for itself, to see whether we are there, or that does not know,
// has its own.
func source(c net.Conn, h *proxyproto.Header) (*net.TCPAddr, error) {
	own, _ := c.RemoteAddr().(*net.TCPAddr)
	if h.Command.IsLocal() || h.TransportProtocol.IsUnspec() || h.TransportProtocol.IsUnix() {
		return own, nil
	}
	client, _, ok := h.TCPAddrs()
	if !ok {
		return nil, fmt.Errorf("it is about %v, not TCP", h.SourceAddr)
	}
	return client, nil
}
