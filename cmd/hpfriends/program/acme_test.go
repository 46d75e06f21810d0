package program

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
	"github.com/miekg/dns"

	"hpfriends/internal/datadir"
	"hpfriends/internal/load"
	"hpfriends/wire"
	"hpfriends/wire/subscription"
)

// domain is what certificates are obtained for. It lies at 127.0.0.1, as all names do that the authority asks for.
const domain = "broker.example.org"

// authority is Let's Encrypt's test server, in this process. It says itself when certificates are to be renewed,
// unless it issues some that live for minutes only.
type authority struct {
	url, file string         // of the directory, and of the root of its own certificate
	roots     *x509.CertPool // of what it issues
	http, tls *doorway       // where it asks
	life      time.Duration
	issued    atomic.Int32

	mu  sync.Mutex
	due map[string]bool // certificates that were asked about: they are to be renewed now
}

func startAuthority(t *testing.T, life time.Duration) *authority {
	t.Helper()
	a := &authority{
		roots: x509.NewCertPool(), http: openDoorway(t), tls: openDoorway(t), life: life, due: make(map[string]bool),
	}
	quiet, store := log.New(io.Discard, "", 0), db.NewMemoryStore()
	profile := ca.Profile{ValidityPeriod: uint64(life / time.Second)}
	issuer := ca.New(quiet, store, "", "ecdsa", 0, 1, map[string]ca.Profile{"default": profile})
	asks := va.New(quiet, a.http.port(), a.tls.port(), false, serveNames(t), store)
	front := wfe.New(quiet, store, asks, issuer, []string{"pebble.letsencrypt.org"}, false, false, 1, 1)
	s := httptest.NewTLSServer(a.watch(front.Handler()))
	t.Cleanup(s.Close)
	a.url, a.file = s.URL+wfe.DirectoryPath, filepath.Join(t.TempDir(), "directory.pem")
	root := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(a.file, root, 0o600); err != nil {
		t.Fatal(err)
	}
	a.roots.AppendCertsFromPEM(issuer.GetRootCert(0).PEM())
	return a
}

// flags have a server obtain its certificates there.
func (a *authority) flags() []string {
	return []string{
		"--domain", domain, "--acme-directory", a.url, "--acme-ca", a.file, "--http", "127.0.0.1:0",
		"--hpfeeds", "tls:port=0:interface=127.0.0.1", "--scrub-interval", "0", "--log-level", "info",
	}
}

// watch counts what is issued, and answers itself when a certificate should be renewed (RFC 9773).
func (a *authority) watch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/finalize-order/") {
			a.issued.Add(1)
		}
		at := strings.LastIndex(r.URL.Path, "/renewalInfo/")
		if at < 0 {
			next.ServeHTTP(w, r)
			return
		}
		if a.life < time.Hour {
			http.NotFound(w, r)
			return
		}
		start := time.Now().Add(30 * 24 * time.Hour)
		a.mu.Lock()
		if id := r.URL.Path[at:]; a.due[id] {
			start = time.Now().Add(-2 * time.Hour)
		} else {
			a.due[id] = false
		}
		a.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Retry-After", "1")
		_ = json.NewEncoder(w).Encode(map[string]any{
			"suggestedWindow": map[string]any{"start": start, "end": start.Add(time.Hour)},
		})
	})
}

// renew has all certificates renewed that it was asked about. It reports how many there are.
func (a *authority) renew() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	for id := range a.due {
		a.due[id] = true
	}
	return len(a.due)
}

// certificate is what a server has for the domain; nil: none that the authority has signed.
func (a *authority) certificate(address string) *x509.Certificate {
	c, err := tls.DialWithDialer(&net.Dialer{Timeout: 5 * time.Second}, "tcp", address,
		&tls.Config{ServerName: domain, RootCAs: a.roots})
	if err != nil {
		return nil
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0]
}

// doorway is the port at which the world finds the servers. Whoever comes is led to one after the other of them, and
// waits while there is none.
type doorway struct {
	net.Listener
	mu      sync.Mutex
	open    *sync.Cond
	targets []string
	next    int
}

