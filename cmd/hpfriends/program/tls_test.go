package program

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"hpfriends/api"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/datadir"
	"hpfriends/internal/load"
	"hpfriends/internal/proc"
	"hpfriends/internal/trust"
	"hpfriends/wire"
)

// secured is a server with TLS on its listeners.
type secured struct {
	*proc.Server
	t         *testing.T
	where     datadir.Addresses
	hpfeeds   string // address of the endpoint with TLS
	dir       string
	cert, key string
}

func startSecured(t *testing.T, flags ...string) *secured {
	t.Helper()
	s := &secured{t: t, dir: t.TempDir()}
	s.cert, s.key = selfSigned(t, "localhost")
	s.Server = startTestProcess(t, s.dir, append([]string{
		"--scrub-interval", "0", "--hpfeeds", "tls:port=0:interface=127.0.0.1", "--tls-cert", s.cert, "--tls-key", s.key,
		"--http", "127.0.0.1:0",
	}, flags...)...)
	t.Cleanup(s.Kill)
	var err error
	if s.where, err = datadir.ReadAddresses(s.dir); err != nil {
		t.Fatal(err)
	}
	s.hpfeeds = s.where.Hpfeeds[len(s.where.Hpfeeds)-1]
	return s
}

// renew puts another certificate in place of the server's, and returns its file.
func (s *secured) renew() (file string) {
	s.t.Helper()
	cert, key := selfSigned(s.t, "localhost")
	for from, to := range map[string]string{cert: s.cert, key: s.key} {
		b, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(to, b, 0o600)
		}
		if err != nil {
			s.t.Fatal(err)
		}
	}
	return cert
}

func (s *secured) status() (st api.Status) {
	s.t.Helper()
	if err := s.Call(s.t.Context(), "GET", "/api/v1/status", "", nil, &st); err != nil {
		s.t.Fatal(err)
	}
	return st
}

func trusting(t *testing.T, file string) *tls.Config {
	t.Helper()
	tc, err := trust.Policy{Host: "localhost", File: file}.Config()
	if err != nil {
		t.Fatal(err)
	}
	return tc
}

// TestCertificateIsReplacedUnderOpenConnections: none of 1,000 is dropped, and who comes next gets the new one.
func TestCertificateIsReplacedUnderOpenConnections(t *testing.T) {
	const connections = 1000
	s := startSecured(t)
	keys, _, err := load.SetUp(t.Context(), s.API, "c", 8, 0)
	if err != nil {
		t.Fatal(err)
	}
	before, err := s.RSS()
	if err != nil {
		t.Fatal(err)
	}
	old := trusting(t, s.cert)
	dial := func(i int, tc *tls.Config) (*wire.ClientConn, error) {
		k := keys[i%len(keys)]
		c, err := wire.Dial(t.Context(), wire.DialConfig{
			Addr: s.hpfeeds, Ident: k.Ident, Secret: []byte(k.Secret), TLS: tc, Timeout: time.Minute,
		})
		if err == nil {
			err = c.Subscribe("$acks")
		}
		return c, err
	}
	open := make([]*wire.ClientConn, connections)
	each := func(what string, f func(i int) error) {
		t.Helper()
		var all sync.WaitGroup
		failed := make(chan error, connections)
		for part := range 16 {
			all.Go(func() {
				for i := part; i < connections; i += 16 {
					if err := f(i); err != nil {
						failed <- fmt.Errorf("%s of connection %d: %w", what, i, err)
						return
					}
				}
			})
		}
		all.Wait()
		close(failed)
		for err := range failed {
			t.Fatal(err)
		}
	}
	// confirmed publishes once, and waits until the server has said that it is on disk.
	confirmed := func(i int) error {
		c := open[i]
		if err := c.Publish("c", []byte("x")); err != nil {
			return err
		}
		_ = c.SetReadDeadline(time.Now().Add(time.Minute))
		_, err := c.ReadFrame()
		return err
	}
	each("login", func(i int) (err error) { open[i], err = dial(i, old); return err })
	defer each("end", func(i int) error { return open[i].Close() })
	each("message", confirmed)
	after, err := s.RSS()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d connections with TLS take %.1f KiB each of resident memory", connections, (after-before)/connections/1024)

	renewed := trusting(t, s.renew())
	s.Signal(syscall.SIGHUP)
	var next *wire.ClientConn
	for began := time.Now(); ; {
		if next, err = dial(0, renewed); err == nil {
			break
		}
		if time.Since(began) > 30*time.Second {
			t.Fatalf("the new certificate is not in use: %v", err)
		}
	}
	_ = next.Close()
	if _, err := dial(0, old); err == nil {
		t.Error("the old certificate is still used for new connections")
	}
	each("message after the new certificate", confirmed)
	if st := s.status(); len(st.Certificates) != 1 || st.Certificates[0].Problem != "" {
		t.Errorf("%+v", st.Certificates)
	}
}

