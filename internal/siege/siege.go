package siege

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"hpfriends/api"
	"hpfriends/internal/certtest"
	"hpfriends/internal/load"
	"hpfriends/internal/proc"
)

// Walls are what the server is given.
type Walls struct {
	Files int      // it may open; 0: as many as this process
	TLS   bool     // for pages and API
	Dir   string   // its data directory; empty: a temporary one
	Flags []string // in addition
}

// Siege is one server, its honest users, and Mallory, who has an account.
type Siege struct {
	t       testing.TB
	Server  *proc.Process
	Hpfeeds string // its address
	HTTP    string
	// Encrypted is the first endpoint of hpfeeds that was asked for by a flag; empty: none was.
	Encrypted string
	Cluster   string // its cluster port; empty: it has none
	Mallory   load.Key

	traffic traffic
	tls     *tls.Config  // of clients; nil: HTTP is not encrypted
	reader  *http.Client // logged in
	calm    state
	beside  *Siege // the same, which nobody attacks; nil: there is none
}

// state is what honest users notice of a server, and what it holds.
type state struct {
	latency, pages           time.Duration // 99th percentiles
	rss, files, goroutines   float64
	messages, answers, wrong int
	beside                   *state // of the server that nobody attacks, meanwhile
}

const password = "one-horse-two-batteries"

// extent is how long an attack lasts.
func extent(t testing.TB) time.Duration {
	t.Helper()
	switch s := os.Getenv("HPFRIENDS_SIEGE"); s {
	case "":
		t.Skip("a long test: make siege")
	case "bounded":
		return 6 * time.Second
	case "full":
		return time.Minute
	default:
		t.Fatalf("HPFRIENDS_SIEGE=%s: want bounded or full", s)
	}
	return 0
}

// Begin starts a server and honest traffic, and measures what is normal. With HPFRIENDS_SIEGE_BESIDE there is the same
// once more, which nobody attacks: what its users notice is of the processors that both share with the attackers.
func Begin(t testing.TB, w Walls) *Siege {
	t.Helper()
	extent(t)
	s := open(t, w)
	if os.Getenv("HPFRIENDS_SIEGE_BESIDE") != "" {
		w.Dir = ""
		s.beside = open(t, w)
	}
	s.calm = s.measure(3 * time.Second)
	t.Logf("calm: %v", s.calm)
	return s
}