func openDoorway(t *testing.T) *doorway {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &doorway{Listener: l}
	d.open = sync.NewCond(&d.mu)
	t.Cleanup(func() { d.Close(); d.lead("") })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go d.pass(c)
		}
	}()
	return d
}

func (d *doorway) port() int { return d.Addr().(*net.TCPAddr).Port }

// lead has the next visitors go to these servers.
func (d *doorway) lead(to ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.targets = to
	d.open.Broadcast()
}

func (d *doorway) pass(c net.Conn) {
	defer c.Close()
	d.mu.Lock()
	for len(d.targets) == 0 {
		d.open.Wait()
	}
	d.next++
	target := d.targets[d.next%len(d.targets)]
	d.mu.Unlock()
	s, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer s.Close()
	go func() { _, _ = io.Copy(s, c); _ = s.Close() }()
	_, _ = io.Copy(c, s)
}

// serveNames answers for any name that it is 127.0.0.1, and returns the resolver's address.
func serveNames(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &dns.Server{Listener: l, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		if q.Question[0].Qtype == dns.TypeA {
			m.Answer = []dns.RR{&dns.A{
				Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET}, A: net.IPv4(127, 0, 0, 1),
			}}
		}
		_ = w.WriteMsg(m)
	})}
	go func() { _ = s.ActivateAndServe() }()
	t.Cleanup(func() { _ = s.Shutdown() })
	return l.Addr().String()
}

func addresses(t *testing.T, dir string) datadir.Addresses {
	t.Helper()
	where, err := datadir.ReadAddresses(dir)
	if err != nil {
		t.Fatal(err)
	}
	return where
}

