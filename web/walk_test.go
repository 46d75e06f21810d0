package web

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"hpfriends/api"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/web/who"
)

// pageRoutes are the routes of pages, streams and downloads, as the mux has them.
func pageRoutes(w *world) (all []string) {
	w.t.Helper()
	var known routes
	w.server.pages.Register(&known, w.server.who.Socket)
	w.server.live.Register(&known, w.server.who.Socket, w.server.pages.Refuse)
	for _, r := range known {
		all = append(all, strings.TrimSuffix(r, "{$}"))
	}
	return all
}

// matcher is the mux of some routes: it says which of them a request goes to.
func matcher(all []string) func(request string) string {
	mux := http.NewServeMux()
	for _, route := range all {
		mux.HandleFunc(strings.TrimSuffix(route, "/")+map[bool]string{true: "/{$}"}[strings.HasSuffix(route, " /")],
			func(http.ResponseWriter, *http.Request) {})
	}
	return func(request string) string {
		method, address, _ := strings.Cut(request, " ")
		_, pattern := mux.Handler(httptest.NewRequest(method, address, nil))
		return strings.TrimSuffix(pattern, "{$}")
	}
}

// rightsByPage are a request or more of each page, stream and download, and what comes back for ada, bob, cleo, eve,
// root and a stranger on TCP. What differs in a page that all may see has tests of its own.
var rightsByPage = []struct {
	address string
	want    [6]int
}{
	{"/", own}, {"/shares", own}, {"/incoming", own}, {"/authkeys", own}, {"/connections", own}, {"/connect", own},
	{"/logs", own}, {"/groups", own}, {"/groups/lab", own}, {"/search?q=c", own}, {"/live", own}, {"/history", own},
	{"/history/replays", own}, {"/map", own}, {"/graph", own}, {"/audit", own}, {"/audit/diff?from=%231", own},
	{"/audit/access?channel=c", own}, {"/account", own}, {"/preferences", own}, {"/jump?q=a", own}, {"/help", own},
	{"/help/limits", own}, {"/api", own}, {"/api/audit", own}, {"/shares/reach?channel=c&to=bob", own},
	{"/groups/nothing", [6]int{404, 404, 404, 404, 404, 303}},

	// Of ada: a share with bob, an authkey and that it was added, and a message that bob has not enabled.
	{"/shares/9", [6]int{200, 200, 404, 200, 200, 303}},
	{"/authkey?ident=ada%2F1", [6]int{200, 404, 404, 200, 200, 303}},
	{"/connect?ident=ada%2F1", [6]int{200, 404, 404, 200, 200, 303}},
	{"/audit/8", [6]int{200, 404, 404, 200, 200, 303}},
	{"/why?from=ada&to=bob&channel=c", own}, // refused within the page
	{"/m/{message}", [6]int{200, 404, 404, 404, 404, 303}},
	{"/m/{message}/payload", [6]int{200, 404, 404, 404, 404, 303}},

	{"/admin", [6]int{403, 403, 403, 200, 200, 303}},
	{"/cluster", [6]int{403, 403, 403, 200, 200, 303}},
	{"/invite/{invitation}", own}, // into a group: whoever has the link
	{"/account/data", own}, {"/history/download?channel=c&since=1h", own}, {"/logs/download?form=csv", own},
	{"/live/messages?channel=c", own}, {"/live/attacks?channel=c", own}, {"/live/logs", own},

	{"/kiosk", everybody}, {"/kiosk/attacks", everybody}, {"/login", everybody}, {"/static/style.css", everybody},
	{"/setup", [6]int{404, 404, 404, 404, 404, 404}}, // it is closed
}

// own is for what everybody has who is logged in, everybody for what strangers have too.
var (
	own       = [6]int{200, 200, 200, 200, 200, 303}
	everybody = [6]int{200, 200, 200, 200, 200, 200}
)

