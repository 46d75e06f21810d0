package wire

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// Emulators of what real clients do, one for each quirk, written from descriptions of them.

func TestPipelinedAuthSubPub(t *testing.T) {
	p := start(t, Config{}).dial()
	p.send(p.auth("alice"), AppendSubscribe(nil, "alice", "c"), p.publish("c", "one"), p.publish("c", "two"))
	p.wantMessage("alice", "c", "one")
	p.wantMessage("alice", "c", "two")
}

func TestByteDribble(t *testing.T) {
	p := start(t, Config{}).dial()
	for _, b := range bytes.Join([][]byte{p.auth("alice"), AppendSubscribe(nil, "alice", "c"), p.publish("c", "one"),
		p.publish("c", "")}, nil) {
		p.send([]byte{b})
	}
	p.wantMessage("alice", "c", "one")
	p.wantMessage("alice", "c", "")
}

// TestPublishThenClose: AUTH, PUBLISH and close(), as the C client and one Node client do.
func TestPublishThenClose(t *testing.T) {
	for _, how := range []string{"close", "half-close"} {
		f := start(t, Config{})
		p := f.dial()
		p.send(p.auth("alice"), p.publish("c", "last words"), p.publish("c", "cut off")[:10])
		if how == "close" {
			p.Close()
		} else if p.CloseWrite(); true {
			p.wantClosed()
		}
		f.eventually("the message is published", func() bool { return len(f.hub.messages()) == 1 })
		f.eventually("the session ends", func() bool { return f.server.Sessions() == 0 })
		if r := f.hub.refused(); len(r) != 0 {
			t.Errorf("%s: reported %v", how, r)
		}
	}
}

// TestNeverReadsPublisher: its errors fill its receive buffer, which must hold up neither it nor its good messages.
func TestNeverReadsPublisher(t *testing.T) {
	t.Parallel()
	f := start(t, Config{})
	p := f.login("alice")
	p.wantOpen()
	_ = f.hub.conns()[0].session.conn.(*net.TCPConn).SetWriteBuffer(4 << 10)
	const rounds = 20_000 // of 41 bytes of ERROR each, if all were sent
	batch := bytes.Repeat(append(p.publish("forbidden", "x"), p.publish("c", "y")...), 500)
	for range rounds / 500 {
		_ = p.SetWriteDeadline(time.Now().Add(5 * time.Second))
		p.send(batch)
	}
	f.eventually("all good messages are published", func() bool {
		f.hub.mu.Lock()
		defer f.hub.mu.Unlock()
		return len(f.hub.published) == rounds+1
	})
}

// TestSlowSubscriber: Send blocks as long as the peer does not read, its own publishing goes on, and Close ends the
// wait.
func TestSlowSubscriber(t *testing.T) {
	t.Parallel()
	f := start(t, Config{})
	p := f.login("alice")
	p.wantOpen()
	c := f.hub.conns()[0]
	message := AppendPublish(nil, "bob", "c", make([]byte, 1<<20))
	sent := make(chan error)
	go func() {
		for {
			if err := c.session.Send(net.Buffers{message[:100], message[100:]}); err != nil {
				sent <- err
				return
			}
		}
	}()
	stuck := func() bool {
		before := c.session.BytesOut()
		time.Sleep(50 * time.Millisecond)
		return c.session.BytesOut() == before
	}
	f.eventually("the writer is stuck", stuck)
	p.send(p.publish("d", "meanwhile"))
	f.eventually("the subscriber's own message is published", func() bool {
		m := f.hub.messages()
		return m[len(m)-1].Channel == "d"
	})
	c.session.Close(nil)
	select {
	case <-sent:
	case <-time.After(5 * time.Second):
		t.Fatal("Send does not return after Close")
	}
}

func TestSlowSubscriberGetsWholeFramesInOrder(t *testing.T) {
	f := start(t, Config{})
	p := f.login("alice")
	p.wantOpen()
	s := f.hub.conns()[0].session
	go func() {
		for i := range 2000 {
			_ = s.Send(net.Buffers{AppendPublish(nil, "bob", "c", fmt.Append(nil, i)),
				AppendPublish(nil, "bob", "big", make([]byte, 10_000))})
			s.sendError("between")
		}
	}()
	for i := 0; i < 2000; {
		frame := p.frame()
		if _, channel, payload, err := ParsePublish(frame); err == nil && string(channel) == "c" {
			if string(payload) != fmt.Sprint(i) {
				t.Fatalf("got message %s, want %d", payload, i)
			}
			i++
		} else if err != nil && !bytes.HasSuffix(frame, []byte("between")) {
			t.Fatalf("torn frame %.40q", frame)
		}
	}
}

