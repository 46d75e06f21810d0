package program

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"hpfriends/internal/load"
	"hpfriends/internal/proc"
	"hpfriends/wire"
	"hpfriends/wire/subscription"
)

// keptSocket is a listening socket that outlives servers, as systemd keeps one. Its own queue has who connects.
type keptSocket struct {
	*os.File
	address string
}

func keepSocket(t *testing.T) keptSocket {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return keptSocket{f, l.Addr().String()}
}

func (s keptSocket) dial(t *testing.T, ctx context.Context) net.Conn {
	t.Helper()
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if until, ok := ctx.Deadline(); ok {
		_ = c.SetDeadline(until)
	}
	return c
}

// activate starts a server as systemd does, with sockets by names (with colons between them). A shell says for whom
// the sockets are: LISTEN_PID is the number of the process.
func activate(t *testing.T, dir, names string, sockets []keptSocket, flags ...string) *proc.Process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := proc.Command{
		Program: []string{"/bin/sh", "-c", `export LISTEN_PID=$$; exec "$0" "$@"`, self},
		Env:     []string{asProgram + "=1", fmt.Sprintf("LISTEN_FDS=%d", len(sockets)), "LISTEN_FDNAMES=" + names},
		Flags:   append([]string{"--scrub-interval", "0", "--log-level", "warn"}, flags...),
	}
	for _, s := range sockets {
		c.Files = append(c.Files, s.File)
	}
	p, err := proc.Launch(dir, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	return p
}

// TestWhoConnectsDuringARestartIsServed: systemd holds the sockets of hpfeeds and HTTP, and a server that comes takes
// them over from one that went.
func TestWhoConnectsDuringARestartIsServed(t *testing.T) {
	dir, feeds, pages := t.TempDir(), keepSocket(t), keepSocket(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	host, port, err := net.SplitHostPort(feeds.address)
	if err != nil {
		t.Fatal(err)
	}
	start := func() *proc.Process {
		return activate(t, dir, "hpfeeds:http", []keptSocket{feeds, pages},
			"--hpfeeds", "tcp:port="+port+":interface="+host, "--http", pages.address)
	}
	first := start()
	if _, err := first.Await(ctx); err != nil {
		t.Fatal(err)
	}
	keys, _, err := load.SetUp(ctx, first.API, "c", 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	publish := func() {
		c, err := wire.Dial(ctx, wire.DialConfig{
			Addr: feeds.address, Ident: keys[0].Ident, Secret: []byte(keys[0].Secret), Timeout: time.Minute,
		})
		if err == nil {
			defer c.Close()
			err = c.Subscribe(subscription.Acks)
		}
		if err != nil {
			t.Fatal(err)
		}
		publishAndAwait(t, c, 1)
	}
	publish()
	if err := first.Stop(); err != nil {
		t.Fatal(err)
	}
	// Nobody is there, and nobody is refused.
	sensor, browser := feeds.dial(t, ctx), pages.dial(t, ctx)
	if _, err := io.WriteString(browser, "GET /livez HTTP/1.0\r\nHost: "+pages.address+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	second := start()
	if f, err := readFrame(sensor); err != nil || f[4] != wire.OpInfo {
		t.Errorf("a sensor that connected during the restart gets %q, %v", f, err)
	}
	if answer, err := io.ReadAll(browser); err != nil || !bytes.HasPrefix(answer, []byte("HTTP/1.0 200 OK\r\n")) {
		t.Errorf("a browser that connected during the restart gets %q, %v", answer, err)
	}
	publish()
	if err := second.Stop(); err != nil {
		t.Error(err)
	}
}

// A socket that no setting has would take connections that nobody serves.
func TestSocketOfNoSettingIsRefused(t *testing.T) {
	feeds := keepSocket(t)
	_, port, err := net.SplitHostPort(feeds.address)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ names, hpfeeds string }{
		"by another name":    {"hpfriends.socket", "tcp:port=0:interface=127.0.0.1"},
		"at another port":    {"hpfeeds", "tcp:port=0:interface=127.0.0.1"},
		"at another address": {"hpfeeds", "tcp:port=" + port + ":interface=127.0.0.2"},
	} {
		t.Run(name, func(t *testing.T) {
			p := activate(t, t.TempDir(), c.names, []keptSocket{feeds}, "--hpfeeds", c.hpfeeds, "--http", "")
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if where, err := p.Await(ctx); err == nil {
				t.Fatalf("it serves %v", where)
			}
			if said := p.Said(); !strings.Contains(said, feeds.address) || !strings.Contains(said, "FileDescriptorName=") {
				t.Errorf("it says %s", said)
			}
		})
	}
}
