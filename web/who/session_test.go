package who

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/graph/scope"
	"hpfriends/internal/passwords"
	"hpfriends/internal/secret"
)

// password and a hash of it that costs little: the vector of the Argon2 reference implementation.
const (
	password = "password"
	hashed   = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
)

// door is an Authenticator on a graph in memory, in which ada has the password and bob has none.
type door struct {
	*Authenticator
	t     *testing.T
	graph *graph.Graph
	log   strings.Builder // commands as they are stored
}

func newDoor(t *testing.T) *door {
	t.Helper()
	d := &door{t: t, graph: graph.New()}
	d.Authenticator = New(Config{
		Graph: func() *graph.Graph { return d.graph }, Changer: d, Hasher: passwords.NewHasher(slog.New(slog.DiscardHandler)),
		Logger: slog.New(slog.DiscardHandler),
	})
	d.do(graph.AddUser{Handle: "ada", Password: hashed}) // 1
	d.do(graph.AddUser{Handle: "bob"})                   // 2
	return d
}

// Now implements Changer.
func (d *door) Now() time.Time { return time.Now() }

// Change implements Changer.
func (d *door) Change(_ context.Context, c graph.Command) (graph.Outcome, error) {
	c.Time = time.Now()
	data, err := json.Marshal(c)
	if err != nil {
		return graph.Outcome{}, err
	}
	next, out, err := d.graph.Apply(d.graph.Index()+1, c)
	if err == nil {
		d.log.Write(data)
	}
	d.graph = next
	return out, err
}

func (d *door) do(op graph.Op) uint64 {
	d.t.Helper()
	out, err := d.Change(d.t.Context(), graph.Command{By: graph.Actor{Operator: true}, Op: op})
	if err != nil {
		d.t.Fatal(err)
	}
	return out.Object
}

// ask is a request from an address, with a cookie if it has a value.
func ask(from, cookie, value string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/login", nil)
	r.RemoteAddr = from + ":4711"
	r.Header.Set("User-Agent", "Mozilla/5.0 \x1b[31m\u202e"+strings.Repeat("x", 4000))
	if value != "" {
		r.AddCookie(&http.Cookie{Name: cookie, Value: value})
	}
	return r
}

