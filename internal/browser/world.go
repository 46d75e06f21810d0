package browser

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/internal/datadir"
	"hpfriends/internal/proc"
)

const binary = "../../bin/hpfriends"

// World is a server in a process of its own, with people in it.
type World struct {
	URL     string      // of its HTTP
	Hpfeeds string      // its address
	API     *api.Client // as the operator

	t        testing.TB
	dir      string
	process  *proc.Process                // nil: a demo
	sessions map[string][]*network.Cookie // by user
}

// startTimeout is how long a server may take until it is ready. A demo is four times one, with passwords to hash.
const startTimeout = time.Minute

// Empty starts a server that nobody has used yet.
func Empty(t testing.TB, flags ...string) *World {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	dir := t.TempDir()
	p, err := proc.Launch(dir, proc.Command{Program: []string{built(t)}, Flags: append([]string{
		"--hpfeeds", "tcp:port=0:interface=127.0.0.1", "--http", "127.0.0.1:0", "--log-level", "warn",
	}, flags...)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	where, err := p.Await(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return &World{
		t: t, dir: dir, process: p, sessions: make(map[string][]*network.Cookie),
		URL: "http://" + where.HTTP, Hpfeeds: where.Hpfeeds[0], API: p.API,
	}
}

// SetupLink returns the path that an empty server has told its operator for the first admin.
func (w *World) SetupLink() string {
	w.t.Helper()
	m := regexp.MustCompile(`"link":"[^"]*(/setup\?token=[\w-]+)`).FindStringSubmatch(w.process.Said())
	if m == nil {
		w.t.Fatalf("the server tells of no setup link: %s", w.process.Said())
	}
	return m[1]
}

// Demo starts the demo, whose people share events of simulated sensors. Mallory has joined them.
func Demo(t testing.TB) *World {
	t.Helper()
	w := friendly(t)
	w.invite("mallory")
	return w
}

// friendly is the demo as everybody starts it.
func friendly(t testing.TB) *World {
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
	w := &World{t: t, sessions: make(map[string][]*network.Cookie)}
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
	w.URL, w.Hpfeeds, w.API = "http://"+where.HTTP, where.Hpfeeds[0], api.Local(w.dir)
	return w
}

// invite adds somebody whose texts are made to break pages.
func (w *World) invite(handle string) {
	w.t.Helper()
	ctx := w.t.Context()
	_, err := api.AddUser.Call(ctx, w.API, api.With[api.NewUser]{Body: api.NewUser{
		Handle: handle, Name: hostile, Password: api.NewSecret(Password),
	}})
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

// Password is that of everybody in a demo.
const Password = "honey-for-everyone"

// Tab opens an empty page for a user of a demo who has logged in; "" is a stranger. The session is one for all tabs: a
// server takes few logins a minute from one address.
func (w *World) Tab(t testing.TB, b *Browser, user string) *Tab {
	t.Helper()
	p := b.Tab(t, w.URL)
	if user == "" {
		return p
	}
	if w.sessions[user] == nil {
		p.Login(user, Password)
		got, err := call(p, network.GetCookies, network.GetCookiesParams{URLs: []string{w.URL}})
		p.must(got, err)
		w.sessions[user] = got.Cookies
		return p
	}
	for _, c := range w.sessions[user] {
		p.must(call(p, network.SetCookie, network.SetCookieParams{
			Name: c.Name, Value: c.Value, URL: w.URL, HTTPOnly: &c.HTTPOnly, SameSite: c.SameSite,
		}))
	}
	return p
}

// places are what only the server knows of a path: the first link on a page that looks so.
var places = map[string]struct{ page, link string }{
	"{message}": {"/live", `^/m/\d+\.\d+$`},
	"{share}":   {"/shares", `^/shares/\d+$`},
	"{authkey}": {"/authkeys", `^/authkey\?ident=`},
	"{event}":   {"/audit", `^/audit/\d+$`},
}

// Place puts into a path what only the server knows, as the user of the tab sees it.
func (w *World) Place(p *Tab, path string) string {
	p.t.Helper()
	for name, place := range places {
		if strings.Contains(path, name) {
			p.Open(place.page)
			link, err := evaluate[string](p, fmt.Sprintf(`[...document.querySelectorAll("main a[href]")].map(
				(a) => a.getAttribute("href")).find((to) => new RegExp(%q).test(to))`, place.link))
			p.must(link, err)
			return strings.ReplaceAll(path, name, link)
		}
	}
	switch path {
	case "{setup}":
		return w.SetupLink()
	case "{invitation}":
		return w.invitation(p, "grace", api.NewInvitation{Role: graph.Member, Note: hostile})
	case "{membership}":
		return w.invitation(p, "bob", api.NewInvitation{Group: "malware-exchange", Note: hostile})
	}
	return path
}

func (w *World) invitation(p *Tab, by string, i api.NewInvitation) string {
	p.t.Helper()
	made, err := api.AddInvitation.Call(p.t.Context(), w.API.As(by), api.With[api.NewInvitation]{Body: i})
	p.must(made, err)
	return made.Path
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
