package link

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// callConn is one connection on which this node calls.
type callConn struct {
	port *Port
	conn *peerConn
	out  chan *call   // to the writer
	load atomic.Int64 // bytes of requests under way, and one for each
	done chan struct{}

	mu      sync.Mutex
	waiting map[uint64]*call
	next    uint64
	failure error
}

// call is one request under way.
type call struct {
	id     uint64
	req    request
	state  atomic.Int32
	answer chan answer // one
}

type answer struct {
	body []byte
	err  error
}

// A call that is queued can be withdrawn: it is certainly not done. From writing on, nobody knows.
const (
	queued int32 = iota
	writing
	withdrawn
)

// startCalls starts the two loops of a connection; they end with it.
func (p *Port) startCalls(c *peerConn) *callConn {
	conn := &callConn{port: p, conn: c, out: make(chan *call, maxCalls), done: make(chan struct{}),
		waiting: map[uint64]*call{}}
	stream := &progress{Conn: c.Conn, stall: silence}
	p.life.loops.Add(2)
	go conn.write(stream)
	go conn.read(stream)
	return conn
}

func (c *callConn) ended() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// call sends a request and waits.
func (c *callConn) call(ctx context.Context, method byte, body []byte) ([]byte, error) {
	k := &call{req: request{method: method, body: body}, answer: make(chan answer, 1)}
	if deadline, ok := ctx.Deadline(); ok {
		if k.req.left = time.Until(deadline); k.req.left <= 0 {
			return nil, fmt.Errorf("%w: %w", ErrNotDone, context.DeadlineExceeded)
		}
	}
	cost := int64(len(body)) + 1
	c.load.Add(cost)
	defer c.load.Add(-cost)
	if err := c.enlist(k); err != nil {
		return nil, err
	}
	select {
	case c.out <- k:
	case <-ctx.Done():
		return nil, c.giveUp(k, ctx.Err())
	case a := <-k.answer: // the connection ended
		return a.body, a.err
	}
	select {
	case a := <-k.answer:
		return a.body, a.err
	case <-ctx.Done():
		return nil, c.giveUp(k, ctx.Err())
	}
}

func (c *callConn) enlist(k *call) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failure != nil {
		return fmt.Errorf("%w: %w", ErrNotDone, c.failure)
	}
	c.next++
	k.id = c.next
	c.waiting[k.id] = k
	return nil
}

// giveUp ends a call whose caller waits no longer.
func (c *callConn) giveUp(k *call, cause error) error {
	c.mu.Lock()
	delete(c.waiting, k.id)
	c.mu.Unlock()
	if k.state.CompareAndSwap(queued, withdrawn) {
		return fmt.Errorf("%w: %w", ErrNotDone, cause)
	}
	select {
	case c.out <- &call{id: k.id}: // a call without an answer is a cancellation
	default: // the other side has the deadline, and this one forgot the call
	}
	return fmt.Errorf("%w: %w", ErrUnknownOutcome, cause)
}

// write is the loop that owns the sending side.
func (c *callConn) write(stream io.Writer) {
	defer c.port.life.loops.Done()
	w := bufio.NewWriterSize(stream, 64<<10)
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	for {
		var err error
		select {
		case k := <-c.out:
			err = k.write(w)
		case <-ping.C:
			_, err = w.Write(header{kindPing, 0, 0}.append(nil))
		case <-c.done:
			return
		}
		if err == nil && len(c.out) == 0 {
			err = w.Flush()
		}
		if err != nil {
			c.fail(err)
			return
		}
	}
}

// write puts a request, or the cancellation of one, on the wire.
func (k *call) write(w io.Writer) error {
	if k.answer == nil {
		_, err := w.Write(header{kindCancel, k.id, 0}.append(nil))
		return err
	}
	if !k.state.CompareAndSwap(queued, writing) {
		return nil
	}
	var b [frameHeader + requestHeader]byte
	head := header{kindRequest, k.id, requestHeader + len(k.req.body)}.append(b[:0])
	if _, err := w.Write(k.req.head(head)); err != nil {
		return err
	}
	_, err := w.Write(k.req.body)
	return err
}

// read is the loop that owns the receiving side.
func (c *callConn) read(stream io.Reader) {
	defer c.port.life.loops.Done()
	r := bufio.NewReaderSize(stream, 64<<10)
	for {
		if err := c.readFrame(r); err != nil {
			if errors.Is(err, io.EOF) {
				err = errors.New("the member closed the connection")
			}
			c.fail(err)
			c.conn.Close()
			return
		}
	}
}

func (c *callConn) readFrame(r io.Reader) error {
	h, err := readHeader(r)
	if err != nil {
		return err
	}
	switch h.kind {
	case kindPong:
		return nil
	case kindResponse, kindFailure:
	default:
		return fmt.Errorf("%w: kind %d from the called side", errFrame, h.kind)
	}
	payload, err := readPayload(r, h.length)
	if err != nil {
		return err
	}
	c.mu.Lock()
	k := c.waiting[h.call]
	delete(c.waiting, h.call)
	c.mu.Unlock()
	switch {
	case k == nil: // given up
	case h.kind == kindFailure:
		k.answer <- answer{err: parseFailure(payload)}
	default:
		k.answer <- answer{body: payload}
	}
	return nil
}

// fail ends the connection and every call on it: those that were not begun are not done, of the others nobody knows.
func (c *callConn) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failure != nil {
		return
	}
	c.failure = fmt.Errorf("link: connection to node %s: %w", c.conn.peer, err)
	close(c.done)
	c.conn.sever()
	for id, k := range c.waiting {
		outcome := ErrUnknownOutcome
		if k.state.CompareAndSwap(queued, withdrawn) {
			outcome = ErrNotDone
		}
		k.answer <- answer{err: fmt.Errorf("%w: %w", outcome, c.failure)}
		delete(c.waiting, id)
	}
}
