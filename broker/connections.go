package broker

import (
	"fmt"
	"sync"
	"time"

	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/raftfsm"
	"hpfriends/wire"
)

// Connections are the open authenticated connections of a node.
type Connections struct {
	node     *raftfsm.Node // is told how many there are
	recorder *raftfsm.Recorder

	perUser, perAuthkey int

	mu       sync.Mutex
	open     map[*conn]time.Time  // since when
	users    map[graph.UserID]int // how many of the open ones
	authkeys map[graph.AuthkeyID]int
	audits   map[graph.UserID]int
}

// perUserAudits is how many subscriptions to $audit a user has at a node: each walks the history of the graph.
const perUserAudits = 8

// NewConnections returns an empty set that takes so many of a user and of an authkey.
func NewConnections(n *raftfsm.Node, r *raftfsm.Recorder, perUser, perAuthkey int) *Connections {
	return &Connections{
		node: n, recorder: r, perUser: perUser, perAuthkey: perAuthkey, open: make(map[*conn]time.Time),
		users: make(map[graph.UserID]int), authkeys: make(map[graph.AuthkeyID]int),
		audits: make(map[graph.UserID]int),
	}
}

// add takes c in, unless there are too many of its user or authkey. One that goes on under another authkey is no new
// one.
func (s *Connections) add(c *conn, again bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !again && s.authkeys[c.authkey] >= s.perAuthkey {
		return tooMany("this authkey", s.perAuthkey)
	}
	if !again && s.users[c.user] >= s.perUser {
		return tooMany("this user", s.perUser)
	}
	s.open[c] = s.node.Now().UTC()
	s.users[c.user]++
	s.authkeys[c.authkey]++
	s.node.Members().Board().SetClients(len(s.open))
	return nil
}

func tooMany(whose string, most int) error {
	return &wire.Refused{
		Reason: wire.ReasonTooMany, Text: fmt.Sprintf("Too many connections of %s: this node takes %d.", whose, most),
	}
}

func (s *Connections) remove(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.open[c]; !ok {
		return
	}
	delete(s.open, c)
	less(s.users, c.user)
	less(s.authkeys, c.authkey)
	s.node.Members().Board().SetClients(len(s.open))
}

// beginAudit counts one more reader of the audit. The caller calls end once.
func (s *Connections) beginAudit(u graph.UserID) (end func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.audits[u] >= perUserAudits {
		return nil, fmt.Errorf("bad subscription: this user reads $audit %d times at this node already", perUserAudits)
	}
	s.audits[u]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		less(s.audits, u)
	}, nil
}

func less[K comparable](counts map[K]int, k K) {
	if counts[k]--; counts[k] == 0 {
		delete(counts, k)
	}
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
