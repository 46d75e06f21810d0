package link

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// RaftTimeout bounds how long a connection of raft may stand still, and how long an answer may take: an fsync of the
// follower lies in between.
const RaftTimeout = 5 * time.Second

// raftPool is how many idle connections to one member are kept: heartbeats, entries, votes.
const raftPool = 3

// Transport is raft's view of the port: raft.NetworkTransport over the port's connections, with what upstream leaves
// open closed. See DESIGN.md.
type Transport struct {
	*raft.NetworkTransport
	withheld  atomic.Bool
	closeOnce sync.Once
}

// The wrapper must keep pre-vote: raft turns it off for a transport that lacks the method.
var (
	_ raft.Transport   = (*Transport)(nil)
	_ raft.WithPreVote = (*Transport)(nil)
	_ raft.WithClose   = (*Transport)(nil)
)

// Transport returns the transport for raft.NewRaft. It is made once; before that, raft connections are refused. Closing
// the port closes it.
func (p *Port) Transport(logger hclog.Logger) *Transport {
	return p.transport(logger, 1)
}

// transport makes it. With more than one request in flight raft pipelines, and its pipeline can wedge for ever
// (hashicorp/raft#612): tests show it.
func (p *Port) transport(logger hclog.Logger, inFlight int) *Transport {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.raft != nil {
		return p.raft.transport
	}
	s := &streams{port: p, arrived: make(chan net.Conn), done: make(chan struct{})}
	s.transport = &Transport{NetworkTransport: raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		ServerAddressProvider: byID{},
		Logger:                logger,
		Stream:                s,
		MaxPool:               raftPool,
		MaxRPCsInFlight:       inFlight,
		Timeout:               RaftTimeout,
	})}
	p.raft = s
	if p.life.ctx.Err() != nil {
		s.transport.close()
	}
	return s.transport
}

// SetHeartbeatHandler does nothing. Upstream would answer heartbeats on the connection's goroutine, which changes term
// and state beside raft's main goroutine: logs can diverge (hashicorp/raft#695). The only goroutine on which an answer
// is safe is the main one, so heartbeats take the way of all requests.
func (t *Transport) SetHeartbeatHandler(func(raft.RPC)) {}

// Withhold holds back, or lets pass again, what keeps others from electing: as long as the local store is stuck, a
// leader must not look alive, and a candidate must not win (hashicorp/raft#503). Handing leadership over and answering
// others go on.
func (t *Transport) Withhold(on bool) { t.withheld.Store(on) }

// AppendEntries sends entries or a heartbeat. All are withheld, not the heartbeats only: entries that a lagging
// follower still gets would keep it, and with it its vote, from electing.
func (t *Transport) AppendEntries(
	id raft.ServerID, target raft.ServerAddress, req *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse,
) error {
	if t.withheld.Load() {
		return ErrWithheld
	}
	return t.NetworkTransport.AppendEntries(id, target, req, resp)
}

// InstallSnapshot sends a snapshot.
func (t *Transport) InstallSnapshot(id raft.ServerID, target raft.ServerAddress, req *raft.InstallSnapshotRequest,
	resp *raft.InstallSnapshotResponse, data io.Reader) error {
	if t.withheld.Load() {
		return ErrWithheld
	}
	return t.NetworkTransport.InstallSnapshot(id, target, req, resp, data)
}

// RequestVote asks for a vote.
func (t *Transport) RequestVote(
	id raft.ServerID, target raft.ServerAddress, req *raft.RequestVoteRequest, resp *raft.RequestVoteResponse,
) error {
	if t.withheld.Load() {
		return ErrWithheld
	}
	return t.NetworkTransport.RequestVote(id, target, req, resp)
}

// RequestPreVote asks whether a vote would be given.
func (t *Transport) RequestPreVote(
	id raft.ServerID, target raft.ServerAddress, req *raft.RequestPreVoteRequest, resp *raft.RequestPreVoteResponse,
) error {
	if t.withheld.Load() {
		return ErrWithheld
	}
	return t.NetworkTransport.RequestPreVote(id, target, req, resp)
}

// EncodePeer puts an address into a message as it is: upstream would put what byID answers, an id.
func (t *Transport) EncodePeer(_ raft.ServerID, addr raft.ServerAddress) []byte { return []byte(addr) }

// Close ends raft's use of the port: raft.Shutdown calls it.
func (t *Transport) Close() error {
	t.close()
	return nil
}

