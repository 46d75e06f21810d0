package faults

import (
	"context"
	"sync"
	"time"

	"hpfriends/api"
	"hpfriends/graph"
)

// Load is what clients do while faults happen.
type Load struct {
	Writers int
	Rate    int   // messages a second, of all writers
	Size    int   // of a payload; at least 20
	Through []int // nodes that writers prefer, by turns; empty: all
	Stay    bool  // writers wait for their node instead of going to another
	NoLive  bool  // without subscribers
}

// Season is a load that runs on a cluster.
type Season struct {
	*Cluster
	Writers []*Writer
	Readers []*Reader
	reader  Login
	writer  Login

	bulk                     int64           // bytes that were published by Bulk
	readers                  context.Context // until the end of the season
	stopWriters, stopReaders context.CancelFunc
	writing, reading         sync.WaitGroup
}

// Load begins one. It returns when messages are confirmed to every writer and all subscriptions are in effect.
func (c *Cluster) Load(l Load) *Season {
	c.t.Helper()
	s := &Season{Cluster: c}
	logins := c.account()
	s.reader, s.writer = logins["reader"], logins["writer"]
	s.readers, s.stopReaders = context.WithCancel(context.Background())
	c.t.Cleanup(func() { s.stopReaders(); s.reading.Wait() })
	for _, node := range c.Members() {
		if !l.NoLive {
			s.Subscribe(node, Delivery{})
		}
	}
	for _, r := range s.Readers {
		select {
		case <-r.ready:
		case <-time.After(10 * time.Second):
			c.t.Fatalf("the subscription on %s is not in effect after 10 s", c.Nodes[r.node].ID)
		}
	}
	var ctx context.Context
	ctx, s.stopWriters = context.WithCancel(context.Background())
	c.t.Cleanup(func() { s.stopWriters(); s.writing.Wait() })
	if len(l.Through) == 0 {
		l.Through = c.Members()
	}
	for i := range l.Writers {
		w := &Writer{c: c, number: uint32(i), rate: float64(l.Rate) / float64(l.Writers), size: max(l.Size, smallest),
			login: logins["writer"]}
		w.nodes = []int{l.Through[i%len(l.Through)]}
		for k := range c.Nodes { // also those that are not there yet
			if next := (w.nodes[0] + k) % len(c.Nodes); k > 0 && !l.Stay {
				w.nodes = append(w.nodes, next)
			}
		}
		s.Writers = append(s.Writers, w)
		s.writing.Go(func() { w.run(ctx) })
	}
	c.Until("every writer is confirmed something",
		20*time.Second, func() bool { return s.all(func(n Sent) bool { return n.Confirmed > 0 }) })
	s.Pauses() // from here on
	return s
}

// Subscribe adds a subscriber at a node, which goes on behind what it has got elsewhere; nothing: with what comes.
func (s *Season) Subscribe(node int, behind Delivery) {
	r := &Reader{c: s.Cluster, node: node, login: s.reader, ready: make(chan struct{})}
	if behind != (Delivery{}) {
		r.sessions = []*Session{{Reader: "another", Node: node, Got: []Delivery{behind}}}
	}
	s.Readers = append(s.Readers, r)
	s.reading.Go(func() { r.run(s.readers) })
}

// account makes a user who writes and one who reads what it shares, and waits until every node knows them.
func (c *Cluster) account() map[string]Login {
	c.t.Helper()
	ctx, at := c.t.Context(), c.Leader()
	all := make(map[string]Login)
	for _, user := range []string{"writer", "reader"} {
		k := Login{user + "-key", "secret-of-" + user}
		c.must(at, addUser(ctx, c.Nodes[at], user))
		everything := []graph.Pattern{"*"}
		in := api.NewAuthkey{Ident: k.Ident, Secret: api.NewSecret(k.Secret), Pub: everything, Sub: everything}
		_, err := api.AddAuthkey.Call(ctx, c.Nodes[at].api.As(user), api.With[api.NewAuthkey]{Body: in})
		c.must(at, err)
		all[user] = k
	}
	in := api.NewShare{Channel: channel, To: "reader"}
	share, err := api.AddShare.Call(ctx, c.Nodes[at].api.As("writer"), api.With[api.NewShare]{Body: in})
	c.must(at, err)
	_, err = api.AcceptShare.Call(ctx, c.Nodes[at].api.As("reader"), api.SharePath{ID: share.ID})
	c.must(at, err)
	c.Until("every node knows the authkeys", 10*time.Second, c.Converged)
	return all
}

// all reports whether every writer has a connection for which ok holds.
func (s *Season) all(ok func(Sent) bool) bool {
	for _, w := range s.Writers {
		if n, open := w.newest(); !open || !ok(n) {
			return false
		}
	}
	return true
}

