package wire

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"hpfriends/internal/crowd"
	"hpfriends/internal/proxyheader"
)

// Server serves hpfeeds on any number of listeners. NewServer, then Serve for each, then Shutdown once.
type Server struct {
	config Config
	broker Broker
	dummy  []byte // secret of idents that do not exist
	limits

	ctx    context.Context // of all sessions
	cancel context.CancelFunc

	mu        sync.Mutex
	stopped   bool // takes no connections any more
	closing   bool // ends the sessions
	draining  bool // turns new connections away
	listeners map[net.Listener]struct{}
	sessions  map[*Session]struct{}
	running   sync.WaitGroup // Serve loops and sessions; grows under mu only

	moved moved
}

// moved is how many bytes went through a session, or all, without TLS's own.
type moved struct{ in, out atomic.Uint64 }

// Bytes are how many have been received from clients and sent to them since the start.
func (s *Server) Bytes() (in, out uint64) { return s.moved.in.Load(), s.moved.out.Load() }

// limits are what all sessions share.
type limits struct {
	limiter  *connLimiter
	throttle *loginThrottle
	frames   *frameMemory
	linger   *rate.Limiter // bytes that are thrown away at ends
	numbers  atomic.Uint64 // sessions that there have been
}

// keepAlive finds peers that have vanished, with the figures of the Python broker. It is the only way: no frame is safe
// to send to a client that does not expect it.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 3}

// NewServer returns a Server that asks b. It starts nothing.
func NewServer(c Config, b Broker) (*Server, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = c.withDefaults()
	s := &Server{
		config: c, broker: b, dummy: make([]byte, 32),
		limits: limits{
			limiter: newConnLimiter(c), throttle: newLoginThrottle(), frames: newFrameMemory(c),
			linger: rate.NewLimiter(lingerRate, lingerBurst),
		},
		listeners: make(map[net.Listener]struct{}), sessions: make(map[*Session]struct{}),
	}
	rand.Read(s.dummy)
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s, nil
}

// Serve accepts connections on l, which is e's listener, until ctx is done, StopAccepting or Shutdown is called: then
// it returns nil. It closes l. Sessions go on until Shutdown ends them.
func (s *Server) Serve(ctx context.Context, l net.Listener, e Endpoint) error {
	defer l.Close()
	if e.Nonce == 0 {
		e.Nonce = defaultNonce
	}
	tc, err := s.config.tlsConfig(e)
	if err != nil {
		return err
	}
	if !s.begin(l) {
		return nil
	}
	defer s.ended(l)
	defer context.AfterFunc(ctx, func() { _ = l.Close() })()
	pause := time.Duration(0)
	for {
		c, err := l.Accept()
		if err == nil {
			pause = 0
			s.accept(c, &e, tc)
			continue
		}
		if ctx.Err() != nil || s.isStopped() {
			return nil
		}
		if bad, ok := errors.AsType[*proxyheader.Error](err); ok {
			s.refuseProxy(bad, &e)
			continue
		}
		if errors.Is(err, net.ErrClosed) {
			return fmt.Errorf("wire: accept on %s: %w", e, err)
		}
		pause = min(max(2*pause, 5*time.Millisecond), time.Second) // no files left, most likely: that passes
		s.config.Logger.Error("hpfeeds listener cannot accept", "endpoint", e.String(), "err", err, "retry", pause)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		case <-s.ctx.Done():
		}
	}
}

func (s *Server) begin(l net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return false
	}
	s.listeners[l] = struct{}{}
	s.running.Add(1)
	return true
}

func (s *Server) ended(l net.Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.listeners, l)
	s.running.Done()
}

// refuseProxy says that a connection of a proxy is closed: its operator is ours, most likely.
func (s *Server) refuseProxy(bad *proxyheader.Error, e *Endpoint) {
	reason, hint := ReasonMalformed, "let the proxy send one (send-proxy-v2 in HAProxy, proxy_protocol on in nginx), "+
		"or take its address out of proxy="
	switch {
	case errors.Is(bad, proxyheader.ErrCrowded):
		reason, hint = ReasonTooMany, "find out which machine of proxy= connects and sends nothing"
	case bad.Slow:
		reason = ReasonTimeout
	}
	s.broker.Refused(Refusal{Reason: reason, Remote: unmap(bad.Proxy), Count: 1, Why: bad.Error()})
	s.config.Logger.Warn("hpfeeds connection without a PROXY header closed: "+hint, "endpoint", e.String(), "err", bad)
}

// arrival is a new connection. Behind a proxy, conn is the proxy's and remote the client.
type arrival struct {
	conn   net.Conn
	remote netip.AddrPort
	early  []byte // of the client's stream, that came together with the proxy's header
}

