//go:build interop

package interop

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"hpfriends/wire"
)

// The clients here are in no registry that CI can install from. What is shown is what their sources make of a broker's
// bytes, written anew from a description of it.

// raw is a connection on which a client says what it wants, frame by frame.
type raw struct {
	net.Conn
	t *testing.T
}

// login does what each of these clients does first: it takes INFO as one read, with a nonce of 4 bytes, and answers.
func (s *server) login(ident, secret string) *raw {
	s.t.Helper()
	conn, err := net.Dial("tcp4", net.JoinHostPort(s.host, s.port)) // the Ruby gem knows no other family
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	info := make([]byte, 32767)
	n, err := conn.Read(info)
	if err != nil {
		s.t.Fatal(err)
	}
	_, nonce, err := wire.ParseInfo(info[:n])
	if err != nil || len(nonce) != 4 || int(binary.BigEndian.Uint32(info)) != n {
		s.t.Fatalf("INFO is not one read with a nonce of 4 bytes: % x (%v)", info[:n], err)
	}
	c := &raw{conn, s.t}
	c.send(wire.AppendAuth(nil, ident, wire.Digest(nonce, []byte(secret))))
	return c
}

func (c *raw) send(frame []byte) {
	c.t.Helper()
	if _, err := c.Write(frame); err != nil {
		c.t.Fatal(err)
	}
}

// frame reads a frame: its opcode, and the channel and payload of a PUBLISH, or else what follows the header.
func (c *raw) frame() (op byte, channel, payload string, err error) {
	frame := make([]byte, wire.HeaderLen)
	if _, err := io.ReadFull(c, frame); err != nil {
		return 0, "", "", err
	}
	frame = append(frame, make([]byte, binary.BigEndian.Uint32(frame)-wire.HeaderLen)...)
	if _, err := io.ReadFull(c, frame[wire.HeaderLen:]); err != nil {
		return 0, "", "", err
	}
	if op = frame[4]; op != wire.OpPublish {
		return op, "", string(frame[wire.HeaderLen:]), nil
	}
	_, on, content, err := wire.ParsePublish(frame)
	return op, string(on), string(content), err
}

// libhpfeeds' client publishes and closes at once; and it ends with anything but a PUBLISH, so a subscriber must get
// nothing else, however little happens.
func TestClientInC(t *testing.T) {
	s := serve(t)
	s.authkey("alice", "c", []string{capture}, []string{capture})
	reader := s.login("c", secretOf("c"))
	reader.send(wire.AppendSubscribe(nil, "c", capture+"?from=first"))
	publisher := s.login("c", secretOf("c"))
	publisher.send(wire.AppendPublish(nil, "c", capture, []byte("and close")))
	_ = publisher.Close()
	op, channel, payload, err := reader.frame()
	if err != nil || op != wire.OpPublish || channel != capture || payload != "and close" {
		t.Fatalf("opcode %d, %q on %q: %v", op, payload, channel, err)
	}
	_ = reader.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
	if n, err := reader.Read(make([]byte, 1)); n > 0 || !isTimeout(err) {
		t.Errorf("an idle subscriber gets %d bytes, %v", n, err)
	}
}

func isTimeout(err error) bool {
	return errors.Is(err, os.ErrDeadlineExceeded)
}

// fw42's Go client logs an ERROR and goes on: it notices a wrong secret by the end of the connection only. Like the
// Ruby gem it hands a frame to who subscribed to the name that the frame carries, and drops any other: history needs
// echo=1 for it.
func TestClientsThatDispatchByTheSubscribedName(t *testing.T) {
	s := serve(t)
	s.authkey("alice", "go", []string{capture}, []string{capture})
	wrong := s.login("go", "not the secret")
	for {
		op, _, text, err := wrong.frame()
		if err != nil {
			if isTimeout(err) {
				t.Error("a wrong secret does not end the connection")
			}
			break
		}
		if op != wire.OpError {
			t.Errorf("opcode %d: %q", op, text)
		}
	}
	publisher := s.login("go", secretOf("go"))
	publisher.send(wire.AppendPublish(nil, "go", capture, []byte("past")))
	for _, echo := range []string{"", "&echo=1"} {
		c := s.login("go", secretOf("go"))
		name := capture + "?from=first" + echo
		c.send(wire.AppendSubscribe(nil, "go", name))
		op, channel, payload, err := c.frame()
		if err != nil || op != wire.OpPublish {
			t.Fatalf("opcode %d, %q: %v", op, payload, err)
		}
		if dispatched := channel == name; dispatched != (echo != "") || payload != "past" {
			t.Errorf("%s: %q comes on %q", name, payload, channel)
		}
	}
}