// Confirmed is how many messages are confirmed to the writers that are connected to one of these nodes; to all without
// any.
func (s *Season) Confirmed(nodes ...int) (total uint64) {
	for _, w := range s.Writers {
		for _, n := range w.Sent() {
			if len(nodes) == 0 {
				total += n.Confirmed
			}
			for _, node := range nodes {
				if n.Node == node {
					total += n.Confirmed
				}
			}
		}
	}
	return total
}

// Pauses is the longest pause of confirmations of any writer since the last call.
func (s *Season) Pauses() (longest time.Duration) {
	for _, w := range s.Writers {
		longest = max(longest, w.Pause())
	}
	return longest
}

// Flows waits until every writer is confirmed more than it was, and returns how long that took.
func (s *Season) Flows(limit time.Duration) time.Duration {
	s.t.Helper()
	before := make(map[Stream]uint64)
	for _, w := range s.Writers {
		if n, ok := w.newest(); ok {
			before[n.Stream] = n.Confirmed
		}
	}
	return s.Until("publishing goes on for every writer", limit, func() bool {
		return s.all(func(n Sent) bool { return n.Confirmed > before[n.Stream] })
	})
}

// Verdict ends the season: everything is healed, what was sent on open connections has to be confirmed and delivered,
// every node serves its whole log, and the nodes stop in good order. Then it checks C1 to C5.
func (s *Season) Verdict() Findings {
	s.t.Helper()
	s.Heal()
	for _, i := range s.Members() {
		n := s.Nodes[i]
		n.Resume()
		if !n.Running() {
			n.Launch()
		}
	}
	for _, i := range s.Members() {
		s.Nodes[i].Await(20 * time.Second)
	}
	for _, w := range s.Writers {
		w.stopped.Store(true)
	}
	s.Until("all that was sent on open connections is confirmed", 30*time.Second, func() bool {
		return s.all(func(n Sent) bool { return n.Confirmed == n.Sent })
	})
	s.stopWriters()
	s.writing.Wait()
	s.Until("the nodes are equal", 20*time.Second, s.Converged)
	h := s.history()
	first := h.Replays[s.Members()[0]]
	s.stopReaders()
	s.reading.Wait()
	var stopped []*Node
	for _, i := range s.Members() {
		s.Nodes[i].Stop()
		stopped = append(stopped, s.Nodes[i])
	}
	findings, faults := autopsy(stopped)
	for _, f := range append(h.Check(), faults...) {
		s.t.Errorf("HPFRIENDS_SEED=%d: %s", s.seed, f)
	}
	confirmed, sent := uint64(0), uint64(0)
	for _, n := range h.Sent {
		confirmed, sent = confirmed+n.Confirmed, sent+n.Sent
	}
	s.t.Logf("%d connections sent %d messages, %d were confirmed, %d are in the log; %d sessions of subscribers; %d "+
		"entries of %d terms, %d hidden",
		len(h.Sent), sent, confirmed, len(first), len(h.Sessions), findings.Entries, findings.Terms, findings.Hidden)
	return findings
}

// history reads every log, waits until the subscribers have got the end of it, and collects what they have.
func (s *Season) history() *History {
	s.t.Helper()
	h := &History{Cut: s.Cut.Load(), Replays: make([][]Delivery, len(s.Nodes))}
	ctx, cancel := context.WithTimeout(s.t.Context(), 2*time.Minute+patience(s.bulk)*time.Duration(len(s.Nodes)))
	defer cancel()
	for _, n := range s.Nodes {
		h.Nodes = append(h.Nodes, n.ID)
	}
	for _, node := range s.Members() {
		replay, err := s.Replay(ctx, node, s.reader)
		if err != nil {
			s.t.Fatal(err)
		}
		if len(replay) == 0 {
			s.t.Fatal("the log is empty: the test shows nothing")
		}
		h.Replays[node] = replay
	}
	for _, w := range s.Writers {
		h.Sent = append(h.Sent, w.Sent()...)
	}
	for _, r := range s.Readers {
		if s.Nodes[r.node].absent.Load() {
			continue
		}
		replay := h.Replays[r.node]
		s.Until("the subscriber on "+s.Nodes[r.node].ID+" has got the end", 20*time.Second, func() bool {
			last, ok := r.newest()
			return ok && last.At.Compare(replay[len(replay)-1].At) >= 0
		})
		r.mu.Lock()
		for _, session := range r.sessions {
			h.Sessions = append(h.Sessions, *session)
		}
		for _, f := range r.faults {
			s.t.Errorf("reader on %s: %s", s.Nodes[r.node].ID, f)
		}
		r.mu.Unlock()
	}
	return h
}
