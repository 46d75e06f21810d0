package link

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// Handler answers calls. peer is the node id that its certificate proves. Methods from 0xF0 on are the link's own. The
// request belongs to the handler. It must return soon after ctx ends: Close waits for it.
type Handler interface {
	Handle(ctx context.Context, peer string, method byte, request []byte) ([]byte, error)
}

const (
	ownMethods   = 0xF0
	methodMember = 0xF0 // see introductions
)

// Silence on a call connection: the dialing side pings, so that a frozen peer is found.
const (
	pingEvery = 5 * time.Second
	silence   = 3 * pingEvery
)

// callServer serves the calls of one connection.
type callServer struct {
	port   *Port
	conn   *peerConn
	budget *budget

	mu      sync.Mutex // of the writer and running
	w       *bufio.Writer
	running map[uint64]context.CancelFunc
	wg      sync.WaitGroup
}

// serveCalls reads requests until the connection ends, and waits for their handlers.
func (p *Port) serveCalls(c *peerConn) {
	ctx, cancel := context.WithCancel(p.life.ctx)
	conn := &progress{Conn: c.Conn, stall: silence}
	s := &callServer{port: p, conn: c, budget: p.served.of(c.peer), w: bufio.NewWriterSize(conn, 64<<10),
		running: map[uint64]context.CancelFunc{}}
	err := s.read(ctx, bufio.NewReaderSize(conn, 64<<10))
	if p.life.ctx.Err() == nil && !errors.Is(err, io.EOF) {
		p.log.Debug("a member's call connection ended", "peer", c.peer, "err", err)
	}
	c.sever()
	cancel()
	s.wg.Wait()
}

func (s *callServer) read(ctx context.Context, r io.Reader) error {
	for {
		h, err := readHeader(r)
		if err != nil {
			return err
		}
		switch h.kind {
		case kindRequest:
			err = s.accept(ctx, h, r)
		case kindCancel:
			s.mu.Lock()
			if cancel := s.running[h.call]; cancel != nil {
				cancel()
			}
			s.mu.Unlock()
		case kindPing:
			err = s.write(header{kindPong, h.call, 0}, nil)
		default:
			err = fmt.Errorf("%w: kind %d from the calling side", errFrame, h.kind)
		}
		if err != nil {
			return err
		}
	}
}

// accept reads a request, once there is room for it, and starts its handler.
func (s *callServer) accept(ctx context.Context, h header, r io.Reader) error {
	if refusal := s.budget.take(ctx, h.length); refusal != nil {
		if _, err := io.CopyN(io.Discard, r, int64(h.length)); err != nil {
			return err
		}
		text := failureOf(refusal).encode()
		return s.write(header{kindFailure, h.call, len(text)}, text)
	}
	payload, err := readPayload(r, h.length)
	if err != nil {
		s.budget.give(h.length)
		return err
	}
	req := parseRequest(payload)
	var cancel context.CancelFunc
	if req.left > 0 {
		ctx, cancel = context.WithTimeout(ctx, req.left)
	} else {
		ctx, cancel = context.WithCancel(ctx)
	}
	s.mu.Lock()
	_, twice := s.running[h.call]
	s.running[h.call] = cancel
	s.mu.Unlock()
	if twice {
		cancel()
		s.budget.give(h.length)
		return fmt.Errorf("%w: call %d twice", errFrame, h.call)
	}
	s.wg.Add(1)
	go s.handle(ctx, h, req)
	return nil
}

func (s *callServer) handle(ctx context.Context, h header, req request) {
	defer s.wg.Done()
	response, err := s.port.handle(ctx, s.conn.peer, req)
	s.budget.give(h.length)
	s.mu.Lock()
	s.running[h.call]()
	delete(s.running, h.call)
	s.mu.Unlock()
	if err == nil && len(response) > MaxResponse {
		err = fmt.Errorf("link: the response has %d bytes, at most %d", len(response), MaxResponse)
	}
	answer := kindResponse
	if err != nil {
		answer, response = kindFailure, failureOf(err).encode()
	}
	if s.write(header{answer, h.call, len(response)}, response) != nil {
		s.conn.sever()
	}
}

func (p *Port) handle(ctx context.Context, peer string, req request) ([]byte, error) {
	switch {
	case req.method == methodMember:
		return p.vouch(req.body)
	case req.method >= ownMethods || p.config.Handler == nil:
		return nil, fmt.Errorf("%w: node %s does not know method %d", ErrNotDone, p.id.Node, req.method)
	}
	return p.config.Handler.Handle(ctx, peer, req.method, req.body)
}

// write sends one frame.
func (s *callServer) write(h header, payload []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b [frameHeader]byte
	if _, err := s.w.Write(h.append(b[:0])); err != nil {
		return err
	}
	if _, err := s.w.Write(payload); err != nil {
		return err
	}
	return s.w.Flush()
}
