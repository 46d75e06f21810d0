package wire

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"hpfriends/internal/certtest"
)

func TestParseEndpoint(t *testing.T) {
	tlsDefault := &EndpointTLS{MinVersion: tls.VersionTLS12}
	for s, want := range map[string]Endpoint{
		"tcp":                         {Port: 10000, Nonce: 4},
		"tcp:20000":                   {Port: 20000, Nonce: 4},
		"tcp:port=0:interface=":       {Nonce: 4},
		"tcp:interface=\\:\\::port=1": {Interface: "::", Port: 1, Nonce: 4},
		"tcp:interface=[fe80\\:\\:1]": {Interface: "fe80::1", Port: 10000, Nonce: 4},
		"tcp:interface=::1:port=100":  {Interface: "::1", Port: 100, Nonce: 4},
		"tcp:port=100:interface=::1":  {Interface: "::1", Port: 100, Nonce: 4},
		"tcp:100:interface=[::]":      {Interface: "::", Port: 100, Nonce: 4},
		"tcp:interface=fe80::1%eth0":  {Interface: "fe80::1%eth0", Port: 10000, Nonce: 4},
		"tcp:port=10000:interface=127.0.0.1:nonce=20:device=eth0": {Interface: "127.0.0.1", Port: 10000, Nonce: 20,
			Device: "eth0"},
		"tcp:proxy=10.1.2.3/8,::1,2001:db8::/32:port=7": {Port: 7, Nonce: 4, Proxies: []netip.Prefix{
			netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128"), netip.MustParsePrefix("2001:db8::/32"),
		}},
		"tls:port=7:proxy=[::1]:cert=c": {Port: 7, Nonce: 4, TLS: &EndpointTLS{Cert: "c", MinVersion: tls.VersionTLS12},
			Proxies: []netip.Prefix{netip.MustParsePrefix("::1/128")}},
		"tls":                    {Port: 10000, Nonce: 4, TLS: tlsDefault},
		"ssl:port=20001:nonce=8": {Port: 20001, Nonce: 8, TLS: tlsDefault},
		"tls:cert=C\\:\\\\a.pem:key=b=c.pem:min_version=1.0": {Port: 10000, Nonce: 4,
			TLS: &EndpointTLS{Cert: `C:\a.pem`, Key: "b=c.pem", MinVersion: tls.VersionTLS10}},
	} {
		got, err := ParseEndpoint(s)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v (%v), want %+v", s, got, err, want)
		}
		if again, err := ParseEndpoint(got.String()); err != nil || !reflect.DeepEqual(again, got) {
			t.Errorf("%s prints as %s, which is %+v (%v)", s, got, again, err)
		}
	}
	for s, want := range map[string]string{
		"":                         "want tcp or tls",
		"udp:port=1":               "want tcp or tls",
		"tcp:prot=1":               `key "prot": allowed are port, interface, device, nonce, proxy`,
		"tcp:cert=a":               `key "cert": allowed are port, interface, device, nonce, proxy`,
		"tls:certificate=a":        "allowed are port, interface, device, nonce, proxy, cert, key, min_version",
		"tcp:port=65536":           "want 0 to 65535",
		"tcp:port=-1":              "want 0 to 65535",
		"tcp:port=":                "is empty",
		"tcp:eth0":                 "want 0 to 65535",
		"tcp:port=1:port=2":        "there twice",
		"tcp:port=1:127.0.0.1":     `key "127.0.0.1"`,
		"tcp:nonce=3":              "want 4 to 20",
		"tcp:nonce=21":             "want 4 to 20",
		"tls:min_version=1.4":      "want 1.0, 1.1, 1.2 or 1.3",
		"tcp:interface=1:2":        "want an address, like 127.0.0.1, ::1 or [::1]",
		"tcp:interface=10.0.0.1:1": "the port is port=N",
		"tcp:interface=[::1":       "want an address",
		"tcp:interface=::1:prot=1": `key "prot"`,
		"tcp:proxy=1":              "want the addresses or networks of the proxies, like 127.0.0.1,10.0.0.0/8",
		"tcp:proxy=127.0.0.1,":     "want the addresses or networks",
		"tcp:proxy=":               "is empty",
		"tcp:proxy=::ffff:1.2.3.4": "want the addresses or networks",
	} {
		if _, err := ParseEndpoint(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q in it", s, err, want)
		}
	}
}

