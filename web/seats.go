package web

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"

	"hpfriends/internal/crowd"
	"hpfriends/internal/handshakes"
	"hpfriends/internal/proxyheader"
)

// seats are the places that connections and requests have.
type seats struct {
	crowd *crowd.Crowd
	*underway
}

// seatedListener lets everybody in, and somebody else out when there are too many.
type seatedListener struct {
	net.Listener
	crowd  *crowd.Crowd
	logger *slog.Logger
	gate   *handshakes.Gate
}

// maxBacklog is how much the kernel keeps of what a connection sends, twice for its own accounts. By itself it would
// keep megabytes, which are a minute's work when they are frames of 13 bytes and their sender is long gone.
const maxBacklog = 128 << 10

// seated is a connection that has a seat.
type seated struct {
	net.Conn
	seat *crowd.Seat
}

// Accept implements net.Listener.
func (l *seatedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	for bad := (*proxyheader.Error)(nil); errors.As(err, &bad); c, err = l.Listener.Accept() {
		l.logger.Warn("HTTP connection without a PROXY header closed: let the proxy send one, or take its address out of "+
			"proxy=", "listener", l.Addr(), "err", err)
	}
	if err != nil {
		return nil, err
	}
	from := crowd.Remote(c)
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetReadBuffer(maxBacklog)
	}
	c = l.gate.Paced(c, from)
	return &seated{c, l.crowd.Enter(from, func() { _ = c.Close() })}, nil
}

// Close implements net.Conn.
func (c *seated) Close() error {
	c.seat.Leave()
	return c.Conn.Close()
}

// setSeat says which connections have a request: the others go first.
func setSeat(c net.Conn, state http.ConnState) {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	if s, ok := c.(*seated); ok {
		s.seat.Busy(state == http.StateActive)
	}
}
