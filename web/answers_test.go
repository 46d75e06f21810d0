package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"hpfriends/api"
	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/query/view"
	v1 "hpfriends/web/v1"
)

// What no answer and no log line may hold, whoever asks and however wrong the request is.
func TestSecretsStayInside(t *testing.T) {
	w := newWorld(t)
	const canary = "CANARY-of-no-list-1234567890"
	must[api.Created](w, operator(), "POST /api/v1/users", object{"handle": "ada", "password": canary})
	must[api.Created](w, operator(), "POST /api/v1/users", object{"handle": "root", "role": "admin"})
	made := must[api.Credential](w, as("ada"), "POST /api/v1/authkeys",
		object{"ident": "k", "secret": canary, "pub": []string{"c"}})
	token := must[api.IssuedToken](w, as("ada"), "POST /api/v1/tokens", object{}).Token
	if made.Secret != canary {
		t.Fatalf("creation shows %q", made.Secret)
	}
	w.answer.Reset() // these may
	for _, c := range []caller{operator(), as("ada"), as("root"), bearer(token), basic("ada", canary+"x"), {}} {
		for _, path := range []string{"users", "users/ada", "authkeys", "authkeys/k", "shares", "tokens", "stats", "status",
			"logs", "channels", "whoami"} {
			w.send(c, "GET /api/v1/"+path, nil)
		}
		for _, wrong := range []any{
			object{"handle": "b", "password": canary, "unknown": canary}, object{"handle": 7, "password": canary},
			object{"password": canary},
			object{"handle": "b", "password": []string{canary}}, object{"handle": "b", "password": "short", "role": canary[:6]},
			canary, []string{canary}, `{"password": "` + canary + `"`, object{"handle": canary, "password": canary},
		} {
			w.send(c, "POST /api/v1/users", wrong)
			w.send(c, "POST /api/v1/tokens", wrong)
			w.send(c, "PATCH /api/v1/users/ada", wrong)
		}
		for _, wrong := range []any{
			object{"secret": canary, "pub": 1}, object{"ident": "k", "secret": canary}, object{"secret": []string{canary}},
			object{"secret": canary + strings.Repeat("x", 300)},
		} {
			w.send(c, "POST /api/v1/authkeys", wrong)
			w.send(c, "POST /api/v1/authkeys/k/rotate", object{"secret": canary, "x": 1})
		}
	}
	for where, text := range map[string]string{"an answer": w.answer.String(), "the log": w.logged.String()} {
		// A handle is no secret: the one request that sent the canary as one may be answered with it.
		text = strings.ReplaceAll(text, `user `+canary, "")
		for name, s := range map[string]string{"a secret or password": canary, "a token": token,
			"a password hash": "$argon2id$"} {
			if i := strings.Index(text, s); i >= 0 {
				t.Errorf("%s holds %s: …%s…", where, name, text[max(0, i-200):min(len(text), i+60)])
			}
		}
	}
	if got := must[api.Credential](w, as("ada"), "POST /api/v1/authkeys/k/reveal", nil); got.Secret != canary {
		t.Errorf("reveal: %+v", got)
	}
	rotated := must[api.Credential](w, as("ada"), "POST /api/v1/authkeys/k/rotate", object{})
	if again := must[api.Credential](w, as("ada"), "POST /api/v1/authkeys/k/reveal", nil); rotated.Secret == canary ||
		len(rotated.Secret) < 22 || again != rotated {
		t.Errorf("rotated to %q, revealed %q", rotated.Secret, again.Secret)
	}
}

