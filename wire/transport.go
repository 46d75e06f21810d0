package wire

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"syscall"
	"time"
)

// transport is what a session knows of its TCP connection, below TLS: how much the kernel took, how much the peer's
// kernel has acknowledged, and how the peer ended.
//
// A program that is killed with unread bytes in its kernel's buffer has acknowledged bytes it never saw. Its kernel
// tells: it ends with FIN when everything was read, and with RST when something was not (RFC 2525, 2.17; Linux,
// tcp_close). Only the state of the socket tells the end reliably, since an error of a socket goes to one call: after a
// reset that a write has met, the next read finds a clean end of stream.
type transport struct {
	raw      syscall.RawConn // nil: cannot be asked
	base     uint64          // what the kernel counted as acknowledged before our first byte
	sent     atomic.Uint64
	acked    atomic.Uint64 // newest answer of the kernel
	eof      atomic.Bool   // a read has met an end of stream
	broke    atomic.Int32  // how the first write failed
	finished atomic.Bool
}

// How a write failed.
const (
	brokePipe  = iota + 1 // EPIPE: a reset after a FIN, unless a read has taken the error of a reset
	brokeOther            // a reset, a timeout, our own end
)

// watch begins to watch c, of which nothing has been sent yet.
func (t *transport) watch(c net.Conn) {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return
	}
	// Of a multipath connection the kernel counts one path only, and not what the peer has put in order.
	if multi, err := tcp.MultipathTCP(); err != nil || multi {
		return
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return
	}
	if state, ok := askTCP(raw); ok {
		t.raw, t.base = raw, state.acked
	}
}

// tcpState is what the kernel says of a connection.
type tcpState struct {
	acked  uint64 // bytes acknowledged by the peer, and on some kernels the SYN, and at the end our FIN
	closed bool   // over in both directions, by a reset or a timeout too
}

// Sent is the number of bytes the kernel has taken for this connection, with TLS the bytes of TLS. A write that is
// under way does not count yet: after Send has returned, everything it sent is within Sent.
func (s *Session) Sent() uint64 { return s.transport.sent.Load() }

// Acknowledged returns how many of the bytes of Sent the peer's TCP has acknowledged. They are in its kernel, and its
// program may not have read them: see PeerFinished. After the end it stays what it was. It returns false where the
// kernel cannot tell: on systems other than Linux, and for multipath connections. It costs one system call.
func (s *Session) Acknowledged() (uint64, bool) {
	t := &s.transport
	if t.raw == nil {
		return 0, false
	}
	acked := t.acked.Load()
	if state, ok := askTCP(t.raw); ok && state.acked >= t.base {
		for now := state.acked - t.base; now > acked; acked = t.acked.Load() {
			if t.acked.CompareAndSwap(acked, now) {
				acked = now
				break
			}
		}
	}
	return min(acked, t.sent.Load()), true // our FIN counts for the kernel, and so do bytes of a write under way
}

// PeerFinished reports whether the peer ended the stream with FIN: then its program has read all that its TCP
// acknowledged, or has only closed its sending direction and can still read it. It returns false when the end was a
// reset, a timeout or our own Close, and whenever that cannot be told. It is settled before Conn.Close is called.
func (s *Session) PeerFinished() bool { return s.transport.finished.Load() }

// wrote counts a write, and keeps how the first one failed.
func (t *transport) wrote(n int64, err error) {
	t.sent.Add(uint64(n))
	switch {
	case err == nil:
	case errors.Is(err, syscall.EPIPE):
		t.broke.CompareAndSwap(0, brokePipe)
	default:
		t.broke.CompareAndSwap(0, brokeOther)
	}
}

// belowTLS is the connection as TLS uses it.
type belowTLS struct {
	net.Conn
	transport *transport
	early     []byte // came before TLS began
}

func (b *belowTLS) Write(p []byte) (int, error) {
	n, err := b.Conn.Write(p)
	b.transport.wrote(int64(n), err)
	return n, err
}

func (b *belowTLS) Read(p []byte) (int, error) {
	if len(b.early) > 0 {
		n := copy(p, b.early)
		b.early = b.early[n:]
		return n, nil
	}
	n, err := b.Conn.Read(p)
	if errors.Is(err, io.EOF) {
		b.transport.eof.Store(true)
	}
	return n, err
}

// settle decides how the peer ended, when the reader reads no more.
func (s *Session) settle() {
	if !s.reader.gone && s.transport.broke.Load() == brokePipe { // no read has taken an error
		s.transport.finished.Store(true)
	}
}

// peerEnded finds out how the peer ended, after a read that failed with err. The reader goroutine calls it.
func (s *Session) peerEnded(err error) {
	t, clean := &s.transport, errors.Is(err, io.EOF)
	if c, ok := s.conn.(*tls.Conn); !ok {
		t.eof.Store(clean)
	} else if clean && !t.eof.Load() {
		s.awaitEnd(c)
	}
	if !t.eof.Load() {
		return
	}
	state, known := tcpState{}, false
	if t.raw != nil {
		state, known = askTCP(t.raw)
	}
	if known && !state.closed { // the peer's direction is closed and ours is not: that is FIN
		t.finished.Store(true)
		return
	}
	// FIN and a reset behind it, because we were sending; or only a reset, whose error a write has taken. The write was
	// told which; with the lock there is none that was told and has not said so.
	s.writer.writing.Lock()
	defer s.writer.writing.Unlock()
	switch t.broke.Load() {
	case 0:
		t.finished.Store(!known || pendingError(t.raw) == syscall.EPIPE)
	case brokePipe:
		t.finished.Store(true)
	}
}

// awaitEnd waits, for a moment, for the end of TCP behind the end of TLS: a peer says close_notify before its kernel
// finds out whether everything was read. Some wait for our close_notify first. Nothing more is sent.
func (s *Session) awaitEnd(c *tls.Conn) {
	if s.writer.writing.TryLock() { // else a write is under way, which meets the end itself
		defer s.writer.writing.Unlock()
		s.writer.broken = true
		_ = c.CloseWrite()
	}
	end := time.Now().Add(lingerTime)
	s.setDeadline(c.SetReadDeadline, end)
	_, _ = io.CopyN(io.Discard, lingering{c.NetConn(), s.server.linger, end}, lingerBytes)
}