// open starts a server and honest traffic.
func open(t testing.TB, w Walls) *Siege {
	t.Helper()
	path, err := proc.Build()
	if err != nil {
		t.Fatal(err)
	}
	command := []string{path}
	if w.Files > 0 {
		command = []string{"sh", "-c", fmt.Sprintf(`ulimit -n %d; exec "$0" "$@"`, w.Files), path}
	}
	s := &Siege{t: t, Mallory: load.KeyOf("mallory")}
	if w.TLS {
		w.Flags = append(s.certify(), w.Flags...)
	}
	s.Server, err = proc.Launch(cmp.Or(w.Dir, t.TempDir()), proc.Command{
		Program: command, Env: []string{"HPFRIENDS_ADMIN=root", "HPFRIENDS_ADMIN_PASSWORD=" + password},
		Flags: slices.Concat(anywhere, w.Flags),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Server.Stop(); err != nil { // for its profile
			t.Error(err)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	where, err := s.Server.Await(ctx)
	if err != nil {
		t.Fatal(err)
	}
	s.Hpfeeds, s.HTTP, s.Cluster = where.Hpfeeds[0], where.HTTP, where.Cluster
	if len(where.Hpfeeds) > 1 {
		s.Encrypted = where.Hpfeeds[1]
	}
	if err := s.people(ctx); err != nil {
		t.Fatal(err)
	}
	return s
}

// anywhere are flags of a server that listens where there is room, and says little.
var anywhere = []string{
	"--hpfeeds", "tcp:port=0:interface=127.0.0.1", "--http", "127.0.0.1:0", "--log-level", "warn",
}

// certify makes a certificate for the server, and has clients trust it.
func (s *Siege) certify() (flags []string) {
	dir := s.t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	template := &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	made := certtest.Make(s.t, template, nil)
	certtest.Write(s.t, made, cert, key)
	s.tls = &tls.Config{RootCAs: x509.NewCertPool()}
	s.tls.RootCAs.AddCert(made.Leaf)
	return []string{"--tls-cert", cert, "--tls-key", key}
}

// people makes the accounts and begins the traffic.
func (s *Siege) people(ctx context.Context) error {
	pubs, subs, err := load.SetUp(ctx, s.Server.API, load.Channel, 4, 4)
	if err != nil {
		return err
	}
	mallory := api.NewUser{Handle: "mallory", Password: api.NewSecret(password)}
	if _, err := api.AddUser.Call(ctx, s.Server.API, api.With[api.NewUser]{Body: mallory}); err != nil {
		return err
	}
	if err := load.AddKey(ctx, s.Server.API.As("mallory"), s.Mallory); err != nil {
		return err
	}
	if s.reader, err = s.login(ctx, "root", nil); err != nil {
		return err
	}
	return s.traffic.begin(context.Background(), s.Hpfeeds, pubs, subs)
}

// login logs in as a browser would; from nil is the address of all who are honest.
func (s *Siege) login(ctx context.Context, user string, from net.Addr) (*http.Client, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	c := &http.Client{Jar: jar, Timeout: 20 * time.Second, Transport: &http.Transport{
		TLSClientConfig: s.tls, ForceAttemptHTTP2: true,
		DialContext: (&net.Dialer{LocalAddr: from}).DialContext,
	}}
	form := url.Values{"user": {user}, "password": {password}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url("/login"), strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	a, err := c.Do(r)
	if err != nil {
		return nil, err
	}
	defer a.Body.Close()
	if u, _ := url.Parse(s.url("/")); a.StatusCode != http.StatusOK || len(jar.Cookies(u)) != 1 {
		return nil, fmt.Errorf("login: %s", a.Status)
	}
	return c, nil
}

func (s *Siege) url(path string) string {
	if s.tls != nil {
		return "https://" + s.HTTP + path
	}
	return "http://" + s.HTTP + path
}

// measure watches honest users for a while.
func (s *Siege) measure(d time.Duration) state {
	if s.beside == nil {
		return s.watch(d)
	}
	beside := make(chan state)
	go func() { beside <- s.beside.watch(d) }()
	m, other := s.watch(d), <-beside
	m.beside = &other
	return m
}

func (s *Siege) watch(d time.Duration) (m state) {
	s.traffic.latency.take()
	var pages times
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		begin := time.Now()
		a, err := s.reader.Get(s.url("/"))
		if err == nil {
			_, err = io.Copy(io.Discard, a.Body)
			_ = a.Body.Close()
		}
		if err != nil || a.StatusCode != http.StatusOK {
			m.wrong++
		}
		pages.add(time.Since(begin))
	}
	m.latency, m.messages = s.traffic.latency.take()
	m.pages, m.answers = pages.take()
	m.rss, m.files, m.goroutines = s.holds()
	return m
}

func (m state) String() string {
	said := fmt.Sprintf("%d messages, p99 %v; %d pages, p99 %v, %d failed; %.0f MiB, %.0f files, %.0f goroutines",
		m.messages, m.latency.Round(10*time.Microsecond), m.answers, m.pages.Round(10*time.Microsecond), m.wrong,
		m.rss/(1<<20), m.files, m.goroutines)
	if m.beside != nil {
		said += fmt.Sprintf(" (beside: messages %v, pages %v)", m.beside.latency.Round(10*time.Microsecond),
			m.beside.pages.Round(10*time.Microsecond))
	}
	return said
}

// holds is what the server holds, by its local socket and by the kernel.
func (s *Siege) holds() (rss, files, goroutines float64) {
	rss, err := s.Server.RSS()
	if err != nil {
		s.t.Error(err)
	}
	return rss, s.metric("process_open_fds"), s.metric("go_goroutines")
}

// connected is how many clients are logged in.
func (s *Siege) connected() int { return int(s.metric("hpfeeds_broker_client_connections")) }

// metric asks the server, by its local socket, for one number.
func (s *Siege) metric(name string) float64 {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	text, err := s.Server.API.Metrics(ctx)
	if err != nil {
		s.t.Errorf("the operator gets no metrics: %v", err)
		return 0
	}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			v, _ := strconv.ParseFloat(value, 64)
			return v
		}
	}
	s.t.Errorf("there is no metric %s", name)
	return 0
}

// Bounds of what honest users notice, beside three times what is normal: the attackers, and whatever else there is, run
// on the same processors. A server that does not defend itself is seconds above them.
const (
	mostLatency = 500 * time.Millisecond
	mostPages   = time.Second
	mostMemory  = 768 << 20 // of which 256 MiB are what subscribers may hold
	mostRescue  = 2 * time.Second
	mostTravel  = 5 * time.Second
	recovery    = time.Minute
)

// Attack measures honest users while an attack lasts and afterwards, and returns how long it lasted. What the
// attacker's own calls return is no matter.
func (s *Siege) Attack(attack func(ctx context.Context)) (lasted time.Duration) {
	s.t.Helper()
	lasts := extent(s.t)
	ctx, cancel := context.WithCancel(s.t.Context())
	done, begin := make(chan struct{}), time.Now()
	go func() {
		defer close(done)
		attack(ctx)
	}()
	time.Sleep(lasts / 4) // it begins
	under := s.measure(lasts / 2)
	rescue := s.rescue()
	travel := s.travel()
	more := s.measure(lasts / 4)
	cancel()
	<-done
	lasted = time.Since(begin)
	s.t.Logf("attacked: %v; then %v; login and disabling took %v, login from elsewhere %v", under, more, rescue,
		travel)
	for _, m := range []state{under, more} {
		if most := max(3*s.calm.latency, mostLatency); m.latency > most || m.messages == 0 {
			s.t.Errorf("honest messages: p99 %v of %d, want at most %v", m.latency, m.messages, most)
		}
		if most := max(3*s.calm.pages, mostPages); m.pages > most || m.wrong > 0 {
			s.t.Errorf("honest pages: p99 %v and %d failed, want at most %v", m.pages, m.wrong, most)
		}
		if m.rss > mostMemory {
			s.t.Errorf("%.0f MiB of memory", m.rss/(1<<20))
		}
	}
	if rescue > mostRescue {
		s.t.Errorf("the admin took %v to log in and disable Mallory", rescue)
	}
	if travel > mostTravel {
		s.t.Errorf("from elsewhere the admin took %v to log in", travel)
	}
	s.recovers()
	return lasted
}

// rescue is an admin who logs in and disables Mallory.
func (s *Siege) rescue() time.Duration {
	begin := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if _, err := s.login(ctx, "root", nil); err != nil {
		s.t.Errorf("the admin cannot log in: %v", err)
	}
	off := api.UserEdit{HandlePath: api.HandlePath{Handle: "mallory"}, Body: api.UserChanges{Enabled: new(bool)}}
	if _, err := api.EditUser.Call(ctx, s.Server.API, off); err != nil {
		s.t.Errorf("Mallory cannot be disabled: %v", err)
	}
	return time.Since(begin)
}

// travel is the admin's login from a network that the server has not seen.
func (s *Siege) travel() time.Duration {
	begin := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	c, err := s.login(ctx, "root", &net.TCPAddr{IP: net.IPv4(127, 255, 0, 1)})
	if err != nil {
		s.t.Errorf("the admin cannot log in from elsewhere: %v", err)
		return 0
	}
	took := time.Since(begin)
	c.CloseIdleConnections()
	return took
}

// recovers waits until nothing is left of the attack.
func (s *Siege) recovers() {
	s.t.Helper()
	var left state
	for end := time.Now().Add(recovery); time.Now().Before(end); time.Sleep(time.Second) {
		left.rss, left.files, left.goroutines = s.holds()
		if left.files <= s.calm.files+10 && left.goroutines <= s.calm.goroutines+20 {
			after := s.measure(2 * time.Second)
			s.t.Logf("afterwards: %v", after)
			if after.latency > max(3*s.calm.latency, mostLatency) || after.wrong > 0 {
				s.t.Errorf("honest users still notice it: %v", after)
			}
			for _, each := range []*Siege{s, s.beside} {
				if each == nil {
					continue
				}
				if err := each.traffic.end(); err != nil {
					s.t.Error(err)
				}
			}
			select {
			case <-s.Server.Done():
				s.t.Errorf("the server has ended: %s", s.Server.Said())
			default:
			}
			return
		}
	}
	s.t.Errorf("after %v there are still %.0f files (%.0f when calm) and %.0f goroutines (%.0f)", recovery, left.files,
		s.calm.files, left.goroutines, s.calm.goroutines)
}
