package web

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"hpfriends/graph"
	"hpfriends/internal/handshakes"
	"hpfriends/web/who"
)

// fragile is an answer as net/http has it: who touches it when its handler has returned ends the process.
type fragile struct {
	*httptest.ResponseRecorder
	t    *testing.T
	over atomic.Bool
	set  atomic.Int32
}

func (f *fragile) set1(time.Time) error {
	f.set.Add(1)
	time.Sleep(20 * time.Millisecond) // in which the handler returns
	if f.over.Load() {
		f.t.Error("the handler has returned while its request is ended")
	}
	return nil
}

func (f *fragile) SetReadDeadline(at time.Time) error  { return f.set1(at) }
func (f *fragile) SetWriteDeadline(at time.Time) error { return f.set1(at) }

// Who is ended is ended while its handler is there, and not afterwards.
func TestARequestIsNotEndedAfterItsHandler(t *testing.T) {
	u := newUnderway(nil)
	answer := &fragile{ResponseRecorder: httptest.NewRecorder(), t: t}
	h := u.bound(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			t.Error(err)
		}
		for range maxLarge { // of another address with more
			u.bodies.large.Enter(netip.MustParseAddr("192.0.2.1"), func() {})
		}
		u.bodies.large.Enter(netip.MustParseAddr("198.51.100.1"), func() {})
		for r.Context().Err() == nil {
			u.bodies.large.Enter(netip.MustParseAddr("192.0.2.1"), func() {})
		}
		for answer.set.Load() == 0 {
			time.Sleep(time.Millisecond)
		}
	}), new(who.Authenticator))
	r := httptest.NewRequest(http.MethodPost, "/", io.LimitReader(zeros{}, 2*smallBody))
	r.RemoteAddr = "192.0.2.1:4711"
	h.ServeHTTP(answer, r)
	answer.over.Store(true)
	time.Sleep(30 * time.Millisecond)
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// However many ask and do not take their answers, so many are held; and somebody from another address is answered.
func TestAnswersThatAreNotTakenMakeRoom(t *testing.T) {
	var held, ended atomic.Int64
	h := newUnderway(nil).bound(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			return
		}
		held.Add(1)
		<-r.Context().Done()
		held.Add(-1)
		ended.Add(1)
	}), new(who.Authenticator))
	ask := func(from, path string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
		r.RemoteAddr = from
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	for range maxRequests + 100 {
		go ask("192.0.2.1:4711", "/held")
	}
	for ended.Load() < 100 {
		time.Sleep(time.Millisecond)
	}
	if code := ask("198.51.100.1:4711", "/").Code; code != http.StatusOK {
		t.Errorf("somebody else is answered with %d", code)
	}
	if n := held.Load(); n > maxRequests {
		t.Errorf("%d answers are held, at most %d", n, maxRequests)
	}
}

// A frame of HTTP/2 is read into memory whole, and its connection keeps as much.
func TestFramesAreSmall(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.NotFoundHandler())
	srv.Config.HTTP2 = http2Limits()
	srv.EnableHTTP2 = true
	srv.StartTLS()
	defer srv.Close()
	c, err := tls.Dial("tcp", srv.Listener.Addr().String(), &tls.Config{
		InsecureSkipVerify: true, NextProtos: []string{"h2"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	settings := make([]byte, 9)
	_, err = io.WriteString(c, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")
	if err == nil {
		_, err = io.ReadFull(c, settings)
	}
	if err == nil {
		settings = make([]byte, settings[2])
		_, err = io.ReadFull(c, settings)
	}
	if err != nil {
		t.Fatal(err)
	}
	for ; len(settings) >= 6; settings = settings[6:] {
		const maxFrameSize = 5 // RFC 9113, section 6.5.2
		if n := binary.BigEndian.Uint32(settings[2:]); settings[1] == maxFrameSize && n != maxFrame {
			t.Errorf("frames of %d bytes are taken, want %d", n, maxFrame)
		}
	}
}

// What a stranger has taken back before its turn came is not answered.
func TestWhatIsTakenBackIsNotAnswered(t *testing.T) {
	answered := false
	h := newUnderway(handshakes.New()).bound(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		answered = true
	}), new(who.Authenticator))
	for _, back := range []bool{true, false} {
		ctx, cancel := context.WithCancel(t.Context())
		if back {
			cancel()
		}
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
		r.RemoteAddr = "192.0.2.1:4711"
		h.ServeHTTP(httptest.NewRecorder(), r)
		cancel()
		if answered == back {
			t.Errorf("taken back %t: answered %t", back, answered)
		}
	}
}

// A request with a session makes the address that it comes from known, and that of the proxy before it; one without, or
// with a token that is none, does not.
func TestWhoIsLoggedInMakesTheAddressKnown(t *testing.T) {
	w := newWorld(t)
	w.do(graph.AddUser{Handle: "ada", Password: hashed})
	gate := handshakes.New()
	w.server.who.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}
	h := newUnderway(gate).bound(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), w.server.who)
	client, proxy := netip.MustParseAddr("192.0.2.9"), netip.MustParseAddr("198.51.100.1")
	for _, c := range []struct {
		caller
		known bool
	}{{bearer("made-up"), false}, {caller{}, false}, {w.cookie("ada", "password"), true}} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header = c.header.Clone()
		if r.Header == nil {
			r.Header = make(http.Header)
		}
		r.RemoteAddr = netip.AddrPortFrom(proxy, 4711).String()
		r.Header.Set("X-Forwarded-For", client.String())
		h.ServeHTTP(httptest.NewRecorder(), r)
		if gate.Knows(client) != c.known || gate.Knows(proxy) != c.known {
			t.Errorf("with %v the client is known: %t, the proxy: %t", c.header, gate.Knows(client), gate.Knows(proxy))
		}
	}
}
