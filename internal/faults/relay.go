package faults

import (
	"context"
	"net"
	"sync"
	"time"
)

// relay is one connection through the Network: two sockets, and two loops that copy.
type relay struct {
	dialed, target net.Conn
	line           *line
	once           sync.Once
	ctx            context.Context
	cancel         context.CancelFunc
}

// close ends both sides with a reset.
func (r *relay) close() {
	r.once.Do(func() {
		r.cancel()
		for _, c := range []net.Conn{r.dialed, r.target} {
			_ = c.(*net.TCPConn).SetLinger(0)
			_ = c.Close()
		}
	})
}

// serve accepts the connections that are meant for a node.
func (w *Network) serve(l net.Listener, to int) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		w.loops.Go(func() { w.connect(c, to) })
	}
}

// connect finds who dials, and copies both ways until one side ends. A node whose way to or back is cut gets as far as
// here: its own system has accepted, and nothing more comes.
func (w *Network) connect(c net.Conn, to int) {
	from, ok := w.dialer(c)
	ways := [2]*way{w.way(from, to), w.way(to, from)}
	if !ok || ways[0].pass(w.ctx) != nil || ways[1].pass(w.ctx) != nil {
		_ = c.Close()
		return
	}
	target, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(w.ctx, "tcp", w.targets[to])
	if err != nil { // nobody listens: as if the dialer had been told so
		_ = c.(*net.TCPConn).SetLinger(0)
		_ = c.Close()
		return
	}
	r := &relay{dialed: c, target: target, line: w.line(from, to)}
	r.ctx, r.cancel = context.WithCancel(w.ctx)
	r.line.mu.Lock()
	r.line.conns[r] = struct{}{}
	r.line.mu.Unlock()
	stop := context.AfterFunc(w.ctx, r.close)
	var both sync.WaitGroup
	both.Go(func() { r.copy(target, c, nil, ways[0]) })
	both.Go(func() { r.copy(c, target, r.line.answered, r.line.answers, ways[1]) })
	both.Wait()
	stop()
	r.line.mu.Lock()
	delete(r.line.conns, r)
	r.line.mu.Unlock()
}

// copy hands on what src sends. Its end passes the same ways: who is cut off does not hear of it. lose says which
// pieces are lost; nil: none.
func (r *relay) copy(dst, src net.Conn, lose func(nth int) bool, ways ...*way) {
	defer r.close()
	buf := make([]byte, 64<<10)
	for nth := 1; ; nth++ {
		n, err := src.Read(buf)
		for _, by := range ways {
			if by.pass(r.ctx) != nil {
				return
			}
		}
		if err != nil || lose != nil && lose(nth) {
			return
		}
		if _, err := dst.Write(buf[:n]); err != nil {
			return
		}
		ways[len(ways)-1].passed.Add(int64(n))
	}
}