func (t *Transport) close() {
	t.closeOnce.Do(func() {
		_ = t.NetworkTransport.Close()
		t.CloseStreams() // the pool: after Close, no connection returns to it
	})
}

// byID makes the node id the target of a dial: raft.StreamLayer is told the address only, and the port must know which
// node is meant. Which address that is, the configuration says at the time of the dial.
type byID struct{}

// ServerAddr is the id itself.
func (byID) ServerAddr(id raft.ServerID) (raft.ServerAddress, error) {
	return raft.ServerAddress(id), nil
}

// streams is raft's StreamLayer on the port.
type streams struct {
	port      *Port
	transport *Transport
	arrived   chan net.Conn
	done      chan struct{}
	once      sync.Once
}

// deliver hands a member's connection to raft, which closes it.
func (s *streams) deliver(c *peerConn) {
	select {
	case s.arrived <- &raftConn{peerConn: c, progress: progress{Conn: c.Conn, stall: RaftTimeout}, inbound: true}:
	case <-s.done:
		c.Close()
	case <-s.port.life.ctx.Done():
		c.Close()
	}
}

// Accept waits for a member's connection.
func (s *streams) Accept() (net.Conn, error) {
	select {
	case c := <-s.arrived:
		return c, nil
	case <-s.done:
		return nil, net.ErrClosed
	}
}

// Dial connects to the node whose id is the target.
func (s *streams) Dial(target raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(s.port.life.ctx, timeout)
	defer cancel()
	c, err := s.port.dial(ctx, string(target), protoRaft, false)
	if err != nil {
		return nil, fmt.Errorf("raft: %w", err)
	}
	return &raftConn{peerConn: c, progress: progress{Conn: c.Conn, stall: RaftTimeout}}, nil
}

// Close ends Accept. The port listens on.
func (s *streams) Close() error {
	s.once.Do(func() { close(s.done) })
	return nil
}

// Addr is the address that others dial.
func (s *streams) Addr() net.Addr { return advertised(s.port.config.Advertise) }

type advertised string

// Network is always tcp.
func (advertised) Network() string { return "tcp" }

// String is host:port.
func (a advertised) String() string { return string(a) }

// raftConn is a connection with raft's requests and answers, one at a time. Upstream sets one deadline for a whole
// request, whatever its size, and none on the receiving side, where a peer that stops in the middle of a snapshot would
// hold raft's main goroutine. Here both sides bound how long the connection stands still.
type raftConn struct {
	*peerConn
	progress progress
	inbound  bool
	midway   bool         // inbound: a part of a request was read, its answer not yet written
	sent     int          // outgoing: bytes of the request
	until    atomic.Int64 // outgoing: how long to wait for its answer, unix ns
}

// Read waits for a next request as long as it takes, for the rest of one and for answers one stall at a time.
func (c *raftConn) Read(b []byte) (n int, err error) {
	switch {
	case c.inbound && !c.midway:
		c.progress.readSet = time.Time{}
		err = c.Conn.SetReadDeadline(time.Time{})
	case time.Until(time.Unix(0, c.until.Load())) > RaftTimeout: // of a large request, or of a snapshot
		c.progress.readSet = time.Time{}
		err = c.Conn.SetReadDeadline(time.Unix(0, c.until.Load()))
	default:
		err = c.progress.readWithin()
	}
	if err != nil {
		return 0, err
	}
	n, err = c.Conn.Read(b)
	if c.inbound && n > 0 {
		c.midway = true
	}
	return n, err
}

// answerRate is the least at which a request is thought to travel, in bytes a second. What was written lies in the
// kernel's buffers for a while: the wait for an answer begins later.
const answerRate = 256 << 10

// Write sends a request or an answer.
func (c *raftConn) Write(b []byte) (n int, err error) {
	n, err = c.progress.Write(b)
	if c.inbound {
		c.midway = false
		return n, err
	}
	if c.sent += n; c.sent > answerRate {
		travel := time.Duration(c.sent) * time.Second / answerRate
		c.until.Store(max(c.until.Load(), time.Now().Add(RaftTimeout+travel).UnixNano()))
	}
	return n, err
}

// SetDeadline comes before each request. It notes how long raft would wait for the answer, and bounds nothing else: see
// raftConn.
func (c *raftConn) SetDeadline(t time.Time) error {
	c.sent = 0
	c.until.Store(t.UnixNano())
	return nil
}

// SetReadDeadline is for raft's pipeline, which is not used.
func (c *raftConn) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline is for raft's pipeline, which is not used.
func (c *raftConn) SetWriteDeadline(time.Time) error { return nil }