// TestCertificateIsObtained: by HTTP only, since nobody can reach the port of HTTPS. A restart obtains nothing again,
// and the certificate is there from the first connection on.
func TestCertificateIsObtained(t *testing.T) {
	a, dir := startAuthority(t, 90*24*time.Hour), t.TempDir()
	a.tls.Close()
	flags := append(a.flags(), "--http-redirect", "127.0.0.1:0", "--acme-email", "root@example.org")
	s := startTestProcess(t, dir, flags...)
	t.Cleanup(func() { s.Kill() })
	where := addresses(t, dir)
	a.http.lead(where.Redirect)
	_, port, _ := net.SplitHostPort(where.HTTP)
	if where.URL != "https://"+net.JoinHostPort(domain, port) {
		t.Errorf("the pages are at %s", where.URL)
	}
	var first *x509.Certificate
	(&fleet{t: t}).until("there is a certificate", time.Minute, func() bool {
		first = a.certificate(where.HTTP)
		return first != nil
	})
	tlsEndpoint := where.Hpfeeds[len(where.Hpfeeds)-1]
	if c := a.certificate(tlsEndpoint); c == nil || !c.Equal(first) {
		t.Errorf("hpfeeds has the certificate %v", c)
	}
	var st struct {
		Certificates []struct{ Source, Problem string }
	}
	if err := s.Call(t.Context(), "GET", "/api/v1/status", "", nil, &st); err != nil || len(st.Certificates) != 1 ||
		st.Certificates[0].Source != "automatic: "+domain || st.Certificates[0].Problem != "" {
		t.Errorf("status: %+v, %v", st, err)
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	s = startTestProcess(t, dir, flags...)
	where = addresses(t, dir)
	(&fleet{t: t}).until("the certificate is there again", 10*time.Second, func() bool {
		c := a.certificate(where.HTTP)
		return c != nil && c.Equal(first)
	})
	if n := a.issued.Load(); n != 1 {
		t.Errorf("%d certificates were issued, want 1", n)
	}
	if said := s.Said(); strings.Contains(said, "PRIVATE KEY") {
		t.Error("the log has a private key")
	}
}

// TestCertificateIsRenewedByItsAge: without a word of the authority, before it ends.
func TestCertificateIsRenewedByItsAge(t *testing.T) {
	t.Parallel() // it waits most of the time
	if testing.Short() {
		t.Skip("waits for a certificate to grow old")
	}
	a := startAuthority(t, time.Minute) // what ends within five times the interval of looking is renewed, here after 10 s
	a.http.Close()
	s := startTestProcess(t, t.TempDir(), a.flags()...)
	t.Cleanup(func() { s.Kill() })
	where := addresses(t, s.Dir)
	a.tls.lead(where.HTTP)
	var first, second *x509.Certificate
	(&fleet{t: t}).until("there is a certificate", time.Minute, func() bool {
		first = a.certificate(where.HTTP)
		return first != nil
	})
	(&fleet{t: t}).until("there is another", 2*time.Minute, func() bool {
		second = a.certificate(where.HTTP)
		return second != nil && !second.Equal(first)
	})
	if !second.NotBefore.Before(first.NotAfter) {
		t.Errorf("the certificate that ended at %v was renewed at %v", first.NotAfter, second.NotBefore)
	}
}

// TestClusterHasOneCertificate: three nodes obtain it once, whichever of them the authority asks. One is killed, and
// the others renew it; a connection that is open stays so, and the node that comes back has the new one.
func TestClusterHasOneCertificate(t *testing.T) {
	t.Parallel() // it waits most of the time
	a := startAuthority(t, 90*24*time.Hour)
	a.http.Close()
	f := startFleet(t, 3)
	pubs, _ := f.setUp("n1", 1, 0)
	f.flags = a.flags()
	where := make(map[string]datadir.Addresses)
	var all []string
	for _, id := range []string{"n1", "n2", "n3"} {
		f.stop(id)
		f.start(id)
		where[id] = addresses(t, f.nodes[id].dir)
		all = append(all, where[id].HTTP)
	}
	f.awaitVoters("n1", 3)
	a.tls.lead(all...) // what one node has ordered, others answer
	agree := func(what string, other *x509.Certificate) (c *x509.Certificate) {
		f.until(what, 3*time.Minute, func() bool {
			c = nil
			for _, id := range f.running() {
				got := a.certificate(where[id].HTTP)
				if got == nil || other != nil && got.Equal(other) || c != nil && !got.Equal(c) {
					return false
				}
				c = got
			}
			return true
		})
		return c
	}
	first := agree("all nodes have the certificate", nil)
	if n := a.issued.Load(); n != 1 {
		t.Errorf("%d certificates were issued for the cluster, want 1", n)
	}
	ordered := 0
	for _, id := range f.running() {
		ordered += strings.Count(f.nodes[id].proc.Said(), "a TLS certificate is obtained")
	}
	if ordered != 1 {
		t.Errorf("%d nodes have obtained it, want 1", ordered)
	}

	victim := f.leader()
	open := f.other(victim)
	held := where[open].Hpfeeds[len(where[open].Hpfeeds)-1]
	conn, err := wire.Dial(t.Context(), wire.DialConfig{
		Addr: held, Ident: pubs[0].Ident, Secret: []byte(pubs[0].Secret), Timeout: time.Minute,
		TLS: &tls.Config{ServerName: domain, RootCAs: a.roots},
	})
	f.must(err)
	defer conn.Close()
	f.must(conn.Subscribe(subscription.Acks))

	f.kill(victim)
	var left []string
	for _, id := range f.running() {
		left = append(left, where[id].HTTP)
	}
	a.tls.lead(left...)
	f.until("the authority was asked about the certificate", time.Minute, func() bool { return a.renew() > 0 })
	second := agree("the nodes that are left have a new certificate", first)
	if n := a.issued.Load(); n != 2 {
		t.Errorf("%d certificates were issued, want 2", n)
	}
	f.must(conn.Publish(load.Channel, []byte("x")))
	_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
	if frame, err := conn.ReadFrame(); err != nil {
		t.Errorf("the connection of before the renewal: %v, %v", frame, err)
	}

	f.start(victim)
	where[victim] = addresses(t, f.nodes[victim].dir)
	f.until("the node that comes back has the new certificate", time.Minute, func() bool {
		c := a.certificate(where[victim].HTTP)
		return c != nil && c.Equal(second)
	})
	if n := a.issued.Load(); n != 2 {
		t.Errorf("%d certificates were issued, want 2", n)
	}
}
