package router

import (
	"net"
	"sync"
	"sync/atomic"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
)

// Peer is what is behind a subscriber. One goroutine calls it at a time, except for Skipped.
type Peer struct {
	Conn   Conn   // takes the messages
	Events Events // is told what else happens
	// Sent is called after each Send: every message before next that the subscriber is to get has been handed to Send.
	// next falls when a new subscription goes back in the log. Nil where nobody wants to know.
	Sent func(next eventlog.Position)
}

// Conn is the connection itself: messages go to it straight from here.
type Conn interface {
	// Send writes whole frames in order. It blocks as long as the peer reads slowly; an error ends the subscriber.
	Send(frames net.Buffers) error
}

// Events are what a subscriber's owner is told.
type Events interface {
	// Skipped tells that a message of a run was larger than the authkey accepts, a frame of size bytes. past says that it
	// was in the log before it was subscribed to: Config.Undelivered was not told of it. It must not block.
	Skipped(run *entry.Run, size int, past bool)
	// Omitted tells so of one that a subscription with Notify misses, behind what was before it.
	Omitted(name string, at eventlog.Position, channel string, size int)
	// Replayed tells that the history of a subscription is done: the frames before r.Next have been handed to Send.
	Replayed(name string, r Replayed)
	// Missed tells that retention has taken entries before they were read for a subscription.
	Missed(name string, from, to eventlog.Position)
	// Failed tells that the log cannot be read where the subscriber is. It gets nothing more.
	Failed(at eventlog.Position, err error)
}

// Subscriber is one connection with its subscriptions.
type Subscriber struct {
	router *Router
	peer   Peer
	user   graph.UserID
	limit  int // bytes of one frame

	subscribed map[string]*subscription // by name; guarded by router.mu
	ordered    uint64                   // how many there have been; guarded by router.mu
	readerOnly int                      // how many of them are; guarded by router.mu
	changes    atomic.Uint64            // of subscribed
	received   atomic.Uint64            // messages written
	writers    sync.WaitGroup           // the writer, while there is one

	mu sync.Mutex // guards the outbox; taken after router.mu
	outbox
}

// Join adds a connection of user that accepts frames of up to limit bytes. It receives nothing until it subscribes.
func (r *Router) Join(p Peer, user graph.UserID, limit int) *Subscriber {
	return &Subscriber{router: r, peer: p, user: user, limit: limit, subscribed: make(map[string]*subscription)}
}

// Subscribe adds a channel or pattern under a name, which is the client's text for it. A name that is subscribed
// already stays as it is, and the answer is false.
//
// A message is delivered once however many subscriptions cover it, in the form that the oldest of them asks for. One
// that begins in the past makes the subscriber a reader of the log from there; what its other subscriptions have still
// to get follows in log order.
func (s *Subscriber) Subscribe(name string, p graph.Pattern, h History) bool {
	s.router.mu.Lock()
	defer s.router.mu.Unlock()
	if _, ok := s.subscribed[name]; ok || s.isClosed() {
		return false
	}
	now := eventlog.Position{Index: s.router.next}
	u := &subscription{
		name: name, pattern: p, period: h.Period, form: h.Form, notify: h.Notify, order: s.ordered, from: now, until: h.Until,
		replayed: true,
	}
	s.ordered++
	if h.End && (u.until == eventlog.Position{} || u.until.Compare(now) > 0) {
		u.until = now
	}
	if h != (History{}) {
		u.history, u.replayed = now.Index-1, false
	}
	if h.From != (eventlog.Position{}) {
		u.from, u.fresh = h.From, true
		u.ahead = h.From.Compare(now) > 0
	}
	s.subscribed[name] = u
	s.router.table.add(s, p)
	s.changed(u, +1)
	if !u.replayed {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.catchUpFrom(now)
	}
	return true
}

// End makes a subscription end before until. It does nothing if there is none of that name, or if it ends earlier.
func (s *Subscriber) End(name string, until eventlog.Position) {
	s.router.mu.Lock()
	defer s.router.mu.Unlock()
	u := s.subscribed[name]
	if u == nil || u.until != (eventlog.Position{}) && u.until.Compare(until) <= 0 {
		return
	}
	s.changed(u, -1)
	u.until = until
	s.changed(u, +1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.catchUpFrom(eventlog.Position{Index: s.router.next})
}

// Unsubscribe removes a subscription; frames already queued may still arrive. It is false if there is none of that
// name.
func (s *Subscriber) Unsubscribe(name string) bool {
	s.router.mu.Lock()
	defer s.router.mu.Unlock()
	ok := s.drop(name)
	if len(s.subscribed) == 0 { // the router finds who has a subscription
		s.takeBack()
	}
	return ok
}

// drop is for holders of router.mu.
func (s *Subscriber) drop(name string) bool {
	u, ok := s.subscribed[name]
	if ok {
		delete(s.subscribed, name)
		s.router.table.remove(s, u.pattern)
		s.changed(u, -1)
	}
	return ok
}

// Received is the number of messages written to the connection.
func (s *Subscriber) Received() uint64 { return s.received.Load() }

// Idle returns the position before which everything has been handed to Send. ok is false while something waits.
func (s *Subscriber) Idle() (next eventlog.Position, ok bool) {
	s.router.mu.Lock()
	defer s.router.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	return eventlog.Position{Index: s.router.next}, !s.writing && !s.closed
}

// Close removes the subscriber and drops what is queued. The caller closes the connection, which ends a blocked Send.
func (s *Subscriber) Close() {
	s.router.mu.Lock()
	for name := range s.subscribed {
		s.drop(name)
	}
	s.router.mu.Unlock()
	s.mu.Lock()
	if s.lagging && !s.closed {
		s.router.lagging.Add(-1)
	}
	s.closed = true
	s.queue = nil
	s.charge(-s.charged)
	s.mu.Unlock()
}

// Wait waits for the writer of a closed subscriber: from then on Received does not change. The connection must have
// ended.
func (s *Subscriber) Wait() { s.writers.Wait() }

func (s *Subscriber) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// changed notes that a subscription came, or with -1 went. The caller holds router.mu.
func (s *Subscriber) changed(u *subscription, by int) {
	if u.readerOnly() {
		s.readerOnly += by
	}
	s.router.routes.forget()
	s.changes.Add(1)
}