// A secret is told once the audit says so, also to whose authkey it is. Adding and rotating are no reveals.
func TestRevealIsInTheAudit(t *testing.T) {
	w := newWorld(t)
	w.users("ada", "bob", "root")
	must[api.Credential](w, as("ada"), "POST /api/v1/authkeys", object{"ident": "k", "secret": "Zx7-of-no-list"})
	must[api.Credential](w, as("ada"), "POST /api/v1/authkeys/k/rotate", object{"secret": "Zx8-of-no-list"})
	reveals := func(c caller) (by []string) {
		const asked = "GET /api/v1/audit?op=authkey.reveal&object=authkey:k"
		for _, e := range must[[]view.AuditEvent](w, c, asked, nil) {
			by = append(by, e.By)
		}
		return by
	}
	if got := reveals(as("ada")); len(got) > 0 {
		t.Errorf("before anybody asked, by %v", got)
	}
	const reveal, check = "POST /api/v1/authkeys/k/reveal", "POST /api/v1/authkeys/k/check"
	for secret, same := range map[string]bool{"Zx7-of-no-list": false, "Zx8-of-no-list": true} {
		if got := must[api.SecretChecked](w, as("ada"), check, object{"secret": secret}); got.Same != same {
			t.Errorf("%s is the secret: %v", secret, got.Same)
		}
	}
	w.fail = temporary{errors.New("no leader")}
	rec := w.send(as("ada"), reveal, nil)
	if said := rec.Body.String(); rec.Code != 503 || strings.Contains(said, "Zx8") || !strings.Contains(said, "nothing") {
		t.Errorf("without a quorum: %d %s", rec.Code, said)
	}
	if status, html := w.submit("ada", "/authkeys", "do", "reveal", "ident", "k"); status != 503 ||
		strings.Contains(html, "Zx8") || !says(html, "nothing was changed") {
		t.Errorf("the page without a quorum: %d %s", status, text(html))
	}
	w.fail = nil
	for _, c := range []caller{as("ada"), as("root")} {
		if got := must[api.Credential](w, c, reveal, nil); got.Secret != "Zx8-of-no-list" {
			t.Errorf("revealed %q", got.Secret)
		}
	}
	w.send(as("bob"), reveal, nil)
	for who, want := range map[string]string{"ada": "[root ada]", "root": "[root ada]", "bob": "[]"} {
		if got := fmt.Sprint(reveals(as(who))); got != want {
			t.Errorf("%s sees reveals by %s, want %s", who, got, want)
		}
	}
	if _, html := w.page("ada", "/audit?op=authkey.reveal"); !says(html, "root had the secret of the authkey k shown.") ||
		!strings.Contains(html, "<option selected>authkey.reveal</option>") || says(html, "added the authkey k") {
		t.Errorf("the page of the audit lacks it: %s", text(html))
	}
}

type temporary struct{ error }

func (temporary) Temporary() bool { return true }

// Every refusal is a problem with a code that a program can act on.
func TestProblems(t *testing.T) {
	w := newWorld(t)
	w.users("ada")
	for _, tt := range []struct {
		route  string
		body   any
		fail   error
		status int
		code   string
		detail string
	}{
		{"GET /api/v1/users/nobody", nil, nil, 404, "not-found", "there is no user nobody"},
		{"POST /api/v1/users", object{"handle": "x"}, nil, 403, "denied", "only admins may add users"},
		{"POST /api/v1/groups", object{"name": "Everyone"}, nil, 409, "conflict", "there is a group"},
		{"POST /api/v1/shares", object{"channel": "$x", "to": "ada"}, nil, 422, "invalid", "reserved"},
		{"POST /api/v1/shares", object{"channel": "c", "to": "everyone"}, nil, 404, "not-found", "there is no user everyone"},
		{"POST /api/v1/shares", object{"channel": "c"}, nil, 422, "invalid",
			"validation failed: body: expected required property to to be present"},
		{"POST /api/v1/groups", `{"name": "a"`, nil, 400, "invalid", ""},
		{"GET /api/v1/users?limt=5", nil, nil, 422, "invalid", "query.limt: unknown query parameter"},
		{"GET /api/v1/users?after=x", nil, nil, 422, "invalid", "after"},
		{"GET /api/v1/logs?since=soon", nil, nil, 422, "invalid", "is not a time"},
		{"POST /api/v1/groups", object{"name": "b"}, temporary{errors.New("no leader")}, 503, "unavailable",
			"nothing was changed"},
		{"POST /api/v1/groups", object{"name": "b"}, fmt.Errorf("lost: %w", context.DeadlineExceeded), 503, "unknown-outcome",
			"in time"},
		{"POST /api/v1/groups", object{"name": "b"}, errors.New("disk sdb1 on fire"), 503, "unknown-outcome",
			"could not confirm"},
		{"POST /api/v1/groups", `{"name": "` + strings.Repeat("x", v1.MaxBody) + `"}`, nil, 413, "invalid", ""},
	} {
		w.fail = tt.fail
		rec := w.send(as("ada"), tt.route, tt.body)
		var p api.Problem
		if err := json.Unmarshal(rec.Body.Bytes(), &p); err != nil {
			t.Errorf("%s: %v: %s", tt.route, err, rec.Body)
			continue
		}
		if rec.Code != tt.status || p.Status != tt.status || string(p.Code) != tt.code ||
			!strings.Contains(p.Detail, tt.detail) || rec.Header().Get("Content-Type") != api.ProblemType {
			t.Errorf("%s: %d %s %+v, want %d %s %q", tt.route, rec.Code, rec.Header().Get("Content-Type"), p, tt.status, tt.code,
				tt.detail)
		}
		if strings.Contains(rec.Body.String(), "sdb1") {
			t.Errorf("%s: an inner error is shown: %s", tt.route, rec.Body)
		}
	}
	if !strings.Contains(w.logged.String(), "sdb1") {
		t.Error("the inner error is not in the log")
	}
}