func TestDoubleSubscribeGivesOneCopyAndOneUnsubscribeEndsIt(t *testing.T) {
	p := start(t, Config{}).login("alice")
	sub := AppendSubscribe(nil, "alice", "c")
	p.send(sub, sub, p.publish("c", "one"), AppendUnsubscribe(nil, "alice", "c"), p.publish("c", "two"))
	p.wantMessage("alice", "c", "one")
	p.wantOpen()
}

func TestUnsubscribeUnknown(t *testing.T) {
	p := start(t, Config{}).login("alice")
	p.send(AppendUnsubscribe(nil, "somebody", "never subscribed"), AppendUnsubscribe(nil, "alice", ""))
	p.wantOpen()
}

func TestSubscribeIdentIsIgnored(t *testing.T) {
	p := start(t, Config{}).login("alice")
	p.send(AppendSubscribe(nil, "somebody else", "c"), p.publish("c", "x"))
	p.wantMessage("alice", "c", "x")
}

// TestPartialSend: a client whose send() was cut short goes on with the next frame, so the stream is torn. It gets an
// error, and nobody else notices.
func TestPartialSend(t *testing.T) {
	f := start(t, Config{})
	bad, good := f.login("alice"), f.login("bob")
	good.wantOpen()
	bad.send(bad.publish("c", "a long message that is cut off")[:30], bad.publish("c", "next"), make([]byte, 100))
	bad.wantError("Unknown message type.") // what it takes for the next header
	bad.wantClosed()
	good.wantOpen()
}

// TestStreamFileLargerThanLimit: dionaea announces a whole file, streams it, and does not read meanwhile.
func TestStreamFileLargerThanLimit(t *testing.T) {
	t.Parallel()
	f := start(t, Config{Limits: Limits{MaxPayload: 1 << 20}})
	p := f.login("alice")
	const size = 5 << 20
	head := AppendPublish(nil, "alice", "mwbinary.dionaea.sensorunique", nil)
	copy(head, header(uint32(len(head)+size), OpPublish))
	p.send(head)
	chunk := make([]byte, 16<<10)
	for range size / len(chunk) {
		if _, err := p.Write(chunk); err != nil {
			break
		}
	}
	p.wantError("Message too large. size=5242921, limit=1049093")
	p.wantClosed()
}

func TestBareConnectProbe(t *testing.T) {
	f := start(t, Config{})
	for range 20 {
		f.dial().Close()
		c, err := net.Dial("tcp", f.addr)
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
	}
	f.eventually("all sessions end", func() bool { return f.server.Sessions() == 0 })
	if r := f.hub.refused(); len(r) != 0 {
		t.Errorf("reported %v", r)
	}
}

// TestIdleReconnect: mnemosyne connects, subscribes and disconnects all day.
func TestIdleReconnect(t *testing.T) {
	f := start(t, Config{ConnectRate: 1}) // which does not count logins
	for i := range 100 {
		p := f.login("alice")
		p.wantOpen()
		if i%2 == 0 {
			_ = p.SetLinger(0) // reset
		}
		p.Close()
	}
	f.eventually("all sessions end", func() bool { return f.server.Sessions() == 0 })
	if n := len(f.hub.conns()); n != 100 {
		t.Errorf("%d connections were opened, want 100", n)
	}
}

func TestLatin1IdentAndBinaryPayload(t *testing.T) {
	f := start(t, Config{})
	p := f.login("atzq\xf8l")
	payload := string([]byte{0, 1, 0xff, 0xfe, '\n'})
	p.send(AppendSubscribe(nil, p.ident, "\xe9t\xe9"), p.publish("\xe9t\xe9", payload))
	p.wantMessage("atzq\xf8l", "\xe9t\xe9", payload)
	f.login("atzqøl").wantOpen()
}

func TestNamesOf255Bytes(t *testing.T) {
	ident, channel := "a"+strings.Repeat("i", 254), strings.Repeat("c", 255)
	p := start(t, Config{}).login(ident)
	p.send(AppendSubscribe(nil, ident, channel), p.publish(channel, "x"))
	p.wantMessage(ident, channel, "x")
	p.send(AppendSubscribe(nil, ident, strings.Repeat("q", 3000))) // longer than a channel can be: the broker's to decide
	p.wantOpen()
}