func arrivalOf(c net.Conn) arrival {
	a := arrival{conn: c, remote: remoteOf(c)}
	if p, ok := c.(*proxyheader.Conn); ok {
		a.conn, a.early = p.Unwrap()
	}
	return a
}

// accept starts a session, or turns the peer away.
func (s *Server) accept(accepted net.Conn, e *Endpoint, tc *tls.Config) {
	a := arrivalOf(accepted)
	c, remote := a.conn, a.remote
	if s.turnsAway() {
		if t, ok := c.(*net.TCPConn); ok { // as if nobody listened
			_ = t.SetLinger(0)
		}
		s.turnAway(a, ReasonDraining, true)
		return
	}
	addr := crowd.Address(remote.Addr())
	if !s.limiter.admit(addr, time.Now()) {
		s.turnAway(a, ReasonTooMany, tc != nil)
		return
	}
	if t, ok := c.(*net.TCPConn); ok { // Go has set TCP_NODELAY
		_ = t.SetKeepAliveConfig(keepAlive)
		if raw, err := t.SyscallConn(); err == nil {
			boundUnsent(raw)
		}
	}
	ses := newSession(s, a, e, tc)
	ses.reader.seat = s.limiter.pending.Enter(remote.Addr(), func() { s.makeRoom(ses) })
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped || s.draining {
		ses.cancel(nil)
		ses.reader.seat.Leave()
		s.limiter.release(addr, false)
		_ = c.Close()
		return
	}
	s.sessions[ses] = struct{}{}
	s.running.Go(func() {
		defer close(ses.done)
		ses.run()
		ses.reader.seat.Leave()
		s.limiter.release(addr, ses.reader.conn != nil)
		s.mu.Lock()
		delete(s.sessions, ses)
		s.mu.Unlock()
	})
}

// turnsAway reports whether new connections are to go elsewhere. They end without a word: a client that gets an ERROR
// instead of INFO takes it for more than it is, and sleeps first (see StopAccepting). One that a listener took in its
// last moment is no refusal: it ends as those do that the system still held.
func (s *Server) turnsAway() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.draining && !s.stopped
}

func (s *Server) isStopped() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stopped
}

// turnAway closes a connection that is not wanted. Nothing has been read of it, and an empty socket takes the text.
func (s *Server) turnAway(a arrival, why Reason, silent bool) {
	r := Refusal{Reason: why, Remote: a.remote, Count: 1}
	s.broker.Refused(r)
	if text, _ := s.config.Compat.answer(&r); !silent {
		_ = a.conn.SetWriteDeadline(time.Now().Add(10 * time.Millisecond))
		_, _ = a.conn.Write(AppendError(nil, text))
	}
	_ = a.conn.Close()
}

// makeRoom ends a session that has not logged in, for the sake of a newer one.
func (s *Server) makeRoom(ses *Session) {
	r := Refusal{Reason: ReasonTooMany, Session: ses.Number, Remote: ses.remote, Count: 1}
	s.broker.Refused(r)
	if _, tls := ses.conn.(*tls.Conn); tls {
		ses.Close(closeSilently) // the handshake may not be done
		return
	}
	text, _ := s.config.Compat.answer(&r)
	ses.Close(closeText(text))
}

// Sessions is the number of open connections.
func (s *Server) Sessions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sessions)
}

// StopAccepting closes the listeners for good; sessions go on. It comes before a Drain that ends with Shutdown: a
// client whose connection is refused tries the next address at once, while one that gets an ERROR instead of INFO
// sleeps first, for 20 s in the Python client.
func (s *Server) StopAccepting() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopAccepting()
}

// stopAccepting is for holders of mu.
func (s *Server) stopAccepting() {
	s.stopped = true
	for l := range s.listeners {
		_ = l.Close()
	}
}

// Shutdown stops accepting, ends every session without a word (a client takes an ERROR for more than it is) and waits
// for all goroutines. When ctx is done first, it drops the connections that are left and returns an error.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.closing = true
	s.cancel()
	s.stopAccepting()
	for ses := range s.sessions {
		ses.Close(nil)
	}
	s.mu.Unlock()
	done := make(chan struct{})
	go func() {
		s.running.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	left := len(s.sessions)
	for ses := range s.sessions {
		ses.hangUp()
	}
	s.mu.Unlock()
	select {
	case <-done:
	case <-time.After(lingerTime):
		return fmt.Errorf("wire: sessions do not end: %w", context.Cause(ctx))
	}
	return fmt.Errorf("wire: %d connections dropped: %w", left, context.Cause(ctx))
}