// dionaea posts to /ip without a body, follows no redirect and wants the bare address; so nothing may stand in the way.
func TestPlainRoutes(t *testing.T) {
	w := newWorld(t)
	w.server.ready = newReadiness(func(context.Context) error { return errors.New("no leader") })
	foreign := http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"http://evil.example"}}
	for _, tt := range []struct {
		route, contentType, want string
		status                   int
		header                   http.Header
	}{
		{"GET /ip", "text/plain; charset=utf-8", "192.0.2.7", 200, nil},
		{"POST /ip", "text/plain; charset=utf-8", "192.0.2.7", 200, nil},
		{"POST /ip", "text/plain; charset=utf-8", "192.0.2.7", 200, foreign},
		{"GET /livez", "text/plain; charset=utf-8", "ok\n", 200, nil},
		{"GET /healthz", "application/json", "{}", 200, nil},
		{"GET /readyz", "text/plain; charset=utf-8", "not ready\n", 503, nil},
		{"GET /readyz?verbose", "text/plain; charset=utf-8", "[-] node: no leader\nversion 1.2.3\nnot ready\n", 503, nil},
		{"GET /nothing", "text/plain; charset=utf-8", "404 page not found\n", 404, nil},
	} {
		rec := w.send(caller{header: tt.header}, tt.route, nil)
		if rec.Code != tt.status || rec.Body.String() != tt.want || rec.Header().Get("Content-Type") != tt.contentType {
			t.Errorf("%s: %d %q %q", tt.route, rec.Code, rec.Header().Get("Content-Type"), rec.Body)
		}
		if h := rec.Header(); h.Get("X-Content-Type-Options") != "nosniff" ||
			!strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s: headers %v", tt.route, h)
		}
	}
	if rec := w.send(operator(), "GET /ip", nil); rec.Code != 400 {
		t.Errorf("/ip on the socket: %d %s", rec.Code, rec.Body)
	}
}

