package router

import (
	"net"
	"sync"
	"sync/atomic"

	"hpfriends/eventlog"
	"hpfriends/graph"
)

// Sink is the connection behind a subscriber.
type Sink interface {
	// Send writes whole frames in order. It blocks as long as the peer reads slowly; an error ends the subscriber.
	Send(frames net.Buffers) error
	// Skipped tells that a message was larger than the authkey accepts. It must not block.
	Skipped(channel string, size int)
}

// Subscriber is one connection with its subscriptions.
type Subscriber struct {
	router *Router
	sink   Sink
	user   graph.UserID
	limit  int // bytes of one frame

	subscribed map[graph.Pattern]uint64 // pattern -> first entry it covers; guarded by router.mu
	received   atomic.Uint64            // messages written
	writers    sync.WaitGroup           // the writer, while there is one

	mu sync.Mutex // guards the outbox; taken after router.mu
	outbox
}

// Join adds a connection of user that accepts frames of up to limit bytes. It receives nothing until it subscribes.
func (r *Router) Join(sink Sink, user graph.UserID, limit int) *Subscriber {
	return &Subscriber{router: r, sink: sink, user: user, limit: limit, subscribed: make(map[graph.Pattern]uint64)}
}

// Subscribe adds a channel or pattern, for all messages published from now on. Doing it twice is doing it once.
func (s *Subscriber) Subscribe(p graph.Pattern) {
	s.router.mu.Lock()
	defer s.router.mu.Unlock()
	if _, ok := s.subscribed[p]; ok || s.isClosed() {
		return
	}
	s.subscribed[p] = s.router.next
	s.router.changed(s, "")
}

// Unsubscribe removes a channel or pattern; frames already queued may still arrive.
func (s *Subscriber) Unsubscribe(p graph.Pattern) {
	s.router.mu.Lock()
	defer s.router.mu.Unlock()
	if _, ok := s.subscribed[p]; ok {
		delete(s.subscribed, p)
		s.router.changed(s, p)
	}
}

// Subscriptions is the number of channels and patterns.
func (s *Subscriber) Subscriptions() []graph.Pattern {
	s.router.mu.Lock()
	defer s.router.mu.Unlock()
	all := make([]graph.Pattern, 0, len(s.subscribed))
	for p := range s.subscribed {
		all = append(all, p)
	}
	return all
}

// Received is the number of messages written to the connection.
func (s *Subscriber) Received() uint64 { return s.received.Load() }

// Close removes the subscriber and drops what is queued. The caller closes the connection, which ends a blocked Send.
func (s *Subscriber) Close() {
	s.router.mu.Lock()
	for p := range s.subscribed {
		delete(s.subscribed, p)
		s.router.changed(s, p)
	}
	s.router.mu.Unlock()
	s.mu.Lock()
	s.closed = true
	s.queue, s.charged = nil, 0
	s.mu.Unlock()
}

// Wait waits for the writer of a closed subscriber: from then on Received does not change. The connection must have ended.
func (s *Subscriber) Wait() { s.writers.Wait() }

func (s *Subscriber) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// changed refiles a subscriber. The caller holds mu.
func (r *Router) changed(s *Subscriber, drop graph.Pattern) {
	r.table.update(s, drop)
	clear(r.targets)
}

// matches is whether any subscription covers channel. The caller holds router.mu.
func (s *Subscriber) matches(channel string) bool { return s.covers(channel, ^uint64(0)) }

// covers is whether a subscription made at or before the entry index covers channel. The caller holds router.mu.
func (s *Subscriber) covers(channel string, index uint64) bool {
	if since, ok := s.subscribed[graph.Pattern(channel)]; ok && since <= index {
		return true
	}
	for p, since := range s.subscribed {
		if since <= index && p.Match(channel) {
			return true
		}
	}
	return false
}

// selector names the subscriptions to the log's channel index. The caller holds router.mu.
func (s *Subscriber) selector() eventlog.Selector {
	var sel eventlog.Selector
	for p := range s.subscribed {
		if p.IsPrefix() {
			sel.Prefixes = append(sel.Prefixes, string(p[:len(p)-1]))
		} else {
			sel.Exact = append(sel.Exact, string(p))
		}
	}
	return sel
}
