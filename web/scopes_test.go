package web

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/graph/scope"
	"hpfriends/internal/secret"
	"hpfriends/web/scopes"
)

// routes is a mux that keeps what is registered.
type routes []string

func (r *routes) HandleFunc(pattern string, _ func(http.ResponseWriter, *http.Request)) {
	*r = append(*r, pattern)
}

// operations are the routes of the API, by its own document.
func operations(w *world) (all []string) {
	w.t.Helper()
	raw, err := w.server.v1.Document()
	if err != nil {
		w.t.Fatal(err)
	}
	var doc struct{ Paths map[string]map[string]any }
	if err := json.Unmarshal(raw, &doc); err != nil {
		w.t.Fatal(err)
	}
	for path, methods := range doc.Paths {
		for method := range methods {
			all = append(all, strings.ToUpper(method)+" "+path)
		}
	}
	return all
}

// strangers are pages and streams for those who have proved nothing.
var strangers = []string{"GET /login", "POST /login", "GET /setup", "POST /setup", "POST /logout"}

// TestEveryRouteHasAScope: what tokens could be good for has an entry in the table.
func TestEveryRouteHasAScope(t *testing.T) {
	w := newWorld(t)
	var all routes
	w.server.pages.Register(&all, nil)
	w.server.live.Register(&all, nil, nil)
	all = append(all, operations(w)...)
	if len(all) < 120 {
		t.Fatalf("there are %d routes only: %q", len(all), all)
	}
	for _, r := range all {
		if _, ok := scopes.Of(r); !ok && !slices.Contains(strangers, r) && !strings.HasPrefix(r, "GET /static/") {
			t.Errorf("%s has no scope: add it to web/scopes/table.go", r)
		}
	}
}

// token makes an API token of a user.
func (w *world) token(handle string, g scope.Grant, ends time.Time) caller {
	w.t.Helper()
	u, _ := w.newest().UserByHandle(handle)
	value := secret.NewToken()
	_, err := w.Change(w.t.Context(), graph.Command{By: graph.Actor{Operator: true}, Op: graph.AddToken{
		Owner: u.ID, Hash: secret.HashToken(value), Grant: g, Expires: ends,
	}})
	if err != nil {
		w.t.Fatal(err)
	}
	return bearer(value.Reveal())
}

// TestTokensAreGoodForTheirScope asks for every operation with a token of each scope, of an admin who may do all.
func TestTokensAreGoodForTheirScope(t *testing.T) {
	w := newWorld(t)
	w.users("root")
	all := operations(w)
	refusals := make(map[scope.Scope]int)
	for _, s := range scope.All {
		g := scope.Grant{Scopes: []scope.Scope{s}}
		by := w.token("root", g, time.Time{})
		for _, route := range all {
			before := w.newest()
			res := w.send(by, strings.NewReplacer("{", "x", "}", "").Replace(route), nil)
			w.mu.Lock()
			w.graph = before
			w.mu.Unlock()
			need, _ := scopes.Of(route)
			refused := res.Code == http.StatusForbidden && strings.Contains(res.Body.String(), "this API token is for")
			if want := need != "" && !g.Has(need); refused != want {
				t.Errorf("%s with the scope %s: %d %s", route, s, res.Code, res.Body)
			}
			if refused {
				refusals[s]++
			}
		}
	}
	if n := slices.Collect(maps.Values(refusals)); refusals[scope.Read] < 40 || refusals[scope.Admin] != 2 {
		t.Errorf("refused: %v (%v)", refusals, n)
	}
}

// TestLimitedTokens: a token for a channel or an authkey is good for what is about that alone.
func TestLimitedTokens(t *testing.T) {
	w := rights(t)
	on := func(g scope.Grant) caller { return w.token("ada", g, time.Time{}) }
	channel := on(scope.Grant{Scopes: []scope.Scope{scope.Manage, scope.Publish}, Channel: "c.*"})
	key := on(scope.Grant{Scopes: []scope.Scope{scope.Manage}, Authkey: "ada/1"})
	for _, tt := range []struct {
		by    caller
		route string
		body  any
		want  int
	}{
		{channel, "GET /api/v1/whoami", nil, 200},
		{channel, "GET /api/v1/messages?channel=c.d", nil, 200},
		{channel, "GET /api/v1/messages?channel=c.*", nil, 200},
		{channel, "GET /api/v1/messages?channel=c.d&channel=x", nil, 403},
		{channel, "GET /api/v1/messages/count?channel=*", nil, 403},
		{channel, "GET /api/v1/messages/histogram?channel=c*", nil, 403},
		{channel, "GET /api/v1/users", nil, 403},
		{channel, "GET /api/v1/logs", nil, 403},
		{channel, "GET /api/v1/search?q=x", nil, 403},
		{channel, "POST /api/v1/shares", object{"channel": "c.d", "to": "bob"}, 200},
		{channel, "POST /api/v1/shares", object{"channel": "d", "to": "bob"}, 403},
		{channel, "DELETE /api/v1/shares/9", nil, 403},
		{channel, "POST /api/v1/replays",
			object{"channel": []string{"c.d"}, "from": "first", "authkey": "ada/1"}, 409}, // there is no broker
		{channel, "POST /api/v1/replays", object{"channel": []string{"c.d"}, "to": "d", "authkey": "ada/1"}, 403},
		{channel, "POST /api/v1/authkeys/ada%2F1/reveal", nil, 403},
		{key, "GET /api/v1/authkeys/ada%2F1", nil, 200},
		{key, "POST /api/v1/authkeys/ada%2F1/reveal", nil, 200},
		{key, "GET /api/v1/logs?ident=ada/1", nil, 200},
		{key, "GET /api/v1/logs?ident=ada/2", nil, 403},
		{key, "GET /api/v1/logs", nil, 403},
		{key, "PATCH /api/v1/authkeys/ada%2F2", object{"enabled": false}, 403},
		{key, "POST /api/v1/authkeys", object{"ident": "ada/1"}, 403},
		{key, "GET /api/v1/messages?channel=c", nil, 403},
		{key, "POST /api/v1/tokens", object{}, 403},
		{key, "PATCH /api/v1/users/ada", object{"name": "x"}, 403},
		{key, "GET /metrics", nil, 403},
	} {
		if res := w.send(tt.by, tt.route, tt.body); res.Code != tt.want {
			t.Errorf("%s: %d, want %d: %s", tt.route, res.Code, tt.want, res.Body)
		}
	}
}

