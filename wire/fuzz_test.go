package wire

import (
	"bytes"
	"fmt"
	"net/netip"
	"runtime"
	"testing"
)

// critic is a Broker that looks at everything it is handed.
type critic struct {
	t    *testing.T
	last *criticConn
}

type criticConn struct {
	*critic
	ident  string
	closed bool
}

func (*critic) OldSecret(string) []byte { return nil }

func (c *critic) Secret(ident string, _ netip.Addr) ([]byte, error) {
	if ident == "alice" || ident == "anna" {
		return []byte("secret-" + ident), nil
	}
	return nil, ErrUnknownIdent
}

func (c *critic) Open(_ *Session, ident string, previous Conn) (Conn, error) {
	if previous != Conn(c.last) && (previous != nil || c.last != nil) {
		c.t.Fatalf("previous is %v, want %v", previous, c.last)
	}
	c.last = &criticConn{critic: c, ident: ident}
	return c.last, nil
}

func (c *critic) Refused(r Refusal) {
	if r.Reason.LogMessage() == "" || r.Count < 1 {
		c.t.Fatalf("refusal %+v", r)
	}
}

func (c *criticConn) check() {
	if c.closed || c.last != c {
		c.t.Fatalf("call of a conn that is closed (%t) or replaced", c.closed)
	}
}

func (c *criticConn) Publish(channel string, frames []byte, n int) error {
	c.check()
	for i := 0; i < n; i++ {
		if len(frames) < HeaderLen {
			c.t.Fatalf("run of %d ends at %d", n, i)
		}
		size, _ := Header(frames)
		if int64(size) > int64(len(frames)) {
			c.t.Fatalf("frame %d of a run of %d says %d of %d bytes", i, n, size, len(frames))
		}
		ident, ch, payload, err := ParsePublish(frames[:size])
		if err != nil || string(ident) != c.ident || string(ch) != channel || channel == "" || len(payload) > fuzzPayload {
			c.t.Fatalf("run on %q: frame %x does not belong: %v", channel, frames[:size], err)
		}
		frames = frames[size:]
	}
	if n < 1 || len(frames) > 0 {
		c.t.Fatalf("%d bytes behind a run of %d", len(frames), n)
	}
	if channel == "forbidden" {
		return &Refused{Reason: ReasonNoPub}
	}
	return nil
}

func (c *criticConn) Subscribe(channel string) error {
	c.check()
	if channel == "" || len(channel) > MaxSubscribeLen {
		c.t.Fatalf("subscription to %d bytes", len(channel))
	}
	if channel == "forbidden" {
		return fmt.Errorf("wrapped: %w", &Refused{Reason: ReasonNoSub, Text: "no\xff"})
	}
	return nil
}

func (c *criticConn) Unsubscribe(string) { c.check() }

func (c *criticConn) Close() {
	if c.closed {
		c.t.Fatal("closed twice")
	}
	c.closed = true
}

const fuzzPayload = 100_000

// FuzzServerSession: whatever a peer sends, in whatever pieces, before or after a login: no panic, nothing handed on
// that does not parse, nothing but whole frames sent back, and memory in proportion to what was sent.
func FuzzServerSession(f *testing.F) {
	publish := AppendPublish(nil, "alice", "c", []byte("data"))
	for _, b := range hostile {
		f.Add(b, uint16(7), true)
		f.Add(b, uint16(1000), false)
	}
	f.Add(bytes.Repeat(publish, 3), uint16(1), true)
	f.Add(append(AppendPublish(nil, "alice", "forbidden", nil), publish...), uint16(100), true)
	f.Add(append(AppendSubscribe(nil, "x", "forbidden"), AppendUnsubscribe(nil, "", "")...), uint16(100), true)
	f.Fuzz(func(t *testing.T, data []byte, step uint16, login bool) {
		for _, compat := range []Compat{Lineage, Reference} {
			c := &critic{t: t}
			s, err := NewServer(Config{Compat: compat, Limits: Limits{MaxPayload: fuzzPayload}}, c)
			if err != nil {
				t.Fatal(err)
			}
			s.cancel() // failed logins do not wait: their time is tested elsewhere
			conn := &script{data: data, step: int(step) + 1}
			if login {
				conn.ident = "alice"
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			ses := play(t, s, conn)
			runtime.ReadMemStats(&after)
			if took := after.TotalAlloc - before.TotalAlloc; took > 1<<20+uint64(100*len(data)) {
				t.Fatalf("%d bytes of memory for %d of input", took, len(data))
			}
			if c.last != nil && !c.last.closed {
				t.Fatal("the conn was not closed")
			}
			if login && c.last == nil {
				t.Fatal("the login failed")
			}
			checkSent(t, conn.written, ses)
		}
	})
}

// checkSent wants INFO and then ERROR frames only, none of them empty.
func checkSent(t *testing.T, sent []byte, ses *Session) {
	t.Helper()
	if uint64(len(sent)) != ses.BytesOut() {
		t.Fatalf("%d bytes sent, %d counted", len(sent), ses.BytesOut())
	}
	for i := 0; len(sent) > 0; i++ {
		n, op := Header(sent)
		if i == 0 && op != OpInfo || i > 0 && (op != OpError || n <= HeaderLen) || int(n) > len(sent) {
			t.Fatalf("frame %d sent is %x", i, sent)
		}
		sent = sent[n:]
	}
}
