package wire

import (
	"context"
	"time"
)

// drainPace is the pause between two sessions that are sent away, so that not all of them arrive elsewhere at once.
const drainPace = time.Millisecond

// Drain sends the clients elsewhere, until Resume. New connections are turned away with an ERROR. For those that are open,
// the direction to the client is ended: that is how it learns that it should reconnect. What it has sent until it notices
// is still taken, for at most linger; an ERROR would be too much, since clients give up on one. Drain returns when the
// sessions are over, or ctx is done.
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
		s.sendAway(ses, linger)
		select {
		case <-time.After(drainPace):
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

// sendAway begins to end one session, unless all are being ended.
func (s *Server) sendAway(ses *Session, linger time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closing {
		s.running.Go(func() { ses.sendAway(linger) })
	}
}

// Resume takes new connections again.
func (s *Server) Resume() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining = false
}

// sendAway ends the direction to the peer between two frames, and the session when the peer has ended too or linger is over.
func (s *Session) sendAway(linger time.Duration) {
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

// finish notes that nothing more is sent; what comes from the peer is still handled. It is false if the session has ended.
func (w *writer) finish() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended || w.finished {
		return false
	}
	w.finished = true
	return true
}
