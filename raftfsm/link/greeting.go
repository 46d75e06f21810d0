package link

import (
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

// incarnation is one process of a node: when it started, and a random number.
type incarnation struct {
	started int64 // unix ns, by the node's own clock
	random  [16]byte
}

const incarnationSize = 8 + 16

func newIncarnation() incarnation {
	i := incarnation{started: time.Now().UnixNano()}
	rand.Read(i.random[:])
	return i
}

// younger reports whether i started after o. Of two different ones, exactly one is the younger, on every member.
func (i incarnation) younger(o incarnation) bool {
	return cmp.Or(cmp.Compare(i.started, o.started), cmp.Compare(string(i.random[:]), string(o.random[:]))) > 0
}

func (i incarnation) append(b []byte) []byte {
	return append(binary.BigEndian.AppendUint64(b, uint64(i.started)), i.random[:]...)
}

func parseIncarnation(b []byte) (i incarnation) {
	i.started = int64(binary.BigEndian.Uint64(b))
	copy(i.random[:], b[8:])
	return i
}

// The greeting follows TLS on raft and call connections, since a TLS 1.3 client does not learn whether its certificate
// was accepted. The dialing side sends its incarnation (24 bytes); the answer is
//
//	verdict u8 | incarnation 24 | length u16 | text
const answerSize = 1 + incarnationSize + 2

const maxVerdictText = 512

// verdict is a named refusal on the wire.
type verdict byte

const (
	verdictWelcome verdict = iota
	verdictNotMember
	verdictCloned
	verdictBusy
)

var verdictErrors = map[verdict]error{verdictNotMember: ErrNotMember, verdictCloned: ErrCloned, verdictBusy: ErrBusy}

func verdictOf(err error) verdict {
	for v, sentinel := range verdictErrors {
		if errors.Is(err, sentinel) {
			return v
		}
	}
	return verdictBusy
}

func writeAnswer(w io.Writer, self incarnation, refusal error) error {
	v, text := verdictWelcome, ""
	if refusal != nil {
		v, text = verdictOf(refusal), refusal.Error()
	}
	text = text[:min(len(text), maxVerdictText)]
	b := self.append([]byte{byte(v)})
	b = binary.BigEndian.AppendUint16(b, uint16(len(text)))
	_, err := w.Write(append(b, text...))
	return err
}

// greet sends the incarnation of this process and reads the answer: the other's, or a refusal by its name.
func greet(rw io.ReadWriter, self incarnation) (incarnation, error) {
	if _, err := rw.Write(self.append(nil)); err != nil {
		return incarnation{}, err
	}
	var b [answerSize]byte
	if _, err := io.ReadFull(rw, b[:]); err != nil {
		return incarnation{}, fmt.Errorf("link: the member did not answer the greeting: %w", err)
	}
	if verdict(b[0]) == verdictWelcome {
		return parseIncarnation(b[1:]), nil
	}
	size := binary.BigEndian.Uint16(b[answerSize-2:])
	if size > maxVerdictText {
		return incarnation{}, fmt.Errorf("link: refusal of %d bytes, at most %d", size, maxVerdictText)
	}
	text := make([]byte, size)
	if _, err := io.ReadFull(rw, text); err != nil {
		return incarnation{}, err
	}
	sentinel, ok := verdictErrors[verdict(b[0])]
	if !ok {
		sentinel = ErrBusy
	}
	return incarnation{}, fmt.Errorf("%w (the member says: %q)", sentinel, text)
}
