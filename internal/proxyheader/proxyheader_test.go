package proxyheader

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"
)

// fixture is a Listener on a real socket. Whatever it accepts is sent what it is told, and the answer is what the
// server read; errors come out of errs.
type fixture struct {
	*testing.T
	addr  string
	conns chan net.Conn
	errs  chan error
	l     *Listener
}

func start(t *testing.T, timeout time.Duration, trusted ...string) *fixture {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var networks []netip.Prefix
	for _, text := range trusted {
		networks = append(networks, netip.MustParsePrefix(text))
	}
	f := &fixture{
		T: t, addr: inner.Addr().String(), conns: make(chan net.Conn, 1000), errs: make(chan error, 1000),
		l: Listen(inner, networks),
	}
	f.l.timeout = timeout
	ended := make(chan error, 1)
	go func() {
		for {
			c, err := f.l.Accept()
			var bad *Error
			switch {
			case errors.As(err, &bad):
				f.errs <- err
			case err != nil:
				ended <- err
				return
			default:
				f.conns <- c
			}
		}
	}()
	t.Cleanup(func() {
		_ = f.l.Close()
		if err := <-ended; !errors.Is(err, net.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
		for {
			select {
			case c := <-f.conns:
				_ = c.Close()
			default:
				return
			}
		}
	})
	return f
}

func (f *fixture) dial(first string) net.Conn {
	f.Helper()
	c, err := net.Dial("tcp", f.addr)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = c.Close() })
	if _, err := io.WriteString(c, first); err != nil {
		f.Fatal(err)
	}
	return c
}

// accepted waits for a connection, and refused for why there is none.
func (f *fixture) accepted() net.Conn {
	f.Helper()
	select {
	case c := <-f.conns:
		return c
	case err := <-f.errs:
		f.Fatalf("refused: %v", err)
	case <-time.After(10 * time.Second):
		f.Fatal("not accepted within 10 s")
	}
	return nil
}

func (f *fixture) refused() error {
	f.Helper()
	select {
	case c := <-f.conns:
		f.Fatalf("accepted, from %s", c.RemoteAddr())
	case err := <-f.errs:
		return err
	case <-time.After(10 * time.Second):
		f.Fatal("not refused within 10 s")
	}
	return nil
}

const sig2 = "\r\n\r\n\x00\r\nQUIT\n"

var v2 = map[string]string{ // as the specification has them
	"tcp4": sig2 + "\x21\x11\x00\x0c" + "\xc0\x00\x02\x07\x7f\x00\x00\x01" + "\x30\x39\x27\x10",
	"tcp6": sig2 + "\x21\x21\x00\x24" + "\x20\x01\x0d\xb8" + strings.Repeat("\x00", 11) + "\x07" +
		strings.Repeat("\x00", 15) + "\x01" + "\x30\x39\x27\x10",
	"tlv":   sig2 + "\x21\x11\x00\x10" + "\xc0\x00\x02\x07\x7f\x00\x00\x01" + "\x30\x39\x27\x10" + "\x04\x00\x01\x00",
	"local": sig2 + "\x20\x00\x00\x00",
	"udp4":  sig2 + "\x21\x12\x00\x0c" + "\xc0\x00\x02\x07\x7f\x00\x00\x01" + "\x30\x39\x27\x10",
	"large": sig2 + "\x21\x11\xff\xff" + "\xc0\x00\x02\x07\x7f\x00\x00\x01" + "\x30\x39\x27\x10",
}

func TestTheClientIsWhoTheHeaderNames(t *testing.T) {
	f := start(t, 10*time.Second, "127.0.0.0/8")
	for what, c := range map[string]struct{ header, want string }{
		"version 1, IPv4":       {"PROXY TCP4 192.0.2.7 127.0.0.1 12345 10000\r\n", "192.0.2.7:12345"},
		"version 1, IPv6":       {"PROXY TCP6 2001:db8::7 ::1 12345 10000\r\n", "[2001:db8::7]:12345"},
		"version 2, IPv4":       {v2["tcp4"], "192.0.2.7:12345"},
		"version 2, IPv6":       {v2["tcp6"], "[2001:db8::7]:12345"},
		"version 2, with a TLV": {v2["tlv"], "192.0.2.7:12345"},
		"version 1, unknown":    {"PROXY UNKNOWN\r\n", ""},
		"version 2, local":      {v2["local"], ""},
	} {
		for _, early := range []string{"", "early", strings.Repeat("x", 5000)} {
			client := f.dial(c.header + early)
			if c.want == "" {
				c.want = client.LocalAddr().String() // the proxy speaks for itself
			}
			got := f.accepted()
			if got.RemoteAddr().String() != c.want {
				t.Errorf("%s: from %s, want %s", what, got.RemoteAddr(), c.want)
			}
			if _, err := io.WriteString(client, "late"); err != nil {
				t.Fatal(err)
			}
			_ = client.(*net.TCPConn).CloseWrite()
			if all, err := io.ReadAll(got); err != nil || string(all) != early+"late" {
				t.Errorf("%s: the stream is %.20q (%v), want %.20q", what, all, err, early+"late")
			}
			if c.want == client.LocalAddr().String() {
				c.want = ""
			}
		}
	}
}

