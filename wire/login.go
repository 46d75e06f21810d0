package wire

import (
	"crypto/subtle"
	"errors"
	"time"

	"hpfriends/internal/crowd"
)

// authenticate decides on an AUTH. An unknown ident and a wrong secret take the same work and get the same answer,
// which is held back.
func (s *Session) authenticate(frame []byte) error {
	name, digest, err := ParseAuth(frame)
	if err != nil {
		return s.refuseFrame(err)
	}
	ident := string(name)
	secret, err := s.server.broker.Secret(ident, s.remote.Addr())
	if err == nil && len(secret) == 0 {
		err = ErrKeyDisabled // everybody knows an empty secret
	}
	if err != nil {
		secret = s.server.dummy
	}
	old := s.server.broker.OldSecret(ident)
	hasOld := len(old) > 0
	if !hasOld {
		old = s.server.dummy
	}
	same, sameAsOld := proves(digest, s.nonce, secret), proves(digest, s.nonce, old) && hasOld
	switch {
	case err != nil:
		return s.refuseLogin(ident, loginReason(err), "")
	case !same && !sameAsOld:
		return s.refuseLogin(ident, ReasonSecret, "")
	}
	s.reader.oldSecret = !same
	return s.open(ident)
}

// proves reports whether a digest is that of a secret.
func proves(digest, nonce, secret []byte) bool {
	want := Digest(nonce, secret)
	return subtle.ConstantTimeCompare(want[:], digest) == 1
}

// OldSecret reports whether the peer has logged in with Broker.OldSecret. It is for Broker.Open to ask.
func (s *Session) OldSecret() bool { return s.reader.oldSecret }

// open asks the broker for its side of the connection. Only a peer that knows the secret comes here, so the broker may
// tell it why not.
func (s *Session) open(ident string) error {
	before := s.ident.Swap(&ident)
	conn, err := s.server.broker.Open(s, ident, s.reader.conn)
	if err != nil {
		s.ident.Store(before)
		text := ""
		if r := (*Refused)(nil); errors.As(err, &r) {
			text = r.Text
		}
		return s.refuseLogin(ident, loginReason(err), text)
	}
	old := s.reader.conn
	s.reader.conn = conn
	if old != nil {
		old.Close()
		return nil
	}
	s.server.config.Handshakes.Know(s.remote.Addr())
	s.server.throttle.succeeded(loginKey{crowd.Address(s.remote.Addr()), ident})
	s.reader.seat.Leave()
	s.server.limiter.login(crowd.Address(s.remote.Addr()))
	s.setDeadline(s.conn.SetWriteDeadline, time.Time{}) // setReadDeadline has the other
	return nil
}

// refuseLogin reports at once and answers late. It holds up this connection only.
func (s *Session) refuseLogin(ident string, reason Reason, text string) error {
	answer, _ := s.report(Refusal{Reason: reason, Ident: ident}, text)
	wait := time.NewTimer(s.server.throttle.failed(loginKey{crowd.Address(s.remote.Addr()), ident}, time.Now()))
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-s.ctx.Done():
	}
	return closeText(answer)
}
