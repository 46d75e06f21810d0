package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/time/rate"

	"hpfriends/internal/crowd"
)

// reader is a session's direction from the peer. Only the reader goroutine touches it.
type reader struct {
	in      readBuffer
	conn    Conn    // nil before the first login
	channel string  // of the last run
	awaits  awaited // what the read deadline is set for
	arrived int     // bytes of the frame that were there when its deadline was set
	gone    bool    // the peer has closed, or cannot be reached
	party   uint64  // see ChargeTo
	held    int64   // bytes of frameMemory

	oldSecret bool        // the newest login was by Broker.OldSecret
	seat      *crowd.Seat // until the first login
	// requests holds back who subscribes or logs in over and over: each makes more work than the frame that asks for it.
	requests *rate.Limiter
}

// awaited is what a session waits for until a deadline.
type awaited uint8

const (
	awaitAuth    awaited = iota // the first AUTH
	awaitNothing                // nothing: it may be silent for ever
	awaitFrame                  // the rest of a frame
	awaitQuiet                  // anything, before the large buffer is given back
)

// quietAfter is how long a connection keeps a large buffer that it does not use.
const quietAfter = time.Second

// closeText is an error that is the text of the last ERROR; closeSilently is one without.
type closeText string

func (t closeText) Error() string { return string(t) }

const closeSilently = closeText("")

// read handles what arrives until the connection or the session ends. The error is what Close is told.
func (s *Session) read() error {
	for {
		need, progress, err := s.handleBuffered()
		if err != nil {
			return err
		}
		if err := s.fill(need, progress); err != nil {
			return err
		}
	}
}

// handleBuffered handles every complete frame that waits. need is the length of the one that has begun, 0 if not known.
func (s *Session) handleBuffered() (need int, progress bool, err error) {
	for {
		b := s.reader.in.buffered()
		if len(b) < HeaderLen {
			return 0, progress, nil
		}
		n, op := Header(b)
		if err := s.checkHeader(n, op); err != nil {
			return 0, progress, err
		}
		if int64(len(b)) < int64(n) {
			return int(n), progress, nil
		}
		if s.writer.isEnded() {
			return 0, progress, closeSilently
		}
		used, err := s.handle(op, b, int(n))
		if err != nil {
			return 0, progress, err
		}
		s.reader.in.discard(used)
		progress = true
	}
}

// admit decides on a header, before anything is kept for the frame.
func (s *Session) checkHeader(n uint32, op byte) error {
	switch {
	case s.reader.conn == nil && op != OpAuth:
		return s.refuse(Refusal{Reason: ReasonFirstMessage}, "")
	case op == OpError || op == OpInfo:
		return s.refuse(Refusal{Reason: ReasonUnknownType, Ident: s.Ident()}, "")
	}
	return s.refuseFrame(s.server.config.Limits.Check(n, op))
}

// refuseFrame refuses a frame that cannot be, by the error of Check or of a parser; nil is none.
func (s *Session) refuseFrame(err error) error {
	if err == nil {
		return nil
	}
	reason := ReasonMalformed
	switch {
	case errors.Is(err, ErrOpcode):
		reason = ReasonUnknownType
	case errors.Is(err, ErrTooLarge):
		reason = ReasonTooLarge
	}
	r := Refusal{Reason: reason, Ident: s.Ident()}
	if large, ok := errors.AsType[*sizeError](err); ok {
		r.Size, r.Limit = int(large.size), large.limit
	}
	return s.refuse(r, "")
}

// handle takes the complete frame of n bytes that b begins with, and for PUBLISH what follows it.
func (s *Session) handle(op byte, b []byte, n int) (used int, err error) {
	frame := b[:n]
	if op != OpPublish && !s.reader.requests.Allow() && s.reader.requests.Wait(s.ctx) != nil {
		return n, closeSilently
	}
	switch op {
	case OpPublish:
		return s.publish(b, n)
	case OpAuth:
		return n, s.authenticate(frame)
	case OpSubscribe:
		_, channel, err := ParseSubscribe(frame)
		if err != nil {
			return n, s.refuseFrame(err)
		}
		if len(channel) == 0 {
			return n, s.refuse(Refusal{Reason: ReasonNoSub, Ident: s.Ident()}, "")
		}
		return n, s.answer(s.reader.conn.Subscribe(string(channel)), string(channel), 1)
	default: // checkHeader has let nothing else pass
		_, channel, err := ParseUnsubscribe(frame)
		if err != nil {
			return n, s.refuseFrame(err)
		}
		s.reader.conn.Unsubscribe(string(channel))
		return n, nil
	}
}

// publish hands a run on: the frame of n bytes that b begins with, and those behind it with the same ident and channel.
func (s *Session) publish(b []byte, n int) (used int, err error) {
	ident, channel, payload, err := ParsePublish(b[:n])
	if err != nil {
		return n, s.refuseFrame(err)
	}
	most := s.server.config.Limits.MaxPayload
	switch {
	case string(ident) != s.Ident():
		return n, s.refuse(Refusal{Reason: ReasonMismatch, Ident: string(ident), Channel: string(channel)}, "")
	case len(payload) > most:
		return n, s.refuse(Refusal{
			Reason: ReasonTooLarge, Ident: s.Ident(), Channel: string(channel), Size: len(payload), Limit: most,
		}, "")
	case len(channel) == 0:
		return n, s.refuse(Refusal{Reason: ReasonNoPub, Ident: s.Ident()}, "")
	}
	if s.reader.channel != string(channel) {
		s.reader.channel = string(channel)
	}
	used, count := cutRun(b, n, n-len(payload), most)
	return used, s.answer(s.reader.conn.Publish(s.reader.channel, b[:used], count), s.reader.channel, count)
}