func TestWhatIsNoHeaderIsRefused(t *testing.T) {
	f := start(t, 300*time.Millisecond, "127.0.0.0/8")
	for what, c := range map[string]struct {
		first string
		want  error
		slow  bool
	}{
		"nothing":                    {"", ErrNoHeader, true},
		"an hpfeeds AUTH":            {"\x00\x00\x00\x1f\x02\x05alice", ErrNoHeader, false},
		"a TLS ClientHello":          {"\x16\x03\x01\x02\x00\x01", ErrNoHeader, false},
		"HTTP that begins alike":     {"PUT / HTTP/1.1\r\n\r\n", ErrNoHeader, false},
		"half a version 1":           {"PROXY TCP4 192.0.2.7 12", ErrHeader, false}, // one has to come at once
		"half a signature":           {sig2[:7], ErrNoHeader, true},
		"half a version 2":           {v2["tcp4"][:20], ErrNoHeader, true},
		"version 1 without end":      {"PROXY TCP4 " + strings.Repeat("1", 200), ErrHeader, false},
		"an address that is none":    {"PROXY TCP4 300.0.2.7 127.0.0.1 12345 10000\r\n", ErrHeader, false},
		"a port that is none":        {"PROXY TCP4 192.0.2.7 127.0.0.1 123456 10000\r\n", ErrHeader, false},
		"UDP":                        {v2["udp4"], ErrHeader, false},
		"version 2 of 64 KiB":        {v2["large"], ErrHeader, false},
		"version 3":                  {sig2 + "\x31" + v2["tcp4"][13:], ErrHeader, false},
		"a length that is too short": {sig2 + "\x21\x11\x00\x04" + "\xc0\x00\x02\x07", ErrHeader, false},
	} {
		client := f.dial(c.first)
		err := f.refused()
		var bad *Error
		if !errors.As(err, &bad) || !errors.Is(err, c.want) || bad.Slow != c.slow ||
			bad.Proxy.String() != client.LocalAddr().String() {
			t.Errorf("%s: %v (slow: %v, from %s), want %v (slow: %v)", what, err, bad.Slow, bad.Proxy, c.want, c.slow)
		}
		_ = client.SetReadDeadline(time.Now().Add(5 * time.Second))
		if n, err := client.Read(make([]byte, 1)); n > 0 || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: the connection is still there", what)
		}
	}
}

// A byte now and then is no header that comes: the time is for the whole of it.
func TestTricklingHeaderEnds(t *testing.T) {
	f := start(t, 300*time.Millisecond, "127.0.0.0/8")
	begun := time.Now()
	client := f.dial("")
	go func() {
		for i := range sig2 {
			if _, err := client.Write([]byte{sig2[i]}); err != nil {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
	}()
	if err := f.refused(); !errors.Is(err, ErrNoHeader) || time.Since(begun) > 1100*time.Millisecond {
		t.Errorf("after %s: %v", time.Since(begun), err)
	}
}

// Those who send no header hold up nobody, whatever their number.
func TestWhoWaitsHoldsUpNobody(t *testing.T) {
	f := start(t, time.Hour, "127.0.0.0/8")
	for range MaxWaiting + 3 {
		f.dial("")
	}
	for range 3 {
		if err := f.refused(); !errors.Is(err, ErrCrowded) {
			t.Fatalf("over the limit: %v", err)
		}
	}
	f.dial("PROXY TCP4 192.0.2.7 127.0.0.1 12345 10000\r\n") // takes a place for a moment, from whoever waits longest
	for accepted, refused := 0, 0; accepted+refused < 2; {   // in any order
		select {
		case c := <-f.conns:
			if accepted++; c.RemoteAddr().String() != "192.0.2.7:12345" {
				t.Errorf("from %s", c.RemoteAddr())
			}
		case err := <-f.errs:
			if refused++; refused > 1 || !errors.Is(err, ErrCrowded) {
				t.Fatalf("%d refused: %v", refused, err)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%d accepted and %d refused within 10 s", accepted, refused)
		}
	}
}

// Only trusted networks are asked for a header, and nobody else's is believed.
func TestStrangersSpeakForThemselves(t *testing.T) {
	f := start(t, time.Hour, "10.0.0.0/8", "::1/128")
	const header = "PROXY TCP4 192.0.2.7 127.0.0.1 12345 10000\r\n"
	for _, first := range []string{header, v2["tcp4"], ""} {
		client := f.dial(first)
		got := f.accepted()
		if got.RemoteAddr().String() != client.LocalAddr().String() {
			t.Errorf("from %s, which is %s", got.RemoteAddr(), client.LocalAddr())
		}
		_ = client.(*net.TCPConn).CloseWrite()
		if all, err := io.ReadAll(got); err != nil || string(all) != first {
			t.Errorf("the stream begins with %q (%v), want %q", all, err, first)
		}
	}
}

// A proxy that only looks whether the port is open is no error.
func TestProbeIsNoError(t *testing.T) {
	f := start(t, time.Hour, "127.0.0.0/8")
	for range 5 {
		_ = f.dial("").Close()
	}
	f.dial("PROXY UNKNOWN\r\n")
	f.accepted()
	for range 5 {
		_ = f.dial("").Close()
	}
	_ = f.l.Close() // waits for them all
	select {
	case err := <-f.errs:
		t.Errorf("a probe is reported: %v", err)
	default:
	}
}

func TestCloseEndsThoseThatWait(t *testing.T) {
	f := start(t, time.Hour, "127.0.0.0/8")
	var clients []net.Conn
	for range 20 {
		clients = append(clients, f.dial("PRO"))
	}
	for deadline := time.Now().Add(5 * time.Second); f.l.waiting.Len() < len(clients); {
		if time.Now().After(deadline) {
			t.Fatalf("%d wait for their header", f.l.waiting.Len())
		}
		time.Sleep(time.Millisecond)
	}
	done := make(chan error, 1)
	go func() { done <- f.l.Close() }()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("Close waits for headers")
	}
	for _, c := range clients {
		_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
		if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a connection that waited: %v", err)
		}
	}
	if _, err := f.l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept after Close: %v", err)
	}
	if err := f.l.Close(); err != nil {
		t.Errorf("Close again: %v", err)
	}
}