// TestTokensByDefault: a token that is asked for without more reads, and ends in 90 days; who asks by a token gets none
// that outlives it. A program is told when its token ends soon.
func TestTokensByDefault(t *testing.T) {
	w := newWorld(t)
	w.users("ada", "root")
	made := must[api.IssuedToken](w, as("ada"), "POST /api/v1/tokens", object{})
	if left := time.Until(*made.Expires); left < scope.Life-time.Minute || left > scope.Life {
		t.Errorf("it ends in %v", left)
	}
	me := must[api.Whoami](w, bearer(made.Token), "GET /api/v1/whoami", nil)
	if me.Token == nil || !slices.Equal(me.Token.Scopes, []scope.Scope{scope.Read}) ||
		!me.Token.Expires.Equal(*made.Expires) {
		t.Errorf("it is %+v", me.Token)
	}
	if res := w.send(as("ada"), "POST /api/v1/tokens", object{"endless": true}); res.Code != http.StatusForbidden {
		t.Errorf("a member's without an end: %d %s", res.Code, res.Body)
	}
	endless := must[api.IssuedToken](w, as("root"), "POST /api/v1/tokens", object{"endless": true, "owner": "ada"})
	if endless.Expires != nil {
		t.Errorf("an admin adds one that ends at %v", endless.Expires)
	}
	soon := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	short := w.token("ada", scope.Grant{Scopes: []scope.Scope{scope.Manage}}, soon)
	if next := must[api.IssuedToken](w, short, "POST /api/v1/tokens", object{}); !next.Expires.Equal(soon) {
		t.Errorf("it makes one that ends at %v, not %v", next.Expires, soon)
	}
	for by, want := range map[*caller]string{&short: soon.Format(time.RFC3339), new(bearer(made.Token)): ""} {
		if got := w.send(*by, "GET /api/v1/whoami", nil).Header().Get(api.TokenEndsHeader); got != want {
			t.Errorf("the answer says %q, want %q", got, want)
		}
	}
}

// Every token ends itself, whatever it is for, and no other one without the right to manage all.
func TestTokenRemovesItself(t *testing.T) {
	for name, tt := range map[string]struct {
		grant  scope.Grant
		others bool
	}{
		"read":              {scope.Grant{Scopes: []scope.Scope{scope.Read}}, false},
		"publish":           {scope.Grant{Scopes: []scope.Scope{scope.Publish}}, false},
		"one channel":       {scope.Grant{Scopes: []scope.Scope{scope.Read}, Channel: "c"}, false},
		"manage, a channel": {scope.Grant{Scopes: []scope.Scope{scope.Manage}, Channel: "c"}, false},
		"manage":            {scope.Grant{Scopes: []scope.Scope{scope.Manage}}, true},
	} {
		w := newWorld(t)
		w.users("ada", "bob")
		w.token("ada", scope.Grant{Scopes: []scope.Scope{scope.Read}}, time.Time{})
		other := itoa(w.newest().Index())
		w.token("bob", scope.Grant{Scopes: []scope.Scope{scope.Read}}, time.Time{})
		stranger := itoa(w.newest().Index())
		by := w.token("ada", tt.grant, time.Time{})
		itself := must[api.Whoami](w, by, "GET /api/v1/whoami", nil).Token.ID
		if code := w.send(by, "DELETE /api/v1/tokens/"+stranger, nil).Code; code < 400 {
			t.Errorf("%s: it removes the token of another user: %d", name, code)
		}
		if res := w.send(by, "DELETE /api/v1/tokens/"+other, nil); (res.Code == http.StatusNoContent) != tt.others ||
			!tt.others && res.Code != http.StatusForbidden {
			t.Errorf("%s: another one of its owner: %d %s", name, res.Code, res.Body)
		}
		if res := w.send(by, "DELETE /api/v1/tokens/"+itoa(uint64(itself)), nil); res.Code != http.StatusNoContent {
			t.Errorf("%s: itself: %d %s", name, res.Code, res.Body)
		}
		if res := w.send(by, "GET /api/v1/whoami", nil); res.Code != http.StatusUnauthorized {
			t.Errorf("%s: it is good after its end: %d", name, res.Code)
		}
	}
}
