package web

import (
	"crypto/tls"
	"net"
	"net/http"

	"hpfriends/internal/crowd"
)

// seatedListener lets everybody in, and somebody else out when there are too many.
type seatedListener struct {
	net.Listener
	crowd *crowd.Crowd
}

// seated is a connection that has a seat.
type seated struct {
	net.Conn
	seat *crowd.Seat
}

// Accept implements net.Listener.
func (l *seatedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &seated{c, l.crowd.Enter(crowd.Remote(c), func() { _ = c.Close() })}, nil
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
