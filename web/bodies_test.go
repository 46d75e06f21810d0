package web

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hpfriends/web/who"
)

// However many send large bodies that do not end, or that are not answered yet, so many are in memory; and somebody
// from another address is served meanwhile.
func TestUnfinishedBodiesMakeRoom(t *testing.T) {
	var held atomic.Int64
	h := newUnderway(nil).bound(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.CopyN(io.Discard, r.Body, smallBody+1); err != nil {
			return
		}
		held.Add(1)
		defer held.Add(-1)
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return
		}
		if r.URL.Path == "/waits" {
			<-r.Context().Done()
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}), new(who.Authenticator))
	srv := httptest.NewServer(h)
	defer srv.Close()
	defer srv.CloseClientConnections()
	where := srv.Listener.Addr().String()
	dial := func(from byte) net.Conn {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, from, 1)}, Timeout: 10 * time.Second}
		c, err := d.DialContext(t.Context(), "tcp", where)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	send := func(c net.Conn, path string, length, sent int) {
		_, _ = fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s",
			path, length, strings.Repeat("x", sent)) // one that was ended finds out later
	}
	ended := make(chan struct{}, 3*maxLarge)
	for i := range 3 * maxLarge {
		c, length := dial(1), 1<<20
		path := "/sends"
		if i%2 == 0 { // whole, and waits
			path, length = "/waits", 2*smallBody
		}
		send(c, path, length, 2*smallBody)
		go func() { _, _ = io.Copy(io.Discard, c); ended <- struct{}{} }()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for i := range 2 * maxLarge {
		select {
		case <-ended:
		case <-ctx.Done():
			t.Fatalf("%d requests have been ended, want %d", i, 2*maxLarge)
		}
	}
	if n := held.Load(); n > maxLarge {
		t.Errorf("%d large bodies are held, at most %d", n, maxLarge)
	}
	c := dial(2)
	send(c, "/", 1<<20, 1<<20)
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
	answer := make([]byte, len("HTTP/1.1 204"))
	if _, err := io.ReadFull(c, answer); err != nil || string(answer) != "HTTP/1.1 204" {
		t.Errorf("somebody from another address: %q, %v", answer, err)
	}
}
