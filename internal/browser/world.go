package browser

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"hpfriends/api"
	"hpfriends/internal/datadir"
	"hpfriends/internal/proc"
)

const binary = "../../bin/hpfriends"

// World is a server in a process of its own, with people in it.
type World struct {
	URL string      // of its HTTP
	API *api.Client // as the operator

	t   testing.TB
	dir string
}

// startTimeout is how long a server may take until it is ready.
const startTimeout = 20 * time.Second

// Empty starts a server that nobody has used yet.
func Empty(t testing.TB) *World {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	dir := t.TempDir()
	p, err := proc.Launch(dir, proc.Command{Program: []string{built(t)}, Flags: []string{
		"--hpfeeds", "tcp:port=0:interface=127.0.0.1", "--http", "127.0.0.1:0", "--log-level", "warn",
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	where, err := p.Await(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return &World{t: t, dir: dir, URL: "http://" + where.HTTP, API: p.API}
}

// Demo starts the demo: ada, bob, cleo and honeymap share events of simulated sensors. Mallory has joined them.
func Demo(t testing.TB) *World {
	t.Helper()
	temporary := t.TempDir()
	cmd := exec.Command(built(t), "demo", "--every", "100ms")
	cmd.Env = append(os.Environ(), "TMPDIR="+temporary)
	var said lines
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGINT)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the demo: %v: %s", err, said.String())
		}
	})
	w := &World{t: t}
	for end := time.Now().Add(startTimeout); ; time.Sleep(20 * time.Millisecond) {
		dirs, _ := filepath.Glob(filepath.Join(temporary, "hpfriends-demo-*"))
		if len(dirs) == 1 && bytes.Contains([]byte(said.String()), []byte("Attacks")) {
			w.dir = dirs[0]
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the demo does not begin: %s", said.String())
		}
	}
	where, err := datadir.ReadAddresses(w.dir)
	if err != nil {
		t.Fatal(err)
	}
	w.URL, w.API = "http://"+where.HTTP, api.Local(w.dir)
	w.invite("mallory")
	return w
}

// invite adds somebody whose texts are made to break pages.
func (w *World) invite(handle string) {
	w.t.Helper()
	ctx := w.t.Context()
	_, err := api.AddUser.Call(ctx, w.API, api.With[api.NewUser]{Body: api.NewUser{Handle: handle, Name: hostile}})
	if err != nil {
		w.t.Fatal(err)
	}
	as := w.API.As(handle)
	key := api.With[api.NewAuthkey]{Body: api.NewAuthkey{Ident: hostile, Comment: hostile}}
	if _, err := api.AddAuthkey.Call(ctx, as, key); err != nil {
		w.t.Fatal(err)
	}
	group := hostile[:60]
	if _, err := api.AddGroup.Call(ctx, as, api.With[api.NewGroup]{Body: api.NewGroup{Name: group}}); err != nil {
		w.t.Fatal(err)
	}
	for _, to := range []string{"ada", "group:everyone", "group:" + group} {
		share := api.With[api.NewShare]{Body: api.NewShare{Channel: hostile, To: to, Note: hostile}}
		if _, err := api.AddShare.Call(ctx, as, share); err != nil {
			w.t.Fatal(err)
		}
	}
}

// hostile is as much as a name may hold of what breaks pages that forget to escape: tags, attributes, templates,
// formulas, and a word that no line can break.
const hostile = `=cmd|'/C x'!A1 "><script>alert(1)</script><img src=x onerror=alert(2)>{{.}}${7-7}` +
	`</title></textarea>&lt;%3Cb%3E-WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW`

// As returns the address of the same server for a browser of a user who is logged in.
func (w *World) As(user string) string {
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: "hpfriends"})
			r.Out.Host = r.In.Host
			r.Out.Header.Set(api.AsHeader, user)
		},
		FlushInterval: -1,
		Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", filepath.Join(w.dir, datadir.Socket))
		}},
	}
	s := httptest.NewServer(proxy)
	w.t.Cleanup(s.Close)
	return s.URL
}

// built returns the path of the program.
func built(t testing.TB) string {
	t.Helper()
	path, err := filepath.Abs(binary)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		lack(t, path, "make build")
	}
	return path
}

// lines is what a process says.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
