package link

import (
	"crypto/tls"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// maxPeerConns bounds the connections that one member may have open to this one.
const maxPeerConns = 64

// peerConn is a connection to a member whose identity is known.
type peerConn struct {
	*tls.Conn
	peer    string
	process incarnation
	// proves that the other process lives: somebody reads from it all the time, so its end is noticed. raft's idle
	// outgoing connections are not read.
	proves bool

	peers *peers
	once  sync.Once
}

// Close closes the connection without waiting for the other side.
func (c *peerConn) Close() error {
	err := c.NetConn().Close() // tls.Conn.Close would wait up to 5 s to send its close_notify
	c.once.Do(func() { c.peers.remove(c) })
	return err
}

// sever ends the connection; whoever uses it notices and calls Close.
func (c *peerConn) sever() { _ = c.NetConn().Close() }

// peers are the live connections by node id. It finds processes that share an id.
type peers struct {
	mu     sync.Mutex
	conns  map[string]map[*peerConn]struct{}
	closed bool
	gone   sync.Cond // signalled when a connection is removed
}

func newPeers() *peers {
	p := &peers{conns: make(map[string]map[*peerConn]struct{})}
	p.gone.L = &p.mu
	return p
}

// add takes a connection in. Of two live processes with one node id the younger is refused: when c is of the elder, the
// connections of the younger are ended.
func (p *peers) add(c *peerConn) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return ErrClosed
	}
	all := p.conns[c.peer]
	if len(all) >= maxPeerConns {
		return fmt.Errorf("%w: %s has %d connections open", ErrBusy, c.peer, len(all))
	}
	for o := range all {
		if o.process != c.process && o.proves && c.process.younger(o.process) {
			return fmt.Errorf("%w: node %s, running since %s, now comes from %s", ErrCloned, c.peer,
				time.Unix(0, o.process.started).UTC().Format(time.RFC3339), c.RemoteAddr())
		}
	}
	for o := range all {
		if o.process != c.process { // idle ones to a process that ended, or a younger one's
			o.sever()
		}
	}
	if all == nil {
		all = make(map[*peerConn]struct{})
		p.conns[c.peer] = all
	}
	all[c] = struct{}{}
	c.peers = p
	return nil
}

func (p *peers) remove(c *peerConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns[c.peer], c)
	if len(p.conns[c.peer]) == 0 {
		delete(p.conns, c.peer)
	}
	p.gone.Broadcast()
}

// ids are the nodes that have a connection.
func (p *peers) ids() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Collect(maps.Keys(p.conns))
}

// sever ends all connections of a node.
func (p *peers) sever(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns[id] {
		c.sever()
	}
}

// close refuses new connections and ends all.
func (p *peers) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, all := range p.conns {
		for c := range all {
			c.sever()
		}
	}
}

// wait returns when every connection was closed by its user. close comes first.
func (p *peers) wait() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.conns) > 0 {
		p.gone.Wait()
	}
}
