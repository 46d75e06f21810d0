package faults

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Network is the ways between the cluster ports of the nodes. A way is what one node sends to another, on whichever
// connection, so a partition may be of one direction. What cannot pass waits, as it does in TCP: it arrives after the
// cut, or its connection is given up by the nodes.
type Network struct {
	nodes   []*Node
	targets []string // where the nodes really listen
	ctx     context.Context
	loops   sync.WaitGroup

	mu    sync.Mutex
	ways  map[[2]int]*way  // from, to
	lines map[[2]int]*line // of connections from, to
}

// way is what passes from one node to another.
type way struct {
	mu    sync.Mutex
	open  chan struct{} // closed while it is passable
	delay time.Duration // of each piece of up to 64 KiB

	passed atomic.Int64 // bytes
}

func newWay() *way {
	s := &way{open: make(chan struct{})}
	close(s.open)
	return s
}

// line is all connections that one node opened to another: raft's votes and the forwarded proposals when it follows,
// raft's entries when it leads.
type line struct {
	answers *way // beside the way back: what is sent here only in answer
	mu      sync.Mutex
	conns   map[*relay]struct{}
	lose    int // each so manieth piece of an answer is lost, and its connection with it; 0: none
	lost    int
}

// newNetwork listens for every node; addresses are what they advertise.
func newNetwork(t testing.TB, nodes []*Node, targets []string) (w *Network, addresses []string) {
	t.Helper()
	w = &Network{nodes: nodes, targets: targets, ways: make(map[[2]int]*way), lines: make(map[[2]int]*line)}
	ctx, cancel := context.WithCancel(context.Background())
	w.ctx = ctx
	var listeners []net.Listener
	for i := range nodes {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		listeners = append(listeners, l)
		addresses = append(addresses, l.Addr().String())
		w.loops.Go(func() { w.serve(l, i) })
	}
	t.Cleanup(func() {
		cancel()
		for _, l := range listeners {
			_ = l.Close()
		}
		w.loops.Wait()
	})
	return w, addresses
}

func (w *Network) way(from, to int) *way {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.ways[[2]int{from, to}]
	if s == nil {
		s = newWay()
		w.ways[[2]int{from, to}] = s
	}
	return s
}

func (w *Network) line(from, to int) *line {
	w.mu.Lock()
	defer w.mu.Unlock()
	l := w.lines[[2]int{from, to}]
	if l == nil {
		l = &line{answers: newWay(), conns: make(map[*relay]struct{})}
		w.lines[[2]int{from, to}] = l
	}
	return l
}

// Passed is how many bytes one node has sent to another.
func (w *Network) Passed(from, to int) int64 { return w.way(from, to).passed.Load() }

// Sever stops what one node sends to another, or lets it pass again.
func (w *Network) Sever(from, to int, on bool) { w.way(from, to).sever(on) }

// HoldAnswers stops, or lets pass again, what one node answers to another on the connections that the other opened:
// the requests are done, and nobody hears of it yet.
func (w *Network) HoldAnswers(asking, answering int, on bool) {
	w.line(asking, answering).answers.sever(on)
}

func (s *way) sever(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.open:
		if on {
			s.open = make(chan struct{})
		}
	default:
		if !on {
			close(s.open)
		}
	}
}

// Isolate cuts a node off from all others, or joins it again.
func (w *Network) Isolate(node int, on bool) {
	for other := range w.nodes {
		if other != node {
			w.Sever(node, other, on)
			w.Sever(other, node, on)
		}
	}
}

// Heal lets everything pass.
func (w *Network) Heal() {
	for from := range w.nodes {
		for to := range w.nodes {
			w.Sever(from, to, false)
			w.Delay(from, to, 0)
			w.LoseAnswers(from, to, 0)
			w.HoldAnswers(from, to, false)
		}
	}
}

// Delay holds back each piece that one node sends to another.
func (w *Network) Delay(from, to int, d time.Duration) {
	s := w.way(from, to)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.delay = d
}

// LoseAnswers loses each so manieth piece of the answers that a node gets on the connections it opened to another, and
// ends that connection: the requests were done, and nobody tells. 0 ends it.
func (w *Network) LoseAnswers(asking, answering, each int) {
	l := w.line(asking, answering)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lose = each
}

// Lost is how many answers were lost.
func (w *Network) Lost() (n int) {
	for from := range w.nodes {
		for to := range w.nodes {
			l := w.line(from, to)
			l.mu.Lock()
			n += l.lost
			l.mu.Unlock()
		}
	}
	return n
}

// Reset ends the connections that one node opened to another.
func (w *Network) Reset(from, to int) {
	l := w.line(from, to)
	l.mu.Lock()
	defer l.mu.Unlock()
	for r := range l.conns {
		r.close()
	}
}

// pass waits until a piece may go on.
func (s *way) pass(ctx context.Context) error {
	for {
		s.mu.Lock()
		open, delay := s.open, s.delay
		s.mu.Unlock()
		if delay > 0 {
			select {
			case <-time.After(delay):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		select {
		case <-open:
		case <-ctx.Done():
			return ctx.Err()
		}
		s.mu.Lock()
		still := s.open == open
		s.mu.Unlock()
		if still {
			return nil
		}
	}
}

// answered counts a piece of an answer, the so manieth of its connection, and says whether it is lost.
func (l *line) answered(nth int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lose == 0 || nth%l.lose != 0 {
		return false
	}
	l.lost++
	return true
}
