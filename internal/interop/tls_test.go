//go:build interop

package interop

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hpfriends/internal/certtest"
)

// authority is a private one, of which no machine knows.
type authority struct {
	t    *testing.T
	root tls.Certificate
	file string // the root as PEM
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, file: filepath.Join(t.TempDir(), "ca.pem")}
	a.root = certtest.Make(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "a community"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign,
	}, nil)
	certtest.Write(t, a.root, a.file, a.file+".key")
	return a
}

// localhost makes a certificate for this machine, and returns its files.
func (a *authority) localhost() (cert, key string) {
	a.t.Helper()
	made := certtest.Make(a.t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, &a.root)
	dir := a.t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	certtest.Write(a.t, made, cert, key)
	return cert, key
}

// serveTLS starts a server whose endpoint speaks TLS as localhost, by a certificate that the authority has signed.
func serveTLS(t *testing.T, by *authority) *server {
	t.Helper()
	cert, key := by.localhost()
	s := serveOn(t, "tls:port=0:interface=127.0.0.1:cert="+cert+":key="+key)
	s.host, s.authority = "localhost", by.file
	return s
}

// TestPythonClientsSpeakTLS with a server whose authority they are given: what each of them publishes, all receive.
func TestPythonClientsSpeakTLS(t *testing.T) {
	s := serveTLS(t, newAuthority(t))
	channels := []string{"sync.*", capture}
	var agents []*agent
	for _, script := range []string{"blocking.py", "aio.py", "tx.py"} {
		ident := strings.TrimSuffix(script, ".py")
		s.authkey("alice", ident, channels, channels)
		agents = append(agents, s.start(script, ident, capture))
	}
	var want []string
	for _, a := range agents {
		a.publish(capture, "from "+a.ident)
		a.sync()
		want = append(want, capture+" "+a.ident+" from "+a.ident)
	}
	for _, a := range agents {
		a.sync()
		if !slices.Equal(a.received, want) {
			t.Errorf("%s has received %q, want %q", a.name, a.received, want)
		}
	}
}

// TestPythonClientsTrustNoOther: where they are given another authority, they end the handshake. So what the test above
// shows does not come from clients that trust everybody.
func TestPythonClientsTrustNoOther(t *testing.T) {
	ours, stranger := newAuthority(t), newAuthority(t)
	pair, err := tls.LoadX509KeyPair(ours.localhost())
	if err != nil {
		t.Fatal(err)
	}
	for _, script := range []string{"blocking.py", "aio.py", "tx.py"} {
		t.Run(script, func(t *testing.T) {
			if err := handshake(t, script, pair, ours); err != nil {
				t.Errorf("with the authority of the server: %v", err)
			}
			if err := handshake(t, script, pair, stranger); err == nil {
				t.Error("with another authority the handshake succeeds")
			}
		})
	}
}

// handshake starts a script that trusts an authority, and returns how the first handshake ends that it makes.
func handshake(t *testing.T, script string, server tls.Certificate, trusted *authority) error {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{server}})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	defer time.AfterFunc(patience, func() { _ = l.Close() }).Stop()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	cmd := agentCommand(script, endpoint{"localhost", port, trusted.file}, "sensor", capture)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	return conn.(*tls.Conn).HandshakeContext(t.Context())
}

// TestHpfeedsCommandSpeaksTLS runs the package's command line, and ours under its name, with the authority.
func TestHpfeedsCommandSpeaksTLS(t *testing.T) {
	s := serveTLS(t, newAuthority(t))
	s.authkey("alice", "sensor", []string{"sync.*", capture}, []string{"sync.*", capture})
	reader := s.start("aio.py", "sensor", capture)
	original, ours := programs(t)
	var want []string
	for _, program := range []string{original, ours} {
		r := execute(t, program, "--host", s.host, "-p", s.port, "-i", "sensor", "-s", secretOf("sensor"), "-c", capture,
			"--tlscert", s.authority, "publish", program)
		if r.code != 0 || !strings.Contains(r.stdout, "connected to interop") {
			t.Errorf("%s: %+v", program, r)
		}
		want = append(want, capture+" sensor "+program)
	}
	if reader.sync(); !slices.Equal(reader.received, want) {
		t.Errorf("%q has arrived, want %q", reader.received, want)
	}
}