// Who may see which page: and each page, stream and download is asked for. None is kept by anybody, and what is made
// for one user is for their cookie alone.
func TestWhoSeesWhichPage(t *testing.T) {
	w := rights(t)
	kiosk := &who.Kiosk{Handle: "ada", Channel: "geoloc.events"}
	w.server.pages.Kiosk, w.server.live.Kiosk = kiosk, kiosk
	w.tcp, w.socket = w.server.Handler(), w.server.SocketHandler()
	w.publish(1, "c", "of ada")
	message := itoa(w.events.Applied()) + ".0"
	invitation := must[object](w, as("ada"), "POST /api/v1/invitations", object{"group": "lab"})["path"].(string)
	place := strings.NewReplacer("{message}", message, "/invite/{invitation}", invitation)
	all := pageRoutes(w)
	route, seen := matcher(all), make(map[string]bool)
	users := []string{"ada", "bob", "cleo", "eve", "root", ""}
	for _, tt := range rightsByPage {
		address := place.Replace(tt.address)
		at := route("GET " + address)
		seen[at] = true
		for i, user := range users {
			rec := w.glance(user, address)
			if want := tt.want[i]; rec.Code != want {
				t.Errorf("%s for %q: %d, want %d", tt.address, user, rec.Code, want)
			}
			h := rec.Header()
			kept := !strings.Contains(h.Get("Cache-Control"), "no-store")
			if kept != strings.HasPrefix(at, "GET /static/") {
				t.Errorf("%s for %q may be kept: %v", tt.address, user, h)
			}
			if tt.want == own && user != "" && strings.HasPrefix(h.Get("Content-Type"), "text/html") && h.Get("Vary") == "" {
				t.Errorf("%s for %q is for everybody: %v", tt.address, user, h)
			}
		}
	}
	for _, r := range all {
		if strings.HasPrefix(r, "GET ") && !seen[r] {
			t.Errorf("nothing says who may see %s: add it to rightsByPage", r)
		}
	}
}

// glance asks for an address, and leaves a stream as soon as it has begun.
func (w *world) glance(user, address string) *httptest.ResponseRecorder {
	w.t.Helper()
	r := httptest.NewRequest(http.MethodGet, address, nil)
	h := w.tcp
	if r.RemoteAddr = "192.0.2.7:4711"; user != "" {
		r.Header.Set(api.AsHeader, user)
		h, r.RemoteAddr = w.socket, "@"
	}
	rec := httptest.NewRecorder()
	done := make(chan struct{})
	ctx, cancel := context.WithTimeout(w.t.Context(), 10*time.Second)
	defer cancel()
	go func() {
		defer close(done)
		h.ServeHTTP(rec, r.WithContext(ctx))
	}()
	if strings.Contains(address, "/live/") || strings.HasSuffix(address, "/attacks") {
		time.AfterFunc(100*time.Millisecond, cancel)
	}
	<-done
	return rec
}

// elsewhere are operations whose rights a test of their own is about.
var elsewhere = map[string]func(*testing.T){
	"GET /api/v1/cursors":                        TestWhoMayWhatWithCursors,
	"POST /api/v1/cursors/{ident}/{name}/reset":  TestWhoMayWhatWithCursors,
	"DELETE /api/v1/cursors/{ident}/{name}":      TestWhoMayWhatWithCursors,
	"GET /api/v1/connections":                    TestWhoSeesAndClosesConnections,
	"DELETE /api/v1/connections/{node}/{number}": TestWhoSeesAndClosesConnections,
	"GET /api/v1/logs":                           TestLogsAreForTheOwner, "GET /api/v1/search": TestWhoFindsWhat,
	"GET /api/v1/messages": TestMessagesStream,
}

// Each operation of the API has rights that a test knows.
func TestEveryOperationHasRights(t *testing.T) {
	w := newWorld(t)
	all := operations(w)
	at, seen := matcher(all), make(map[string]bool)
	for _, r := range rightsByAPI {
		route := at(r.route)
		if route == "" {
			t.Errorf("there is no operation %s", r.route)
		}
		seen[route] = true
	}
	for _, r := range all {
		if !seen[r] && elsewhere[r] == nil {
			t.Errorf("nothing says who may %s: add it to rightsByAPI", r)
		}
		if seen[r] && elsewhere[r] != nil {
			t.Errorf("%s is in rightsByAPI: elsewhere need not name it", r)
		}
	}
}