func (d *door) login(r *http.Request, handle, password string) (*http.Cookie, error) {
	w := httptest.NewRecorder()
	_, err := d.Login(w, r, handle, secret.New(password))
	all := w.Result().Cookies()
	if (len(all) == 1) != (err == nil) || len(all) > 1 {
		d.t.Fatalf("%d cookies, and %v", len(all), err)
	}
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// Over TLS the cookie is one that no other host and no plain HTTP can set, and only that one counts there.
func TestLoginMakesASession(t *testing.T) {
	for name, encrypt := range map[string]func(*http.Request){
		plainCookie:  func(*http.Request) {},
		secureCookie: func(r *http.Request) { r.TLS = new(tls.ConnectionState) },
	} {
		d := newDoor(t)
		r := ask("192.0.2.7", "", "")
		encrypt(r)
		c, err := d.login(r, "ADA", password)
		if err != nil {
			t.Fatal(err)
		}
		if c.Name != name || c.Path != "/" || c.Domain != "" || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode ||
			c.Secure != (name == secureCookie) || c.MaxAge != 30*24*60*60 || len(c.Value) < 43 {
			t.Errorf("the cookie is %+v", c)
		}
		if strings.Contains(d.log.String(), c.Value) {
			t.Error("the log holds the secret")
		}
		r = ask("192.0.2.99", name, c.Value) // one may move
		encrypt(r)
		a, err := d.Session(r)
		if err != nil || a != (graph.Actor{User: 1, Session: 3, From: "192.0.2.99"}) {
			t.Fatalf("the session is of %+v, %v", a, err)
		}
		s, _ := d.graph.Session(a.Session)
		if s.From != "192.0.2.7" || !strings.HasPrefix(s.Agent, "Mozilla/5.0 [31mxx") || len(s.Agent) != maxAgent ||
			time.Until(s.Expires).Round(time.Hour) != 30*24*time.Hour {
			t.Errorf("the session is %+v", s)
		}
		other := map[string]string{plainCookie: secureCookie, secureCookie: plainCookie}[name]
		r = ask("192.0.2.7", other, c.Value)
		encrypt(r)
		if _, err := d.Session(r); !errors.Is(err, errNoSession) {
			t.Errorf("as %s: %v", other, err)
		}
	}
	r := ask("192.0.2.7", "", "")
	r.Header.Set("X-Forwarded-Proto", "https")
	if c, err := newDoor(t).login(r, "ada", password); err != nil || c.Name != secureCookie {
		t.Errorf("behind a proxy with TLS: %+v, %v", c, err)
	}
}

// What is wrong with a login is not told: only a strange network is slowed down, and a hint that everybody gets says
// that an authkey is no login.
func TestLoginRefused(t *testing.T) {
	d := newDoor(t)
	d.do(graph.AddAuthkey{Owner: 1, Ident: "sensor", Secret: []byte("x")}) // 3
	for _, who := range [][2]string{{"ada", "wrong"}, {"nobody", password}, {"sensor", password}, {"bob", ""}, {"", ""}} {
		var p *api.Problem
		_, err := d.login(ask("192.0.2.7", "", ""), who[0], who[1])
		if !errors.As(err, &p) || *p != *errPassword || !strings.Contains(p.Hint, "authkey's ident") {
			t.Errorf("%s: %v", who, err)
		}
	}
	for range 4 {
		_, _ = d.login(ask("192.0.2.7", "", ""), "ada", "wrong")
	}
	if _, err := d.login(ask("192.0.2.7", "", ""), "ada", password); !errors.Is(err, errTooOften) {
		t.Errorf("after five failures: %v", err)
	}
	if _, err := d.login(ask("198.51.100.1", "", ""), "ada", password); err != nil {
		t.Errorf("a stranger has locked the account: %v", err)
	}
	d.do(graph.EditUser{User: 1, Enabled: new(bool)})
	if _, err := d.login(ask("198.51.100.2", "", ""), "ada", password); !errors.Is(err, graph.ErrDenied) {
		t.Errorf("a disabled user: %v", err)
	}
}

// A wrong password is told to its account, and one for nobody to the admins, clipped; a right one to nobody.
func TestWrongPasswordsAreTold(t *testing.T) {
	d := newDoor(t)
	var told []string
	d.Refused = func(user graph.UserID, handle, from string) {
		told = append(told, fmt.Sprintf("%d %s %s", user, handle, from))
	}
	for _, try := range [][2]string{
		{"ADA", "wrong"}, {"ada", password}, {"bob", password}, {"nobody", "x"}, {strings.Repeat("n", 300), "x"},
	} {
		_, _ = d.login(ask("192.0.2.7", "", ""), try[0], try[1])
	}
	_ = d.Prove(t.Context(), graph.Actor{User: 1, From: "192.0.2.8"}, secret.New("wrong"))
	want := []string{
		"1 ada 192.0.2.7", "2 bob 192.0.2.7", "0 nobody 192.0.2.7", "0 " + strings.Repeat("n", 80) + "... 192.0.2.7",
		"1 ada 192.0.2.8",
	}
	if !slices.Equal(told, want) {
		t.Errorf("told: %q, want %q", told, want)
	}
}

// A cookie is no bearer token, and an API token no cookie.
func TestSessionsAndTokensAreNotAlike(t *testing.T) {
	d := newDoor(t)
	c, err := d.login(ask("192.0.2.7", "", ""), "ada", password)
	if err != nil {
		t.Fatal(err)
	}
	token := secret.NewToken()
	d.do(graph.AddToken{
		Owner: 1, Hash: secret.HashToken(token), Grant: scope.Grant{Scopes: []scope.Scope{scope.Read}},
	})
	if _, err := d.Session(ask("192.0.2.7", plainCookie, token.Reveal())); !errors.Is(err, errNoSession) {
		t.Errorf("a token as a cookie: %v", err)
	}
	r := ask("192.0.2.7", plainCookie, c.Value)
	if _, err := d.Credentials(r); err == nil {
		t.Error("the API takes the cookie")
	}
	r.Header.Set("Authorization", "Bearer "+c.Value)
	if _, err := d.Credentials(r); err == nil {
		t.Error("the API takes the cookie's value")
	}
	r.Header.Set("Authorization", "Bearer "+token.Reveal())
	if a, err := d.Credentials(r); err != nil || a.User != 1 || a.Session != 0 {
		t.Errorf("the token is of %+v, %v", a, err)
	}
}

// Each of these ends a session at the next request, wherever that comes in.
func TestSessionEnds(t *testing.T) {
	for what, end := range map[string]func(d *door, s *graph.Token, r *http.Request){
		"its time": func(_ *door, s *graph.Token, _ *http.Request) { time.Sleep(time.Until(s.Expires)) },
		"logout": func(d *door, _ *graph.Token, r *http.Request) {
			w := httptest.NewRecorder()
			if err := d.Logout(w, r); err != nil {
				t.Error(err)
			}
			if all := w.Result().Cookies(); len(all) != 1 || all[0].Value != "" || all[0].MaxAge >= 0 {
				t.Errorf("the cookie stays: %v", all)
			}
		},
		"revoking it": func(d *door, s *graph.Token, _ *http.Request) { d.do(graph.RemoveSession{Session: s.ID}) },
		"disabling":   func(d *door, _ *graph.Token, _ *http.Request) { d.do(graph.EditUser{User: 1, Enabled: new(bool)}) },
		"removal":     func(d *door, _ *graph.Token, _ *http.Request) { d.do(graph.RemoveUser{User: 1}) },
	} {
		d := newDoor(t)
		value := secret.NewSession()
		_, err := d.Change(t.Context(), graph.Command{By: graph.Actor{User: 1}, Op: graph.AddSession{
			Hash: secret.HashToken(value), Expires: time.Now().Add(50 * time.Millisecond),
		}})
		if err != nil {
			t.Fatal(err)
		}
		r := ask("192.0.2.7", plainCookie, value.Reveal())
		if _, err := d.Session(r); err != nil {
			t.Fatal(err)
		}
		s, _ := d.graph.SessionByHash(secret.HashToken(value))
		end(d, s, r)
		var p *api.Problem
		if a, err := d.Session(r); !errors.As(err, &p) || p.Status != http.StatusUnauthorized || a.User != 0 {
			t.Errorf("after %s: %+v, %v", what, a, err)
		}
	}
	d := newDoor(t)
	if err := d.Logout(httptest.NewRecorder(), ask("192.0.2.7", plainCookie, "x")); err != nil {
		t.Errorf("logging out without a session: %v", err)
	}
}
