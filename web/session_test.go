package web

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/graph/scope"
	"hpfriends/internal/passwords"
	"hpfriends/internal/secret"
	"hpfriends/web/who"
)

// hashed is a hash of "password" that costs little: the vector of the Argon2 reference implementation.
const hashed = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"

// do makes a change as the operator.
func (w *world) do(op graph.Op) uint64 {
	w.t.Helper()
	out, err := w.Change(w.t.Context(), graph.Command{By: graph.Actor{Operator: true, From: "system"}, Op: op})
	if err != nil {
		w.t.Fatal(err)
	}
	return out.Object
}

// session logs a user in.
func (w *world) session(user graph.UserID) {
	w.t.Helper()
	_, err := w.Change(w.t.Context(), graph.Command{
		By: graph.Actor{User: user, From: "192.0.2.7"},
		Op: graph.AddSession{Hash: secret.HashToken(secret.NewSession()), Expires: time.Now().Add(time.Hour)},
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// cookie is a browser that has logged in.
func (w *world) cookie(handle, password string) caller {
	w.t.Helper()
	rec, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/login", nil)
	r.RemoteAddr = "192.0.2.7:4711"
	if _, err := w.server.who.Login(rec, r, handle, secret.New(password)); err != nil {
		w.t.Fatal(err)
	}
	c := rec.Result().Cookies()[0]
	return caller{header: http.Header{"Cookie": {c.Name + "=" + c.Value}}}
}

// An admin resets a forgotten password: this one answer shows the new one, which lets its user in, and their sessions
// and tokens have ended.
func TestAdminResetsAPassword(t *testing.T) {
	w := newWorld(t)
	w.do(graph.AddUser{Handle: "ada", Password: hashed}) // 1
	w.users("root", "eve")
	ada := w.cookie("ada", "password")
	token := w.token("ada", scope.Grant{Scopes: []scope.Scope{scope.Read}}, time.Now().Add(time.Hour))
	if rec := w.send(caller{}, "GET /login", nil); !says(rec.Body.String(), "An admin of this server can reset it.") {
		t.Error(text(rec.Body.String()))
	}
	for user, want := range map[string]int{"ada": http.StatusForbidden, "eve": http.StatusForbidden} {
		if status, html := w.submit(user, "/admin", "do", "password", "user", "root"); status != want {
			t.Errorf("%s: %d %s", user, status, text(html))
		}
	}
	status, html := w.submit("root", "/admin", "do", "password", "user", "ada")
	shown := regexp.MustCompile(`id="password">([^<]{32})<`).FindStringSubmatch(html)
	if status != http.StatusOK || shown == nil {
		t.Fatalf("%d %s", status, text(html))
	}
	if _, html := w.page("root", "/admin"); strings.Contains(html, shown[1]) {
		t.Error("it is shown again")
	}
	if rec := w.send(ada, "GET /", nil); rec.Code != http.StatusSeeOther {
		t.Errorf("the session of before: %d", rec.Code)
	}
	if rec := w.send(token, "GET /api/v1/whoami", nil); rec.Code != http.StatusUnauthorized {
		t.Errorf("the token of before: %d", rec.Code)
	}
	if rec := w.send(w.cookie("ada", shown[1]), "GET /", nil); rec.Code != http.StatusOK {
		t.Errorf("the new password: %d", rec.Code)
	}
	if status, html := w.submit("root", "/admin", "do", "password", "user", "root"); status/100 != 4 ||
		!says(html, "Your own password is changed under Account.") {
		t.Errorf("root's own: %d %s", status, text(html))
	}
}

// Another password ends the sessions of a user but the one that sets it, through the pages or the API in their process.
func TestNewPasswordEndsOtherSessions(t *testing.T) {
	w := newWorld(t)
	w.do(graph.AddUser{Handle: "ada", Password: hashed}) // 1
	w.session(1)
	ada := w.cookie("ada", "password") // 3
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.RemoteAddr, r.Header = "192.0.2.7:4711", ada.header
	actor, err := w.server.who.Session(r)
	if err != nil {
		t.Fatal(err)
	}
	operations := http.NewServeMux()
	w.server.v1.Register(operations)
	ctx := who.With(t.Context(), actor)
	change := api.UserEdit{HandlePath: api.HandlePath{Handle: "ada"}}
	change.Body.Password, change.Body.Current = new(api.NewSecret("another password")), api.NewSecret("password")
	if _, err := api.EditUser.Call(ctx, api.InProcess(operations), change); err != nil {
		t.Fatal(err)
	}
	left, err := api.ListSessions.All(ctx, api.InProcess(operations), api.SessionsQuery{})
	if err != nil || len(left) != 1 || !left[0].Current || left[0].ID != 3 || left[0].From != "192.0.2.7" {
		t.Errorf("left is %+v, %v", left, err)
	}
}

// The pages know a stranger on TCP as nobody, and who has logged in until the session ends; the API takes no cookie.
func TestPagesAreForThoseWhoAreLoggedIn(t *testing.T) {
	w := newWorld(t)
	w.do(graph.AddUser{Handle: "ada", Password: hashed})
	ada := w.cookie("ada", "password")
	for _, c := range []caller{{}, {header: http.Header{"Cookie": {"hpfriends=x"}}}, bearer("x"),
		{header: http.Header{api.AsHeader: {"ada"}}}} {
		if rec := w.send(c, "GET /shares", nil); rec.Code != http.StatusSeeOther {
			t.Errorf("%v: %d", c.header, rec.Code)
		}
	}
	if rec := w.send(ada, "GET /shares", nil); rec.Code != http.StatusOK {
		t.Errorf("ada: %d %s", rec.Code, rec.Body)
	}
	if rec := w.send(ada, "GET /api/v1/whoami", nil); rec.Code != http.StatusUnauthorized {
		t.Errorf("the API with a cookie: %d", rec.Code)
	}
	w.do(graph.ClearSessions{User: 1})
	if rec := w.send(ada, "GET /shares", nil); rec.Code != http.StatusSeeOther {
		t.Errorf("after the end: %d", rec.Code)
	}
}

// What cannot be taken costs no hash of a password, and of what can be there are not too many from one address.
func TestPasswordsAreHashedForWhatCanBeTaken(t *testing.T) {
	w := newWorld(t)
	w.users("ada", "root")
	link := func() string {
		return must[api.IssuedInvitation](w, as("root"), "POST /api/v1/invitations", object{"role": "member", "uses": 9}).Path
	}
	path := link()
	w.server.who.Hasher = new(passwords.Hasher) // that never comes to an end
	join := func(handle string) int {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		form := url.Values{"user": {handle}, "password": {"correct horse battery"}}.Encode()
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, path, strings.NewReader(form))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.RemoteAddr = "192.0.2.9:1"
		rec := httptest.NewRecorder()
		w.tcp.ServeHTTP(rec, r)
		return rec.Code
	}
	for range 30 {
		if code := join("ada"); code != http.StatusConflict {
			t.Fatalf("a handle that is taken: %d", code)
		}
		if code := join("no handle"); code != http.StatusUnprocessableEntity {
			t.Fatalf("what is no handle: %d", code)
		}
	}
	codes := make(map[int]int)
	for range 8 {
		codes[join("cleo")]++
	}
	if codes[http.StatusServiceUnavailable] != 5 || codes[http.StatusTooManyRequests] != 3 {
		t.Errorf("answers by status: %v, want 5 that wait for the hash and 3 that are too many", codes)
	}
	for range 8 { // who may not change it is told so at once, and as often as they like
		rec := w.send(as("ada"), "PATCH /api/v1/users/root", object{"password": "correct horse battery"})
		if rec.Code != http.StatusForbidden {
			t.Fatalf("ada sets the password of root: %d", rec.Code)
		}
	}
}

// A stranger does not fill the log.
func TestStrangersDoNotFillTheLog(t *testing.T) {
	w := newWorld(t)
	w.send(bearer("hpf_wrong"), "GET /api/v1/whoami", nil)
	if strings.Contains(w.logged.String(), `"WARN"`) || !strings.Contains(w.logged.String(), "was not admitted") {
		t.Error(w.logged)
	}
}

// When a session ends while a form is filled in, its user logs in, and finds what they typed but for secrets. A part of
// a page sends the page to log in, and is not put into it.
func TestFormOutlivesItsSession(t *testing.T) {
	w := newWorld(t)
	w.do(graph.AddUser{Handle: "ada", Password: hashed})
	ada := w.cookie("ada", "password")
	w.do(graph.ClearSessions{User: 1})
	post := func(path string, fields url.Values) *httptest.ResponseRecorder {
		c := caller{header: ada.header.Clone()}
		c.header.Set("Content-Type", "application/x-www-form-urlencoded")
		return w.send(c, "POST "+path, fields.Encode())
	}
	follow := func(rec *httptest.ResponseRecorder) string {
		t.Helper()
		to, err := url.Parse(rec.Header().Get("Location"))
		if err != nil || rec.Code != http.StatusSeeOther || to.Path != "/login" {
			t.Fatalf("%d to %s: %s", rec.Code, to, rec.Body)
		}
		return to.Query().Get("next")
	}
	next := follow(post("/shares", url.Values{
		"do": {"add"}, "channel": {"cowrie.*"}, "to": {"bob"}, "type": {"all"}, "note": {`"><b>`},
	}))
	_, html := w.page("ada", next)
	if !strings.Contains(html, `value="cowrie.*"`) || !strings.Contains(html, `value="bob"`) ||
		!strings.Contains(html, `value="all" checked`) || !strings.Contains(html, `value="&#34;&gt;&lt;b&gt;"`) {
		t.Errorf("%s: %s", next, html)
	}
	next = follow(post("/authkeys", url.Values{"do": {"add"}, "ident": {"pot3"}, "pub": {"cowrie.*"}}))
	if _, html = w.page("ada", next); !strings.Contains(html, `value="pot3"`) {
		t.Errorf("%s: %s", next, html)
	}
	next = follow(post("/account", url.Values{"do": {"password"}, "current": {"password"}, "password": {"new"}}))
	if strings.Contains(next, "password") || strings.Contains(next, "new") {
		t.Errorf("an address holds a password: %s", next)
	}
	if next = follow(post("/shares", url.Values{"do": {"add"}, "note": {strings.Repeat("x", 1<<15)}})); next != "/shares" {
		t.Errorf("the address is of %d bytes", len(next))
	}
	part := caller{header: ada.header.Clone()}
	part.header.Set("Hx-Request", "true")
	rec := w.send(part, "GET /shares/reach?channel=c&to=bob", nil)
	if rec.Header().Get("HX-Redirect") != "/login?next="+escape("/shares?channel=c&to=bob") ||
		rec.Code != http.StatusUnauthorized {
		t.Errorf("a part: %d %v", rec.Code, rec.Header())
	}
}

// A token outlives the session, so that it takes the password; a new password ends the tokens.
func TestTokensTakeThePassword(t *testing.T) {
	w := newWorld(t)
	w.do(graph.AddUser{Handle: "ada", Password: hashed})
	status, html := w.submit("ada", "/account", "do", "token", "comment", "backup", "current", "wrong")
	if status != http.StatusUnprocessableEntity || !says(html, "Your present password is another one.") ||
		!strings.Contains(html, `value="backup"`) {
		t.Fatalf("%d %s", status, text(html))
	}
	_, html = w.submit("ada", "/account", "do", "token", "comment", "backup", "current", "password")
	if !says(html, "hpf_") {
		t.Fatal(text(html))
	}
	fields := []string{"do", "password", "current", "password", "password", "another word", "again", "another word"}
	if _, html = w.submit("ada", "/account", fields...); says(html, "backup") ||
		!says(html, "your other sessions and your API tokens have ended.") {
		t.Error(text(html))
	}
	if status, html = w.submit("ada", "/account", fields...); status != http.StatusUnprocessableEntity ||
		!says(html, "Your present password is another one.") {
		t.Errorf("with the old password: %d %s", status, text(html))
	}
}