func TestEndpointWithoutInterfaceTakesBothFamilies(t *testing.T) {
	f := startOn(t, Config{}, Endpoint{})
	_, port, _ := net.SplitHostPort(f.addr)
	for _, host := range []string{"127.0.0.1", "::1"} {
		f.addr = net.JoinHostPort(host, port)
		if c, err := net.Dial("tcp", f.addr); err != nil && host == "::1" {
			t.Skipf("no IPv6 here: %v", err)
		} else if err == nil {
			c.Close()
		}
		p := f.login("alice")
		p.wantOpen()
	}
	for _, c := range f.hub.conns() {
		if c.session.Remote().Addr().Is4In6() {
			t.Errorf("remote %s is not unmapped", c.session.Remote())
		}
	}
}

// certificateFiles writes a self-signed certificate for localhost.
func certificateFiles(t *testing.T, dir string, serial int64) (cert, key string, pool *x509.CertPool) {
	t.Helper()
	made := certtest.Make(t, &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotAfter: time.Now().Add(time.Hour), IsCA: true,
		BasicConstraintsValid: true,
	}, nil)
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	certtest.Write(t, made, cert, key)
	pool = x509.NewCertPool()
	pool.AddCert(made.Leaf)
	return cert, key, pool
}

func TestTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key, pool := certificateFiles(t, dir, 1)
	e := Endpoint{Interface: "127.0.0.1", Nonce: 4, TLS: &EndpointTLS{Cert: cert, Key: key, MinVersion: tls.VersionTLS12}}
	f := startOn(t, Config{AuthTimeout: time.Second}, e)
	dial := func(secret string) *ClientConn {
		t.Helper()
		c, err := Dial(t.Context(), DialConfig{Addr: f.addr, Ident: "alice", Secret: []byte(secret),
			TLS: &tls.Config{RootCAs: pool}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
		return c
	}
	c := dial("secret-alice")
	echo := func(payload []byte) {
		t.Helper()
		if err := c.Publish("c", payload); err != nil {
			t.Fatal(err)
		}
		_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
		frame, err := c.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		if _, _, got, err := ParsePublish(frame); err != nil || string(got) != string(payload) {
			t.Fatalf("%d bytes came back as %d (%v)", len(payload), len(got), err)
		}
	}
	if err := c.Subscribe("c"); err != nil {
		t.Fatal(err)
	}
	echo([]byte("small"))
	echo(make([]byte, 3<<20))
	time.Sleep(quietAfter + 100*time.Millisecond) // the read deadline that gives the buffer back must not break TLS
	echo([]byte("after a pause"))

	bad := dial("wrong")
	if frame, err := bad.ReadFrame(); err != nil || string(frame[HeaderLen:]) != "Authentication failed." {
		t.Errorf("bad secret over TLS: %q, %v", frame, err)
	}

	plain, err := net.Dial("tcp", f.addr) // says nothing: the handshake counts as logging in
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	_ = plain.SetReadDeadline(time.Now().Add(4 * time.Second))
	if _, err := plain.Read(make([]byte, 1)); err == nil || os.IsTimeout(err) {
		t.Errorf("a connection without handshake after the time for it: %v", err)
	}
}

func TestTLSNeedsItsFiles(t *testing.T) {
	s, err := NewServer(Config{}, &hub{})
	if err != nil {
		t.Fatal(err)
	}
	e, err := ParseEndpoint("tls:port=0:interface=127.0.0.1:cert=" + filepath.Join(t.TempDir(), "none.pem"))
	if err != nil {
		t.Fatal(err)
	}
	l, err := e.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Serve(t.Context(), l, e); err == nil || !strings.Contains(err.Error(), "none.pem") {
		t.Errorf("serving without certificate: %v", err)
	}
}
