package link

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"hpfriends/internal/crowd"
	"hpfriends/internal/handshakes"
)

// Members is the cluster's configuration as this node knows it. It is asked at every handshake and must not block.
// Until a joined node has applied the configuration that the join handshake told it of (Welcome), that one counts: the
// log begins with configurations of nodes that may be long gone.
type Members interface {
	// Member returns the address that others dial to reach a member, and whether id is one.
	Member(id string) (addr string, ok bool)
	// IDs are the members, this node included.
	IDs() []string
	// Index is the position of that configuration in the log: of two, the higher is the newer.
	Index() uint64
}

// Config of a Port.
type Config struct {
	Identity  *Identity
	Advertise string       // host:port that the other members dial
	Listener  net.Listener // owned by the port from Open on
	Members   Members
	Handler   Handler   // nil: calls are refused
	Admission Admission // nil: joining is refused
	// Handshakes bounds the work that handshakes of others are; nil: nothing does.
	Handshakes *handshakes.Gate
	// Refused is told when a member refuses this node by name: ErrNotMember, ErrCloned. One member may be behind: it is
	// no proof. May be nil.
	Refused func(peer string, err error)
	Dial    func(ctx context.Context, addr string) (net.Conn, error) // nil: TCP
	Now     func() time.Time                                         // of certificates and tokens; nil: time.Now
	Logger  *slog.Logger
}

// Port is the one cluster port of a node: raft, calls and joining.
type Port struct {
	id     *Identity
	self   incarnation
	config Config
	log    *slog.Logger
	tls    *tls.Config

	pending *crowd.Crowd
	peers   *peers
	calls   callers
	served  inflow
	known   introductions
	admits  admitter

	life lifetime
	mu   sync.Mutex
	raft *streams // nil before Transport
}

// Open starts the port. Its goroutines run until Close, which waits for them.
func Open(c Config) (*Port, error) {
	if err := checkAddr(c.Advertise); err != nil {
		return nil, err
	}
	if c.Now != nil {
		c.Identity.now = c.Now
	}
	p := &Port{
		id: c.Identity, self: newIncarnation(), config: c, log: c.Logger, peers: newPeers(),
		pending: crowd.New(maxPending, 0),
	}
	if c.Dial == nil {
		p.config.Dial = dialTCP
	}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	p.tls = p.serverTLS()
	p.life.start()
	p.life.loops.Add(1)
	go p.accept()
	return p, nil
}

// Addr is where the port listens.
func (p *Port) Addr() net.Addr { return p.config.Listener.Addr() }

// Identity is who this node is.
func (p *Port) Identity() *Identity { return p.id }

