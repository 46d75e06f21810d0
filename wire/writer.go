package wire

import (
	"crypto/tls"
	"net"
	"strings"
	"sync"
	"time"
)

// writer is a session's direction to the peer. There is no writer goroutine: Send writes from the caller's.
type writer struct {
	writing sync.Mutex // held while frames are written; taken before mu
	broken  bool       // a write ended within a frame: nothing may follow; guarded by writing

	mu       sync.Mutex // guards what follows; held for moments
	ended    bool
	finished bool   // nothing more is sent, see Drain
	text     string // of the last ERROR
	errors   []byte // ERROR frames that wait to be written
	flushing bool   // a goroutine is about to write them

	flushers sync.WaitGroup
}

const (
	maxErrors    = 4 << 10 // bytes of ERROR frames that wait for a peer that does not read; more are dropped
	maxErrorText = 1 << 10
)

// past is a deadline that has passed.
var past = time.Unix(1, 0)

// Send writes whole frames, in order, and returns when the kernel has them. It uses bufs up. It blocks as long as the
// peer reads slowly: that is legal, and ends with Close. After an error nothing more can be sent and the session ends.
func (s *Session) Send(bufs net.Buffers) error {
	s.writer.writing.Lock()
	defer s.writer.writing.Unlock()
	if s.writer.isOver() {
		return net.ErrClosed
	}
	return s.write(bufs)
}

// write is for holders of writing.
func (s *Session) write(bufs net.Buffers) error {
	if s.writer.broken {
		return net.ErrClosed
	}
	n, err := bufs.WriteTo(s.conn)
	s.wrote(n, err)
	if err != nil {
		s.writer.broken = true
		s.Close(nil)
	}
	return err
}

// wrote counts a write. With TLS the transport counts for itself, below.
func (s *Session) wrote(n int64, err error) {
	s.moved.out.Add(uint64(n))
	s.server.moved.out.Add(uint64(n))
	if _, ok := s.conn.(*tls.Conn); !ok {
		s.transport.wrote(n, err)
	}
}

// sendError queues an ERROR. A publisher that never reads must not be held up by its own errors, so another goroutine
// writes them: it exists only while some wait.
func (s *Session) sendError(text string) {
	w := &s.writer
	w.mu.Lock()
	defer w.mu.Unlock()
	if text = clip(text); text == "" || w.ended || w.finished || len(w.errors)+HeaderLen+len(text) > maxErrors {
		return
	}
	w.errors = AppendError(w.errors, text)
	if !w.flushing {
		w.flushing = true
		w.flushers.Go(s.flushErrors)
	}
}

func (s *Session) flushErrors() {
	w := &s.writer
	w.writing.Lock()
	defer w.writing.Unlock()
	for {
		w.mu.Lock()
		frames := w.errors
		if len(frames) == 0 || w.ended || w.finished { // at the end, last takes the rest along
			w.flushing = false
			w.mu.Unlock()
			return
		}
		w.errors = nil
		w.mu.Unlock()
		if s.write(net.Buffers{frames}) != nil {
			return
		}
	}
}

// end notes the end and makes reads return at once and writes soon. It returns false if the session had ended before.
func (w *writer) end(c net.Conn, reason error) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return false
	}
	w.ended = true
	if reason != nil {
		w.text = clip(reason.Error())
	}
	_ = c.SetReadDeadline(past)
	_ = c.SetWriteDeadline(time.Now().Add(lingerTime))
	return true
}

// last writes the ERRORs that wait and the last one, within the deadline that end has set.
func (w *writer) last(s *Session) error {
	w.writing.Lock()
	defer w.writing.Unlock()
	w.mu.Lock()
	frames := w.errors
	w.errors = nil
	if w.text != "" {
		frames = AppendError(frames, w.text)
	}
	if w.finished {
		frames = nil
	}
	w.mu.Unlock()
	if len(frames) == 0 && !w.broken {
		return nil
	}
	return s.write(net.Buffers{frames})
}

func (w *writer) isEnded() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ended
}

// isOver reports whether nothing more may be sent.
func (w *writer) isOver() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ended || w.finished
}

// clip makes a text fit for an ERROR: short, and UTF-8, since clients decode it.
func clip(text string) string {
	if len(text) > maxErrorText {
		text = text[:maxErrorText]
	}
	return strings.ToValidUTF8(text, "?")
}