// TestBadCertificateIsToldOf: a pair that does not fit keeps the old one, and log, status, metrics and API say so.
func TestBadCertificateIsToldOf(t *testing.T) {
	s := startSecured(t)
	good := trusting(t, s.cert)
	other, _ := selfSigned(t, "localhost")
	b, err := os.ReadFile(other)
	if err == nil {
		err = os.WriteFile(s.cert, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	(&fleet{t: t}).until("the problem is in status", 30*time.Second, func() bool {
		st := s.status()
		return len(st.Certificates) == 1 && st.Certificates[0].Problem != "" && strings.Contains(
			strings.Join(st.Warnings, "\n"), "the old one")
	})
	metrics, err := s.API.Metrics(t.Context())
	if err != nil || !bytes.Contains(metrics, []byte(`hpfriends_tls_certificate_reload_failed{source="`+s.cert+`"} 1`)) ||
		!bytes.Contains(metrics, []byte("hpfriends_tls_certificate_not_after_timestamp_seconds{")) {
		t.Errorf("metrics: %v", err)
	}
	if !strings.Contains(s.Said(), "the old one stays") {
		t.Error("the log says nothing")
	}
	c, err := tls.Dial("tcp", s.hpfeeds, good)
	if err != nil {
		t.Fatalf("the old certificate is gone: %v", err)
	}
	_ = c.Close()
}

// TestPagesOverTLS: headers, the cookie that only TLS can set, HTTP/2, the way from plain HTTP, and our command.
func TestPagesOverTLS(t *testing.T) {
	s := startSecured(t, "--http-redirect", "127.0.0.1:0")
	if want := "https://" + strings.Replace(s.where.HTTP, "127.0.0.1", "localhost", 1); s.where.URL != want &&
		s.where.URL != "https://"+s.where.HTTP {
		t.Errorf("the pages are said to be at %q", s.where.URL)
	}
	client := &http.Client{
		Transport:     &http.Transport{TLSClientConfig: trusting(t, s.cert), ForceAttemptHTTP2: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	get := func(url string) *http.Response {
		t.Helper()
		res, err := client.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		return res
	}
	_, port, _ := net.SplitHostPort(s.where.HTTP)
	if res := get("https://localhost:" + port + "/login"); res.ProtoMajor != 2 ||
		!strings.HasPrefix(res.Header.Get("Strict-Transport-Security"), "max-age=31536000") {
		t.Errorf("%s %v", res.Proto, res.Header)
	}
	if res := get("http://" + s.where.Redirect + "/a?b=c"); res.StatusCode != http.StatusPermanentRedirect ||
		res.Header.Get("Location") != "https://127.0.0.1:"+port+"/a?b=c" ||
		res.Header.Get("Strict-Transport-Security") != "" {
		t.Errorf("%s %v", res.Status, res.Header)
	}
	if res := get("http://" + s.where.Redirect + "/ip"); res.StatusCode != http.StatusOK {
		t.Errorf("/ip: %s", res.Status)
	}
	res, err := client.Post("http://"+s.where.Redirect+"/api/v1/tokens", "application/json", strings.NewReader("{}"))
	if err != nil || res.StatusCode != http.StatusForbidden {
		t.Errorf("a request in clear: %v, %v", res, err)
	}
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("hpf_x"), 0o600); err != nil {
		t.Fatal(err)
	}
	pin := s.status().Certificates[0].Fingerprint
	for name, c := range map[string]struct {
		flags []string
		code  int
		said  string
	}{
		"a private authority": {[]string{"--tls-ca", s.cert}, cmdline.ExitDenied, "no valid API token"},
		"a pin":               {[]string{"--tls-pin", pin}, cmdline.ExitDenied, "no valid API token"},
		"nothing":             {nil, cmdline.ExitUnavailable, "--tls-pin " + pin},
	} {
		args := append([]string{"hpfriends", "status", "--server", "https://localhost:" + port, "--token-file", token},
			c.flags...)
		if r := command(t, args...); r.code != c.code || !strings.Contains(r.stderr, c.said) {
			t.Errorf("%s: %+v, want %d and %q", name, r, c.code, c.said)
		}
	}
}

// TestOldTLSIsTakenWhereItIsAskedFor, and nowhere else.
func TestOldTLSIsTakenWhereItIsAskedFor(t *testing.T) {
	s := startSecured(t, "--hpfeeds", "tls:port=0:interface=127.0.0.1:min_version=1.0")
	ancient := &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10}
	strict, lax := s.where.Hpfeeds[len(s.where.Hpfeeds)-2], s.where.Hpfeeds[len(s.where.Hpfeeds)-1]
	if c, err := tls.Dial("tcp", lax, ancient); err != nil || c.ConnectionState().Version != tls.VersionTLS10 {
		t.Errorf("TLS 1.0 where it is asked for: %v", err)
	}
	if _, err := tls.Dial("tcp", strict, ancient); err == nil {
		t.Error("TLS 1.0 is taken by default")
	}
	if !strings.Contains(s.Said(), "versions that are given up") {
		t.Error("there is no warning")
	}
}