// Close ends all connections and waits for everything that the port started, the transport included. Handlers see their
// context end.
func (p *Port) Close() error {
	p.life.end()
	err := p.config.Listener.Close()
	p.pending.Clear()
	p.peers.close()
	if raft := p.streams(); raft != nil {
		raft.transport.close()
	}
	p.life.loops.Wait()
	p.peers.wait()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// streams is what Transport made, nil before.
func (p *Port) streams() *streams {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.raft
}

// Recheck ends the connections of nodes that are no longer members. Call it when the configuration has changed.
func (p *Port) Recheck() {
	for _, id := range p.peers.ids() {
		if _, ok := p.member(id); !ok {
			p.peers.sever(id)
		}
	}
}

// member is a node's address, by the configuration or by what another member said of one that is newer than ours.
func (p *Port) member(id string) (addr string, ok bool) {
	if addr, ok := p.config.Members.Member(id); ok {
		return addr, true
	}
	return p.known.member(id)
}

func (p *Port) accept() {
	defer p.life.loops.Done()
	for delay := 5 * time.Millisecond; ; {
		conn, err := p.config.Listener.Accept()
		if err == nil {
			delay = 5 * time.Millisecond
			seat := p.pending.Enter(crowd.Remote(conn), func() { _ = conn.Close() })
			p.life.loops.Add(1)
			go p.serve(conn, seat)
			continue
		}
		if p.life.ctx.Err() != nil {
			return
		}
		p.log.Error("the cluster port cannot accept", "err", err)
		select {
		case <-p.life.ctx.Done():
			return
		case <-time.After(delay):
			delay = min(2*delay, time.Second)
		}
	}
}

// serve takes one connection from TLS to its end.
func (p *Port) serve(raw net.Conn, seat *crowd.Seat) {
	defer p.life.loops.Done()
	defer seat.Leave()
	if p.life.ctx.Err() != nil { // accepted while closing: pending may have been cleared before it was in
		raw.Close()
		return
	}
	if tcp, ok := raw.(*net.TCPConn); ok {
		_ = tcp.SetKeepAliveConfig(keepAlive)
	}
	raw = p.config.Handshakes.Conn(raw, crowd.Remote(raw))
	_ = raw.SetDeadline(time.Now().Add(HandshakeTimeout))
	conn := tls.Server(raw, p.tls)
	if err := conn.Handshake(); err != nil {
		raw.Close()
		p.log.Debug("handshake on the cluster port failed", "remote", raw.RemoteAddr(), "err", err)
		return
	}
	proto := conn.ConnectionState().NegotiatedProtocol
	if proto == protoJoin {
		p.serveJoin(conn)
		raw.Close()
		return
	}
	c, err := p.welcome(conn, proto)
	if err != nil {
		raw.Close()
		p.log.Warn("a member's certificate was presented and refused", "remote", raw.RemoteAddr(), "err", err)
		return
	}
	p.config.Handshakes.Know(crowd.Remote(raw))
	seat.Leave()
	_ = raw.SetDeadline(time.Time{})
	if proto == protoRaft {
		p.streams().deliver(c)
		return
	}
	p.serveCalls(c)
	c.Close()
}

// welcome reads the greeting of a node whose certificate is good, and answers it: a member of the current
// configuration, once, is welcome.
func (p *Port) welcome(conn *tls.Conn, proto string) (*peerConn, error) {
	node, err := p.id.verify(conn.ConnectionState().PeerCertificates, x509.ExtKeyUsageClientAuth)
	if err != nil {
		return nil, err
	}
	var b [incarnationSize]byte
	if _, err := io.ReadFull(conn, b[:]); err != nil {
		return nil, err
	}
	c := &peerConn{Conn: conn, peer: node, process: parseIncarnation(b[:]), proves: true}
	err = p.enter(c, proto)
	if err == nil {
		if err = writeAnswer(conn, p.self, nil); err != nil {
			c.Close()
		}
		return c, err
	}
	_ = writeAnswer(conn, p.self, err)
	return nil, err
}

// cloneWait is how long a refusal of a clone waits: a process that was restarted at once may come before the end of its
// predecessor's connections was noticed.
const cloneWait = time.Second

// enter registers a connection, or returns the refusal.
func (p *Port) enter(c *peerConn, proto string) error {
	if c.peer == p.id.Node && c.process != p.self {
		return fmt.Errorf("%w: node %s is this one", ErrCloned, c.peer)
	}
	if proto == protoRaft && p.streams() == nil || p.life.ctx.Err() != nil {
		return fmt.Errorf("%w: node %s is starting or stopping", ErrBusy, p.id.Node)
	}
	err := p.peers.add(c)
	for end := time.Now().Add(cloneWait); errors.Is(err, ErrCloned) && time.Now().Before(end); err = p.peers.add(c) {
		time.Sleep(20 * time.Millisecond)
	}
	if err != nil {
		return err
	}
	// Only now: a Recheck that comes after this finds the connection.
	if _, ok := p.member(c.peer); !ok {
		p.peers.remove(c)
		p.introduce(c.peer)
		return fmt.Errorf("%w: node %s is not in the configuration of %s", ErrNotMember, c.peer, p.id.Node)
	}
	return nil
}

// dial opens a connection to a member for proto.
func (p *Port) dial(ctx context.Context, id, proto string, proves bool) (*peerConn, error) {
	addr, ok := p.member(id)
	if !ok {
		return nil, fmt.Errorf("%w: node %.80q", ErrNotMember, id)
	}
	conn, err := p.dialTLS(ctx, addr, id, proto)
	if err != nil {
		return nil, fmt.Errorf("link: dial node %s at %s: %w", id, addr, err)
	}
	c, err := p.greet(ctx, conn, id, proves)
	if err != nil {
		conn.NetConn().Close()
		if p.config.Refused != nil && (errors.Is(err, ErrNotMember) || errors.Is(err, ErrCloned)) {
			p.config.Refused(id, err)
		}
		return nil, fmt.Errorf("link: node %s at %s: %w", id, addr, err)
	}
	return c, nil
}

func (p *Port) greet(ctx context.Context, conn *tls.Conn, id string, proves bool) (*peerConn, error) {
	deadline := time.Now().Add(HandshakeTimeout)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	_ = conn.SetDeadline(deadline)
	defer context.AfterFunc(ctx, func() { _ = conn.NetConn().SetDeadline(time.Unix(1, 0)) })()
	process, err := greet(conn, p.self)
	if err != nil {
		return nil, err
	}
	c := &peerConn{Conn: conn, peer: id, process: process, proves: proves}
	if err := p.peers.add(c); err != nil {
		return nil, err
	}
	_ = conn.SetDeadline(time.Time{})
	return c, nil
}