// Each form of a page has rights that a test knows.
func TestEveryFormHasRights(t *testing.T) {
	w := newWorld(t)
	all := pageRoutes(w)
	at, seen := matcher(all), make(map[string]bool)
	for _, f := range rightsByForms {
		seen[at("POST "+f.address)] = true
	}
	for _, r := range all {
		if strings.HasPrefix(r, "POST ") && !seen[r] && !slices.Contains(strangers, r) {
			t.Errorf("nothing says who may %s: add it to rightsByForms", r)
		}
	}
}

// Text of attackers stays text in each answer of the API: JSON without a character that a terminal would obey, which no
// browser takes for anything else.
func TestHostileTextStaysTextInTheAPI(t *testing.T) {
	w, idents, shares := hostileWorld(t)
	w.server.v1.Connections = &clients{
		all: map[uint64]graph.UserID{1: 1}, idents: map[graph.UserID]string{1: hostile[4]},
	}
	for i, text := range hostile {
		w.refusals(entry.Refusal{
			Owner: 1, Ident: idents[i], Message: "Authkey not allowed to publish here.", Detail: text, Channel: text,
			Addr: "192.0.2.1", First: time.Now(), Last: time.Now(), Count: 1, Index: w.events.Applied(),
		})
	}
	must[object](w, as("root"), "POST /api/v1/invitations", object{"role": "member", "note": hostile[0]})
	queries := map[string]string{
		"/audit/access": "?channel=" + escape(shares[0]), "/audit/at": "?t=%231", "/audit/diff": "?from=%231",
		"/channel": "?name=" + escape(shares[0]), "/explain": "?from=ada&to=bob&channel=" + escape(hostile[4]),
		"/messages": "?channel=*&from=first", "/messages/count": "?channel=*&from=first",
		"/messages/histogram": "?channel=*&since=2023-01-01", "/search": "?q=script",
		"/messages/seen": "?indicator=192.0.2.1", "/channels/rates": "?channel=*",
		"/shares/preview": "?to=bob&channel=" + escape(hostile[0]),
	}
	// Nothing of these is there.
	none := []string{"/replays/{id}", "/backup", "/entries", "/diagnostics"}
	for _, route := range operations(w) {
		path, ok := strings.CutPrefix(route, "GET "+api.Base)
		if !ok {
			continue
		}
		var addresses []string
		for i := range w.events.Applied() {
			addresses = append(addresses, strings.NewReplacer("{index}", itoa(i+1), "{id}", itoa(i+1), "{group}", "lab",
				"{handle}", "ada", "{ident}", url.PathEscape(idents[int(i)%len(idents)])).Replace(path)+queries[path])
		}
		there, last := false, (*httptest.ResponseRecorder)(nil)
		for _, address := range slices.Compact(addresses) {
			for _, user := range []string{"ada", "root"} {
				rec := w.send(as(user), "GET "+api.Base+address, nil)
				there = there || rec.Code == http.StatusOK
				last = rec
				body := rec.Body.String()
				if rec.Code >= 500 || rec.Header().Get("X-Content-Type-Options") != "nosniff" ||
					!strings.Contains(rec.Header().Get("Content-Type"), "json") || rec.Header().Get("Set-Cookie") != "" {
					t.Errorf("%s for %s: %d %v", address, user, rec.Code, rec.Header())
				}
				if bad := noLines(body); len(bad) > 0 {
					t.Errorf("%s for %s has %q", address, user, bad)
				}
			}
		}
		if there == slices.Contains(none, path) {
			t.Errorf("%s has answered: %v; at last %d %s", path, there, last.Code, last.Body)
		}
	}
}