// TestOwnErrorsAreNeverEmpty: a Node client never handles a frame of 5 bytes until more arrives.
func TestOwnErrorsAreNeverEmpty(t *testing.T) {
	f := start(t, Config{})
	p := f.login("alice")
	p.wantOpen()
	s := f.hub.conns()[0].session
	s.sendError("")
	s.Close(closeSilently)
	p.wantClosed()
}

func TestSecondAuth(t *testing.T) {
	f := start(t, Config{})
	p := f.login("alice")
	p.send(AppendSubscribe(nil, "alice", "c"), p.auth("anna"))
	p.send(p.publish("c", "as anna"))
	p.wantOpen()
	if m := f.hub.messages(); m[0].Ident != "anna" {
		t.Errorf("published as %q after the second AUTH", m[0].Ident)
	}
	conns := f.hub.conns()
	f.hub.mu.Lock()
	if len(conns) != 2 || conns[0].closed != 1 || conns[1].closed != 0 {
		t.Errorf("after a second AUTH: %d conns, want 2, of which the first is closed", len(conns))
	}
	f.hub.mu.Unlock()
	p.send(AppendPublish(nil, "alice", "c", nil))
	p.wantError("Invalid authkey in message. ident=alice, chan=c")
	p.wantClosed()
}

// TestOneRecvInfo: the Python client reads once, within one second, and fails if that is not the whole INFO.
func TestOneRecvInfo(t *testing.T) {
	for _, nonce := range []int{4, 20} {
		f := startOn(t, Config{Name: strings.Repeat("n", 255)}, Endpoint{Interface: "127.0.0.1", Nonce: nonce})
		seen := make(map[string]bool)
		for range 10 {
			c, err := net.Dial("tcp", f.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			_ = c.SetReadDeadline(time.Now().Add(time.Second))
			b := make([]byte, 16384)
			n, err := c.Read(b)
			if err != nil {
				t.Fatal(err)
			}
			name, got, err := ParseInfo(b[:n])
			if err != nil || len(name) != 255 || len(got) != nonce || n > 281 {
				t.Errorf("INFO of %d bytes: name of %d, nonce of %d, want 255 and %d (%v)", n, len(name), len(got), nonce, err)
			}
			seen[string(got)] = true
		}
		if len(seen) != 10 {
			t.Errorf("%d different nonces on 10 connections", len(seen))
		}
	}
}

// TestMebibyteBoundary: clients and brokers have limits around 1 MiB, ours is above: what is around it must pass, as
// well as the largest payload, each as a run of its own.
func TestMebibyteBoundary(t *testing.T) {
	t.Parallel()
	f := start(t, Config{})
	p := f.login("alice")
	sizes := []int{1<<20 - 1, 1 << 20, 1<<20 + 1, loadBuffer, loadBuffer - HeaderLen - 8, 10 << 20, 0}
	for _, n := range sizes {
		payload := bytes.Repeat([]byte{byte(n)}, n)
		p.send(p.publish("c", string(payload)))
	}
	f.eventually("all are published", func() bool { return len(f.hub.messages()) == len(sizes) })
	for i, m := range f.hub.messages() {
		if len(m.Payload) != sizes[i] || bytes.Count(m.Payload, []byte{byte(sizes[i])}) != sizes[i] {
			t.Errorf("message %d has %d bytes, want %d, or other bytes", i, len(m.Payload), sizes[i])
		}
	}
	p.send(p.publish("c", string(make([]byte, 10<<20+1))))
	p.wantError("Message too large. size=10485761, limit=10485760, chan=c")
	p.wantClosed()
}

// TestFramesAreForwardedAsTheyCame: a receiver that adds one-byte lengths (ident and channel over 253 together) is not
// ours to save; but the frame it gets is byte for byte what was published.
func TestFramesAreForwardedAsTheyCame(t *testing.T) {
	p := start(t, Config{}).login("a" + strings.Repeat("i", 199))
	frame := p.publish(strings.Repeat("c", 60), "x")
	p.send(AppendSubscribe(nil, p.ident, strings.Repeat("c", 60)), frame)
	got := make([]byte, len(frame))
	_ = p.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := io.ReadFull(p.in, got); err != nil || !bytes.Equal(got, frame) {
		t.Errorf("got %q (%v), want %q", got, err, frame)
	}
}