// maxRun is how large a run of several frames is at most: it is handed on, and stored, as one.
const maxRun = 1 << 20

// cutRun extends a run that begins with a frame of first bytes, of which head are not payload, by every complete
// PUBLISH frame behind it with the same names. It compares them as bytes with those of the first.
func cutRun(b []byte, first, head, maxPayload int) (used, count int) {
	names := b[HeaderLen:head]
	used, count = first, 1
	for len(b)-used >= head {
		next := b[used:]
		n := int64(binary.BigEndian.Uint32(next))
		if n < int64(head) || n > int64(len(next)) || n > int64(head+maxPayload) || int64(used)+n > maxRun ||
			next[HeaderLen-1] != OpPublish || !bytes.Equal(next[HeaderLen:head], names) {
			break
		}
		used += int(n)
		count++
	}
	return used, count
}

// answer turns what the Conn said into what the peer is told, and into the end of the session where it must be.
func (s *Session) answer(err error, channel string, count int) error {
	if err == nil {
		return nil
	}
	var r *Refused
	if errors.As(err, &r) {
		return s.refuse(Refusal{Reason: r.Reason, Ident: s.Ident(), Channel: channel, Count: count}, r.Text)
	}
	return err
}

// refuse reports a refusal and answers it, with text if there is one. The error is nil if the connection survives.
func (s *Session) refuse(r Refusal, text string) error {
	text, fatal := s.report(r, text)
	if fatal {
		return closeText(text)
	}
	s.sendError(text)
	return nil
}

// Refuse tells broker and peer of a refusal, from any goroutine: of a right that has ended while it was used.
func (s *Session) Refuse(r Refusal) {
	if err := s.refuse(r, ""); err != nil {
		s.Close(err)
	}
}

// report tells the broker of a refusal, and returns what the peer is told and whether that is the end.
func (s *Session) report(r Refusal, text string) (answer string, fatal bool) {
	r.Session, r.Remote, r.AuthenticatedIdent, r.Count, r.Why = s.Number, s.remote, s.Ident(), max(1, r.Count), text
	s.server.broker.Refused(r)
	answer, fatal = s.server.config.Compat.answer(&r)
	if text != "" {
		answer = text + about(&r)
	}
	return answer, fatal
}

// fill reads once more, or gives up on a peer that has closed or is too slow.
func (s *Session) fill(need int, progress bool) error {
	if err := s.holdFrame(need, progress); err != nil {
		return err
	}
	for {
		s.setReadDeadline(progress)
		n, err := s.reader.in.fill(s.conn, need)
		s.got(n)
		if n > 0 {
			return nil // an error comes again
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			s.reader.gone = true
			s.peerEnded(err)
			return closeSilently
		}
		if s.writer.isEnded() {
			return closeSilently
		}
		if s.reader.awaits != awaitQuiet {
			return s.timedOut()
		}
		s.reader.in.release()
		s.releaseFrame()
	}
}

// minFrameRate is how fast a frame must arrive, in bytes per second over FrameTimeout. Sensors stand behind slow lines.
const minFrameRate = 1 << 10

// setReadDeadline sets the read deadline for what is awaited. The one for a frame is set when it begins, and moved when
// as much has come since as minFrameRate asks for, not by what trickles in.
func (s *Session) setReadDeadline(progress bool) {
	r := &s.reader
	want, deadline := awaitNothing, time.Time{}
	switch {
	case r.conn == nil:
		return // sendInfo's deadline
	case len(r.in.buffered()) > 0:
		arrived, timeout := len(r.in.buffered()), s.server.config.FrameTimeout
		if r.awaits == awaitFrame && !progress && float64(arrived-r.arrived) < minFrameRate*timeout.Seconds() {
			return
		}
		r.arrived = arrived
		want, deadline = awaitFrame, time.Now().Add(timeout)
	case r.in.large():
		want, deadline = awaitQuiet, time.Now().Add(quietAfter)
	case r.awaits == awaitNothing:
		return
	}
	r.awaits = want
	s.setDeadline(s.conn.SetReadDeadline, deadline)
}

// timedOut refuses a peer that is too slow. A peer that has sent nothing at all has only connected, which is nothing to
// report.
func (s *Session) timedOut() error {
	if s.BytesIn() == 0 {
		return closeSilently
	}
	text := ""
	if s.reader.awaits == awaitFrame && s.reader.conn != nil {
		text = fmt.Sprintf("Timed out. Of a frame less than %d bytes a second came for %s.", minFrameRate,
			s.server.config.FrameTimeout)
	}
	return s.refuse(Refusal{Reason: ReasonTimeout, Ident: s.Ident()}, text)
}
