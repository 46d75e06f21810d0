package wire

import (
	"bytes"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"
)

// behindProxy is a server whose endpoint trusts loopback addresses to be proxies.
func behindProxy(t *testing.T, c Config, e Endpoint) *fixture {
	t.Helper()
	e.Interface, e.Nonce, e.Proxies = "127.0.0.1", 4, []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	return startOn(t, c, e)
}

func proxyLine(client string) string { return "PROXY TCP4 " + client + " 127.0.0.1 4711 10000\r\n" }

// through connects as client behind a proxy, and reads INFO.
func (f *fixture) through(client string) *peer {
	f.Helper()
	p := f.connect()
	p.send([]byte(proxyLine(client)))
	var err error
	if _, p.nonce, err = ParseInfo(p.frame()); err != nil {
		f.Fatal(err)
	}
	return p
}

func TestSessionBehindAProxyHasTheClientsAddress(t *testing.T) {
	f := behindProxy(t, Config{}, Endpoint{})
	p := f.through("192.0.2.7")
	p.send(p.auth("alice"))
	p.wantOpen()
	conns := f.hub.conns()
	if len(conns) != 1 || conns[0].session.Remote() != netip.MustParseAddrPort("192.0.2.7:4711") {
		t.Fatalf("sessions %v", conns)
	}
	if n, ok := conns[0].session.Acknowledged(); ok && n == 0 {
		t.Error("the kernel is not asked about a connection behind a proxy")
	}
	bad := f.through("192.0.2.8")
	bad.send(AppendAuth(nil, "alice", Digest(bad.nonce, []byte("wrong"))))
	f.eventually("the refusal", func() bool { return len(f.hub.refused()) == 1 })
	if r := f.hub.refused()[0]; r.Remote.Addr() != netip.MustParseAddr("192.0.2.8") {
		t.Errorf("refused login from %s", r.Remote)
	}
}

// What a client says before it could have read INFO comes with the header.
func TestFramesBehindTheHeaderAreNotLost(t *testing.T) {
	f := behindProxy(t, Config{}, Endpoint{})
	for i, size := range []int{1, 3000} { // less than is read with a header, and more
		p := f.connect()
		p.send([]byte(proxyLine("192.0.2.7")), AppendPublish(nil, "alice", "c", bytes.Repeat([]byte("\x00"), size)))
		f.eventually("the refusal", func() bool { return len(f.hub.refused()) == i+1 })
		if r := f.hub.refused()[i]; r.Reason != ReasonFirstMessage {
			t.Errorf("a PUBLISH before AUTH, together with the header: %+v", r)
		}
	}
}

func TestLimitsBehindAProxyAreOfClients(t *testing.T) {
	f := behindProxy(t, Config{MaxConnsPerAddr: 2}, Endpoint{})
	for _, client := range []string{"192.0.2.1", "192.0.2.2", "192.0.2.3"} {
		f.through(client)
		f.through(client)
		p := f.connect()
		p.send([]byte(proxyLine(client)))
		if frame := p.frame(); frame[4] != OpError {
			t.Errorf("the third of %s got %q", client, frame)
		}
	}
}

func TestTLSBehindAProxy(t *testing.T) {
	cert, key, pool := certificateFiles(t, t.TempDir(), 1)
	f := behindProxy(t, Config{}, Endpoint{TLS: &EndpointTLS{Cert: cert, Key: key, MinVersion: tls.VersionTLS12}})
	for _, together := range []bool{false, true} { // header and ClientHello in one segment, or in two
		raw := f.connect()
		var c net.Conn = raw.TCPConn
		if together {
			c = &prefixed{Conn: c, prefix: []byte(proxyLine("192.0.2.7"))}
		} else {
			raw.send([]byte(proxyLine("192.0.2.7")))
		}
		s := tls.Client(c, &tls.Config{RootCAs: pool, ServerName: "localhost"})
		_ = s.SetDeadline(time.Now().Add(5 * time.Second))
		head := make([]byte, HeaderLen)
		if _, err := io.ReadFull(s, head); err != nil || head[4] != OpInfo {
			t.Errorf("together: %v: %q, %v", together, head, err)
		}
		_ = s.Close()
	}
}

// prefixed writes something in front of its first write.
type prefixed struct {
	net.Conn
	prefix []byte
}

func (p *prefixed) Write(b []byte) (int, error) {
	n, err := p.Conn.Write(append(p.prefix, b...))
	n -= len(p.prefix)
	p.prefix = nil
	return n, err
}

// A proxy that is not told to send a header is an operator's mistake, which has to be seen; and it holds up nobody.
func TestProxyWithoutHeaderIsSaid(t *testing.T) {
	t.Parallel()
	var log logText
	f := behindProxy(t, Config{Logger: slog.New(slog.NewTextHandler(&log, nil))}, Endpoint{})
	for range 50 {
		f.connect() // says nothing
	}
	f.connect().send([]byte("\x00\x00\x00\x1f\x02\x05alice"))
	begun := time.Now()
	f.through("192.0.2.7")
	if took := time.Since(begun); took > 2*time.Second {
		t.Errorf("a good connection waited %s for those that send nothing", took)
	}
	f.eventually("the refusal", func() bool { return len(f.hub.refused()) == 1 })
	if r := f.hub.refused()[0]; r.Reason != ReasonMalformed || !r.Remote.Addr().IsLoopback() ||
		!strings.Contains(r.Why, "no PROXY header") {
		t.Errorf("refusal %+v", r)
	}
	f.eventually("what to do, in the log", func() bool { // which comes after the row
		return strings.Contains(log.String(), "level=WARN") && strings.Contains(log.String(), "send-proxy-v2")
	})
	for range 500 { // the header's time is 5 s
		if len(f.hub.refused()) == 51 {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	slow := 0
	for _, r := range f.hub.refused() {
		if r.Reason == ReasonTimeout {
			slow++
		}
	}
	if slow != 50 {
		t.Errorf("%d were too slow, want 50: %v", slow, f.hub.refused())
	}
}

// Who is no proxy cannot name an address: the header is the beginning of a stream that is not hpfeeds.
func TestHeaderOfAStrangerIsGarbage(t *testing.T) {
	e := Endpoint{Interface: "127.0.0.1", Nonce: 4, Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	direct := Endpoint{Interface: "127.0.0.1", Nonce: 4}
	for what, e := range map[string]Endpoint{"of another network": e, "without proxy=": direct} {
		f := startOn(t, Config{}, e)
		p := f.dial() // INFO comes at once
		p.send([]byte(proxyLine("192.0.2.7")))
		f.eventually("the refusal", func() bool { return len(f.hub.refused()) == 1 })
		if r := f.hub.refused()[0]; !r.Remote.Addr().IsLoopback() {
			t.Errorf("%s: refusal %+v", what, r)
		}
		p.wantEnded()
		f.login("alice").wantOpen()
	}
}

// wantEnded wants an ERROR, and the end.
func (p *peer) wantEnded() {
	p.Helper()
	if frame, err := p.read(); err != nil || frame[4] != OpError {
		p.Fatalf("got %q, %v, want an ERROR", frame, err)
	}
	if frame, err := p.read(); err == nil {
		p.Fatalf("got %q, want the end", frame)
	}
}

// logText is a log to look at while it is written.
type logText struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
