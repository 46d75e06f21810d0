package wire

import (
	"context"
	"time"
)

// drainInterval is the pause between two sessions, so that not all of them arrive elsewhere at once.
const drainInterval = time.Millisecond

// Drain sends the clients elsewhere, until Resume. New connections are reset. Open ones are closed
// in the direction to the client, which tells it to reconnect; an ERROR would make clients give up. What the client
// sends until it notices is still taken, for at most linger. Drain returns when the sessions are over, or ctx is done.
func (s *Server) Drain(ctx context.Context, linger time.Duration) error {
	s.mu.Lock()
	s.draining = true
	var all []*Session
	for ses := range s.sessions {
		all = append(all, ses)
	}
	s.mu.Unlock()
	for _, ses := range all {
		if ses.Ident() == "" {
			ses.Close(nil)
			continue
		}
		s.drainSession(ses, linger)
		select {
		case <-time.After(drainInterval):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for _, ses := range all {
		select {
		case <-ses.done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// drainSession begins to drain one session, unless Shutdown is ending them all.
func (s *Server) drainSession(ses *Session, linger time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closing {
		s.running.Go(func() { ses.drain(linger) })
	}
}

// Resume takes new connections again.
func (s *Server) Resume() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining = false
}

// drain ends the direction to the peer between two frames, and the session when the peer has ended too or after linger.
func (s *Session) drain(linger time.Duration) {
	over := time.AfterFunc(linger, func() { s.Close(nil) })
	defer over.Stop()
	s.setDeadline(s.conn.SetWriteDeadline, time.Now().Add(linger)) // of a write to a peer that does not read
	s.writer.writing.Lock()
	if s.writer.finish() {
		half, ok := s.conn.(interface{ CloseWrite() error })
		if !ok || half.CloseWrite() != nil {
			s.Close(nil)
		}
	}
	s.writer.writing.Unlock()
	<-s.done
}

// finish notes that nothing more is sent; what comes from the peer is still handled. It returns false if the session
// has ended.
func (w *writer) finish() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended || w.finished {
		return false
	}
	w.finished = true
	return true
}
