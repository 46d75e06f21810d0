package faults

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"hpfriends/wire"
)

const (
	channel     = "faults"
	acksChannel = "$acks"
)

// Sent is what was written on one connection and what of it was confirmed.
type Sent struct {
	Stream
	Node            int
	Sent, Confirmed uint64
}

// stream is a connection that is being written on.
type stream struct {
	Stream
	node            int
	sent, confirmed atomic.Uint64
	conn            *wire.ClientConn
}

// Writer publishes at a steady pace through one node after another: when its connection ends, it goes to the next that
// runs, and begins a new run there.
type Writer struct {
	c       *Cluster
	number  uint32
	rate    float64 // messages a second
	size    int     // of a payload
	login   Login
	nodes   []int // where it may go; the first is preferred
	stopped atomic.Bool

	mu      sync.Mutex
	streams []*stream
	lastAck time.Time // guarded by mu; zero: none yet
	pause   time.Duration
}

// Login is an authkey.
type Login struct{ Ident, Secret string }

func (l Login) dial(ctx context.Context, n *Node) (conn *wire.ClientConn, err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	err = within(n.netns, func() error {
		conn, err = wire.Dial(ctx, wire.DialConfig{Addr: n.Address(), Ident: l.Ident, Secret: []byte(l.Secret)})
		return err
	})
	return conn, err
}

// reconnectAfter is the pause before another node is tried.
const reconnectAfter = 50 * time.Millisecond

// run publishes until ctx is done, then closes its connection.
func (w *Writer) run(ctx context.Context) {
	for at := 0; ctx.Err() == nil; at++ {
		n := w.nodes[at%len(w.nodes)]
		if conn, err := w.login.dial(ctx, w.c.Nodes[n]); err == nil {
			w.publish(ctx, conn, n)
			_ = conn.Close()
		}
		select {
		case <-time.After(reconnectAfter):
		case <-ctx.Done():
		}
	}
}

// publish uses one connection until it breaks.
func (w *Writer) publish(ctx context.Context, conn *wire.ClientConn, node int) {
	if conn.Subscribe(acksChannel) != nil {
		return
	}
	w.mu.Lock()
	s := &stream{Stream: Stream{w.number, uint32(len(w.streams))}, node: node, conn: conn}
	w.streams = append(w.streams, s)
	w.mu.Unlock()
	acks := make(chan struct{})
	go func() { defer close(acks); w.readAcks(s) }()
	defer func() { _ = conn.Close(); <-acks }()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() }) // also a write that is held back
	defer stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	begin, behind := time.Now(), 0
	var buf []byte
	for {
		select {
		case <-tick.C:
		case <-acks: // the connection has ended
			return
		case <-ctx.Done():
			return
		}
		if w.stopped.Load() {
			continue // what was sent is still confirmed
		}
		due := int(time.Since(begin).Seconds()*w.rate) - behind - int(s.sent.Load())
		// After it was held back; what it did not send meanwhile is not made up for.
		if most := int(w.rate/4) + 1; due > most {
			behind += due - most
			due = most
		}
		buf = buf[:0]
		for range due {
			buf = w.frame(buf, s)
		}
		if len(buf) == 0 {
			continue
		}
		if _, err := conn.Write(buf); err != nil {
			return
		}
	}
}

// frame appends the next message of a stream, which counts as sent from then on.
func (w *Writer) frame(buf []byte, s *stream) []byte {
	m := Message{s.Stream, s.sent.Load()}
	s.sent.Add(1)
	return wire.AppendPublish(buf, w.login.Ident, channel, m.appendPayload(nil, w.size, w.c.seed))
}

// readAcks notes what is confirmed until the connection ends.
func (w *Writer) readAcks(s *stream) {
	for {
		frame, err := s.conn.ReadFrame()
		if err != nil {
			return
		}
		_, ch, payload, err := wire.ParsePublish(frame)
		if err != nil || string(ch) != acksChannel {
			w.c.t.Errorf("%s got a frame with opcode %d instead of a count: %q", s.Stream, frame[4], frame[wire.HeaderLen:])
			return
		}
		n, err := strconv.ParseUint(string(payload), 10, 64)
		if err != nil || n < s.confirmed.Load() || n > s.sent.Load() {
			w.c.t.Errorf("%s: %q confirmed after %d, %d sent", s.Stream, payload, s.confirmed.Load(), s.sent.Load())
			return
		}
		s.confirmed.Store(n)
		w.acknowledged(time.Now())
	}
}

func (w *Writer) acknowledged(now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.lastAck.IsZero() {
		w.pause = max(w.pause, now.Sub(w.lastAck))
	}
	w.lastAck = now
}

// Pause is the longest time between two confirmations since the last call, also over a change of connection, and also
// one that still lasts.
func (w *Writer) Pause() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	if !w.lastAck.IsZero() {
		w.pause = max(w.pause, now.Sub(w.lastAck))
		w.lastAck = now
	}
	d := w.pause
	w.pause = 0
	return d
}

// Sent is everything the writer knows.
func (w *Writer) Sent() (all []Sent) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.streams {
		all = append(all, Sent{s.Stream, s.node, s.sent.Load(), s.confirmed.Load()})
	}
	return all
}

// newest is the state of the present connection.
func (w *Writer) newest() (s Sent, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.streams) == 0 {
		return s, false
	}
	last := w.streams[len(w.streams)-1]
	return Sent{last.Stream, last.node, last.sent.Load(), last.confirmed.Load()}, true
}
