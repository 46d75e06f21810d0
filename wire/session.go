package wire

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"io"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// Session is one connection to a Server. Its reader goroutine reads, decides and calls the Conn; everybody may Send.
type Session struct {
	Number uint64 // tells it from the others of its Server, from 1 on

	server   *Server
	endpoint *Endpoint
	conn     net.Conn
	remote   netip.AddrPort
	nonce    []byte

	ctx    context.Context
	cancel context.CancelCauseFunc
	done   chan struct{} // closed when everything of it is over

	ident atomic.Pointer[string] // authenticated; nil before
	moved moved

	reader    reader // of the reader goroutine
	writer    writer
	transport transport
}

const (
	// requestRate and requestBurst are of AUTH, SUBSCRIBE and UNSUBSCRIBE. A client that begins anew asks for all that it
	// had at once.
	requestRate  = 200 // a second
	requestBurst = 2500
	// lingerTime bounds the end: a write that is under way, the ERROR, and waiting for the peer's end.
	lingerTime = time.Second
	// lingerBytes bounds what is thrown away meanwhile of a peer that goes on sending, lingerRate that of all peers in a
	// second: many that are ended at once would send at the speed of the machine.
	lingerBytes = 64 << 20
	lingerRate  = 64 << 20
	lingerBurst = 16 << 20
)

func newSession(s *Server, a arrival, e *Endpoint, tc *tls.Config) *Session {
	ses := &Session{
		server: s, endpoint: e, conn: a.conn, remote: a.remote, Number: s.numbers.Add(1), nonce: make([]byte, e.Nonce),
		done: make(chan struct{}),
	}
	ses.transport.watch(a.conn)
	ses.reader.requests = rate.NewLimiter(requestRate, requestBurst)
	if tc != nil {
		below := s.config.Handshakes.Conn(&belowTLS{a.conn, &ses.transport, a.early}, a.remote.Addr())
		ses.conn = tls.Server(below, tc)
	} else if len(a.early) > 0 {
		ses.reader.in.begin(a.early)
		ses.got(len(a.early))
	}
	rand.Read(ses.nonce)
	ses.ctx, ses.cancel = context.WithCancelCause(s.ctx)
	return ses
}

// remoteOf returns the peer's address; an IPv4 peer of a dual-stack socket has its IPv4 address.
func remoteOf(c net.Conn) netip.AddrPort {
	a, ok := c.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	return unmap(a.AddrPort())
}

func unmap(p netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(p.Addr().Unmap(), p.Port()) }

// Context is done when the session ends; its cause is the reason given to Close, if any.
func (s *Session) Context() context.Context { return s.ctx }

// Remote is the peer's address. IPv4 addresses are never IPv4-mapped.
func (s *Session) Remote() netip.AddrPort { return s.remote }

// Endpoint is where the peer came in.
func (s *Session) Endpoint() Endpoint { return *s.endpoint }

// Ident is the authenticated ident, or empty. It is set before Broker.Open is called.
func (s *Session) Ident() string {
	if p := s.ident.Load(); p != nil {
		return *p
	}
	return ""
}

// ChargeTo says whose frames come here: all sessions of a party share what frames may hold in memory. It is for
// Broker.Open to call.
func (s *Session) ChargeTo(party uint64) { s.reader.party = party }

func (s *Session) got(n int) {
	s.moved.in.Add(uint64(n))
	s.server.moved.in.Add(uint64(n))
}

// BytesIn is the number of bytes received, without TLS's own.
func (s *Session) BytesIn() uint64 { return s.moved.in.Load() }

// BytesOut is the number of bytes sent, without TLS's own.
func (s *Session) BytesOut() uint64 { return s.moved.out.Load() }

// run is the reader goroutine, from INFO to the end.
func (s *Session) run() {
	err := s.sendInfo()
	if err == nil {
		err = s.read()
	}
	s.settle()
	s.Close(err)
	if s.reader.conn != nil {
		s.reader.conn.Close()
	}
	s.lingeringClose()
	s.hangUp()
	s.writer.flushers.Wait()
	s.reader.in.release()
	s.releaseFrame()
}

// sendInfo sends INFO in one write; with TLS, after the handshake. Its deadline goes on for AUTH.
func (s *Session) sendInfo() error {
	s.setDeadline(s.conn.SetDeadline, time.Now().Add(s.server.config.AuthTimeout))
	info := AppendInfo(nil, s.server.config.Name, s.nonce)
	n, err := s.conn.Write(info)
	s.wrote(int64(n), err)
	if err != nil {
		s.server.config.Logger.Debug("hpfeeds connection failed before INFO", "connection", s.Number,
			"remote", s.remote, "err", err)
		s.reader.gone = true
		return closeSilently
	}
	return nil
}

// Close ends the session, from any goroutine, and does not wait. Reads and writes that are under way return; the reader
// goroutine then sends the text of reason as an ERROR, if there is one, and closes. The first Close decides.
func (s *Session) Close(reason error) {
	if !s.writer.end(s.conn, reason) {
		return
	}
	if reason == nil {
		reason = net.ErrClosed
	}
	s.cancel(reason)
}

// setDeadline sets a deadline unless the session has ended: then Close's stays.
func (s *Session) setDeadline(set func(time.Time) error, t time.Time) {
	s.writer.mu.Lock()
	defer s.writer.mu.Unlock()
	if !s.writer.ended {
		_ = set(t)
	}
}

// hangUp closes the socket. tls.Conn.Close would first try for seconds to say so to a peer that does not read.
func (s *Session) hangUp() {
	c := s.conn
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	_ = c.Close()
}

// lingeringClose closes so that the peer gets the last ERROR: the kernel would answer unread input with a reset, and
// throw away what the peer has not read. So: write, end our direction, and read until the peer has ended too, within
// bounds.
func (s *Session) lingeringClose() {
	if err := s.writer.last(s); err != nil || s.reader.gone {
		return
	}
	half, ok := s.conn.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	end := time.Now().Add(lingerTime)
	_ = s.conn.SetReadDeadline(end)
	s.reader.in.r = s.reader.in.w
	rest := lingering{s.conn, s.server.linger, end}
	for total := 0; total < lingerBytes; {
		n, err := s.reader.in.fill(rest, 0)
		if err != nil {
			return
		}
		total += n
		s.reader.in.discard(n)
	}
}

// lingering is what a peer sends that is thrown away, at the pace that all of them share.
type lingering struct {
	io.Reader
	pace *rate.Limiter
	end  time.Time
}

func (l lingering) Read(p []byte) (int, error) {
	n, err := l.Reader.Read(p)
	if wait := l.pace.ReserveN(time.Now(), min(n, lingerBurst)).Delay(); err == nil && wait > 0 {
		time.Sleep(min(wait, time.Until(l.end)))
	}
	return n, err
}