// A page of another origin in a browser that knows the password cannot change anything.
func TestOtherOriginsChangeNothing(t *testing.T) {
	w := newWorld(t)
	must[api.Created](w, operator(), "POST /api/v1/users", object{"handle": "ada", "password": password})
	c := basic("ada", password)
	c.header.Set("Sec-Fetch-Site", "cross-site")
	if rec := w.send(c, "POST /api/v1/tokens", object{}); rec.Code != http.StatusForbidden ||
		rec.Header().Get("Content-Type") != api.ProblemType {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

func TestOpenAPIDocument(t *testing.T) {
	w := newWorld(t)
	rec := w.send(caller{}, "GET /api/openapi.json", nil)
	var doc struct {
		OpenAPI string                    `json:"openapi"`
		Paths   map[string]map[string]any `json:"paths"`
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &doc); err != nil || doc.OpenAPI != "3.1.0" {
		t.Fatalf("%d, %q, %v", rec.Code, doc.OpenAPI, err)
	}
	operations := 0
	for path, methods := range doc.Paths {
		for method, o := range methods {
			operations++
			responses, _ := o.(object)["responses"].(object)
			refusals := 0
			for status, r := range responses {
				if status[0] == '2' || status == "431" { // which net/http answers, in plain text
					continue
				}
				refusals++
				if _, ok := r.(object)["content"].(object)[api.ProblemType]; !ok {
					t.Errorf("%s %s does not answer %s with a problem: %v", method, path, status, r)
				}
			}
			if refusals < 5 {
				t.Errorf("%s %s says only %d ways in which it refuses", method, path, refusals)
			}
		}
	}
	if operations < 35 || doc.Paths["/api/v1/shares/{id}/accept"]["post"] == nil {
		t.Errorf("%d operations", operations)
	}
	if text := rec.Body.String(); !strings.Contains(text, `"add_pub"`) || strings.Contains(text, "https://unpkg") {
		t.Error("the document lacks a field, or loads something")
	}
}

// A long list comes in pages; following the links gives every row once.
func TestPages(t *testing.T) {
	w := newWorld(t)
	for i := range 25 {
		w.users(fmt.Sprintf("u%02d", i))
	}
	var got []string
	path, requests := "/api/v1/users?limit=10", 0
	for ; path != "" && requests < 10; requests++ {
		rec := w.send(operator(), "GET "+path, nil)
		var rows []object
		if err := json.Unmarshal(rec.Body.Bytes(), &rows); err != nil || len(rows) > 10 {
			t.Fatalf("%s: %d rows, %v", path, len(rows), err)
		}
		for _, r := range rows {
			got = append(got, r["handle"].(string))
		}
		path = strings.TrimSuffix(strings.TrimPrefix(rec.Header().Get("Link"), "<"), `>; rel="next"`)
	}
	if len(got) != 25 || got[0] != "u00" || got[24] != "u24" || requests != 3 {
		t.Errorf("%d requests gave %v", requests, got)
	}
	for _, limit := range []string{"0", "1001", "-1", "x"} {
		if rec := w.send(operator(), "GET /api/v1/users?limit="+limit, nil); rec.Code != 422 {
			t.Errorf("limit %s: %d", limit, rec.Code)
		}
	}
}

// Logs are for the owner of the authkey; those of unknown idents for who sees everything.
func TestLogsAreForTheOwner(t *testing.T) {
	w := newWorld(t)
	w.users("ada", "bob", "eve")
	day := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	tx := w.events.BeginUpdate()
	for i, r := range []entry.Refusal{
		{Owner: 1, Ident: "ada-1", Message: "Authkey not allowed to publish here.",
			Channel: "c", Addr: "192.0.2.1", First: day, Last: day.Add(time.Hour), Count: 412},
		{Owner: 1, Ident: "ada-2", Message: "m", Channel: "d", Addr: "192.0.2.2", First: day, Last: day.Add(2 * time.Hour),
			Count: 1},
		{Owner: 2, Ident: "bob-1", Message: "m", Addr: "192.0.2.3", First: day, Last: day.Add(3 * time.Hour), Count: 1},
		{Owner: 0, Ident: "\\x1b]0;evil", Message: "m", Addr: "192.0.2.4", First: day, Last: day.Add(4 * time.Hour),
			Count: 1},
	} {
		v, row := r.AppendStored(nil), append(eventlog.IndexKey(r.Owner), fmt.Sprintf("%016d", i)...)
		tx.Put(eventlog.SpaceLogs, row, v)
		tx.Put(eventlog.SpaceRecent, eventlog.RecentKey(r.Last, row), v)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ who, filter, want string }{
		{"ada", "", "[ada-2 ada-1]"}, {"bob", "", "[bob-1]"}, {"eve", "", `[\x1b]0;evil bob-1 ada-2 ada-1]`},
		{"ada", "?ident=bob-1", "[]"}, {"ada", "?channel=c", "[ada-1]"}, {"eve", "?address=192.0.2.3", "[bob-1]"},
		{"eve", "?since=2026-11-20T02:00:00Z", `[\x1b]0;evil bob-1 ada-2]`}, {"eve", "?limit=1", `[\x1b]0;evil]`},
		{"eve", "?since=1s", "[]"},
	} {
		got := []any{}
		for _, r := range must[[]object](w, as(tt.who), "GET /api/v1/logs"+tt.filter, nil) {
			got = append(got, r["identifier"])
		}
		if s := fmt.Sprint(got); s != tt.want {
			t.Errorf("logs%s of %s: %s, want %s", tt.filter, tt.who, s, tt.want)
		}
	}
}

// Editing an authkey's patterns adds and removes; what is not named stays.
func TestEditOfPatternsKeepsTheOthers(t *testing.T) {
	w := newWorld(t)
	w.users("ada")
	must[api.Credential](w, as("ada"), "POST /api/v1/authkeys",
		object{"ident": "k", "pub": []string{"a", "b"}, "sub": []string{"x"}})
	for _, tt := range []struct {
		edit object
		want string
	}{
		{object{"add_pub": []string{"c", "a"}}, "[a b c] [x]"},
		{object{"remove_pub": []string{"b"}, "comment": "new"}, "[a c] [x]"},
		{object{"pub": []string{"z"}, "add_sub": []string{"y,1"}}, "[z] [x y,1]"},
		{object{"enabled": false}, "[z] [x y,1]"},
		{object{"sub": []string{}}, "[z] []"},
	} {
		must[struct{}](w, as("ada"), "PATCH /api/v1/authkeys/k", tt.edit)
		k := must[object](w, as("ada"), "GET /api/v1/authkeys/k", nil)
		if got := fmt.Sprint(k["pub"], " ", k["sub"]); got != tt.want {
			t.Errorf("after %v: %s, want %s", tt.edit, got, tt.want)
		}
	}
}

// Shutdown lets a request under way finish, and Serve returns.
func TestShutdownWaitsForRequests(t *testing.T) {
	w := newWorld(t)
	began, finish := make(chan struct{}), make(chan struct{})
	w.server.ready = newReadiness(func(context.Context) error { close(began); <-finish; return nil })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- w.server.Serve(l) }()
	answered := make(chan int, 1)
	go func() {
		res, err := http.Get("http://" + l.Addr().String() + "/readyz")
		if err != nil {
			answered <- 0
			return
		}
		res.Body.Close()
		answered <- res.StatusCode
	}()
	<-began
	down := make(chan error, 1)
	go func() { down <- w.server.Shutdown(t.Context()) }()
	if err := <-served; err != nil {
		t.Errorf("Serve: %v", err)
	}
	select {
	case err := <-down:
		t.Errorf("Shutdown did not wait: %v", err)
	default:
	}
	close(finish)
	if code := <-answered; code != 200 {
		t.Errorf("the request under way got %d", code)
	}
	if err := <-down; err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	late, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.server.Serve(late); err != nil {
		t.Errorf("Serve after Shutdown: %v", err)
	}
}

// Lists of users, groups and authkeys are selected alike by the API and on the pages, by what is shown only.
func TestListsAreFiltered(t *testing.T) {
	w := rights(t)
	must[object](w, as("ada"), "POST /api/v1/authkeys",
		object{"ident": "roof", "comment": "on the roof", "pub": []string{"d.*"}})
	must[struct{}](w, as("ada"), "PATCH /api/v1/authkeys/ada%2F1", object{"enabled": false})
	must[struct{}](w, as("root"), "PATCH /api/v1/users/cleo", object{"enabled": false})
	for _, tt := range []struct{ who, route, field, want string }{
		{"ada", "/users?q=A", "handle", "ada"},
		{"root", "/users?state=disabled", "handle", "cleo"},
		{"ada", "/users?state=disabled", "handle", ""}, // it is not shown
		{"root", "/users?role=admin", "handle", "root"},
		{"ada", "/groups?q=LA", "name", "lab"},
		{"ada", "/groups?q=no", "name", ""},
		{"ada", "/authkeys?q=roof", "ident", "roof"},
		{"ada", "/authkeys?q=d.", "ident", "roof"},
		{"ada", "/authkeys?state=disabled", "ident", "ada/1"},
		{"ada", "/authkeys?state=enabled&q=ada", "ident", "roof"},
		{"bob", "/authkeys?q=roof", "ident", ""},
	} {
		var got []string
		for _, one := range must[[]object](w, as(tt.who), "GET /api/v1"+tt.route, nil) {
			got = append(got, one[tt.field].(string))
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s %s: %s, want %q", tt.who, tt.route, got, tt.want)
		}
	}
	if _, html := w.page("ada", "/authkeys?q=roof"); !says(html, "1 authkey", "roof") || says(html, "ada/1") {
		t.Error(text(html))
	}
	if _, html := w.page("ada", "/groups?q=LA"); !says(html, "1 group", "lab") || says(html, "everyone") {
		t.Error(text(html))
	}
}
