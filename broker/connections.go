package broker

import (
	"sync"

	"hpfriends/eventlog/entry"
	"hpfriends/raftfsm"
)

// Connections are the open authenticated connections of a node.
type Connections struct {
	node     *raftfsm.Node // is told how many there are
	recorder *raftfsm.Recorder

	mu   sync.Mutex
	open map[*conn]struct{}
}

// NewConnections returns an empty set.
func NewConnections(n *raftfsm.Node, r *raftfsm.Recorder) *Connections {
	return &Connections{node: n, recorder: r, open: make(map[*conn]struct{})}
}

func (s *Connections) add(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[c] = struct{}{}
	s.node.Members().SetClients(len(s.open))
}

func (s *Connections) remove(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, c)
	s.node.Members().SetClients(len(s.open))
}

func (s *Connections) all() []*conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*conn, 0, len(s.open))
	for c := range s.open {
		all = append(all, c)
	}
	return all
}

// Usage returns what this node has counted of an authkey and not reported yet. It implements query.Live.
func (s *Connections) Usage(authkey uint64) entry.Usage {
	for _, c := range s.all() {
		if uint64(c.authkey) == authkey {
			c.count()
		}
	}
	return s.recorder.Usage(authkey)
}
