package web

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"hpfriends/api"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/web/replay"
	"hpfriends/web/who"
)

// Text of attackers stays text on each route that there is: pages, streams, logs and downloads. The list is the mux's.
// A route with a part that varies, or with a parameter, has its addresses here.
func TestHostileTextStaysTextOnEveryRoute(t *testing.T) {
	w, idents, shares := hostileWorld(t)
	kiosk := &who.Kiosk{Handle: "ada", Channel: "geoloc.events"}
	w.server.pages.Kiosk, w.server.live.Kiosk = kiosk, kiosk
	w.server.replay.Open = func(graph.AuthkeyID, string) (replay.Outlet, error) { return &outlet{w: w}, nil }
	t.Cleanup(w.server.replay.Close)
	w.server.v1.Connections = &clients{
		all: map[uint64]graph.UserID{1: 1, 2: 2}, idents: map[graph.UserID]string{1: hostile[0], 2: hostile[1]},
	}
	w.tcp, w.socket = w.server.Handler(), w.server.SocketHandler()
	must[object](w, as("ada"), "POST /api/v1/authkeys", object{"ident": "again", "pub": []string{"*"}})
	for i, text := range hostile {
		w.publish(1, "geoloc.events", attackOf(text))
		w.refusals(entry.Refusal{
			Owner: 1, Ident: idents[i], Message: "Authkey not allowed to publish here.", Detail: text, Channel: text,
			Addr: "192.0.2.1", First: time.Now(), Last: time.Now(), Count: 1, Index: w.events.Applied(),
		})
		order := object{"channel": []string{"*"}, "from": "first", "text": text, "authkey": "again", "to": "x" + text}
		_ = w.send(as("ada"), "POST /api/v1/replays", order) // one that is refused is harmless, too
	}
	invitation := must[object](w, as("root"), "POST /api/v1/invitations", object{"role": "member", "note": hostile[0]})
	last := w.events.Applied()
	const all = "?channel=*&since=2023-01-01"
	groups := []string{"/groups/lab"}
	for g := range w.graph.Groups() {
		groups = append(groups, "/groups/"+url.PathEscape(g.Name))
	}
	addresses := map[string][]string{
		"/shares/{share}": nil, "/audit/{index}": nil, "/m/{position}": nil, "/m/{position}/payload": nil,
		"/groups/{group}": groups, "/help/{topic}": {"/help/limits"}, "/api/{group}": {"/api/shares"},
		"/invite/{secret}": {invitation["path"].(string)},
		"/authkey":         {"/authkey?ident=" + escape(idents[0])},
		"/shares":          {"/shares", "/shares?add&channel=" + escape(shares[0]) + "&to=group:lab"},
		"/shares/reach":    {"/shares/reach?to=group:lab&channel=" + escape(shares[0])},
		"/history":         {"/history" + all}, "/history/download": {"/history/download" + all},
		"/logs/download": {"/logs/download?form=csv", "/logs/download?form=ndjson"},
		"/live/messages": {"/live/messages?channel=*&from=1"},
		"/live/attacks":  {"/live/attacks?channel=geoloc.events&from=1"},
		"/live/logs":     {"/live/logs?from=%231.0"},
	}
	for i := range last {
		n := itoa(i + 1)
		addresses["/audit/{index}"] = append(addresses["/audit/{index}"], "/audit/"+n)
		addresses["/shares/{share}"] = append(addresses["/shares/{share}"], "/shares/"+n)
		addresses["/m/{position}"] = append(addresses["/m/{position}"], "/m/"+n+".0")
		addresses["/m/{position}/payload"] = append(addresses["/m/{position}/payload"], "/m/"+n+".0/payload")
	}
	for _, text := range hostile {
		addresses["/jump"] = append(addresses["/jump"], "/jump?q="+escape("share "+text), "/jump?q="+escape(text[:1]))
		addresses["/map"] = append(addresses["/map"], "/map?channel=geoloc.events&x="+escape(text))
	}
	var known routes
	w.server.pages.Register(&known, w.server.who.Socket)
	w.server.live.Register(&known, w.server.who.Socket, w.server.pages.Refuse)
	if len(known) < 50 {
		t.Fatalf("only %d routes", len(known))
	}
	streams := httptest.NewServer(w.socket)
	defer streams.Close()
	defer w.server.live.Close()
	for _, pattern := range known {
		path, ok := strings.CutPrefix(pattern, "GET ")
		if path = strings.TrimSuffix(path, "{$}"); !ok {
			continue
		}
		asked := addresses[path]
		if asked == nil && strings.Contains(path, "{") {
			t.Errorf("no address of %s is known here", path)
		}
		if asked == nil {
			asked = []string{path}
		}
		if !slices.ContainsFunc(asked, func(address string) bool { return w.keepsText(streams.URL, address) }) &&
			path != "/setup" { // it is closed
			t.Errorf("%s has shown nothing", path)
		}
	}
}

// attackOf is an event in which all that is text is the same.
func attackOf(text string) string {
	quoted, _ := json.Marshal(text)
	return fmt.Sprintf(`{"latitude":21,"longitude":105,"city":%s,"countrycode":%[1]s,"type":%[1]s,"latitude2":48,`+
		`"longitude2":11,"city2":%[1]s,"countrycode2":%[1]s}`, quoted)
}

// keepsText asks for an address, and checks what comes by its kind. It reports whether anything is there.
func (w *world) keepsText(server, address string) (there bool) {
	w.t.Helper()
	if strings.HasPrefix(address, "/live/") || address == "/kiosk/attacks" {
		return w.streamKeepsText(server + address)
	}
	for _, user := range []string{"ada", "bob", "root"} {
		rec := w.send(as(user), "GET "+address, nil)
		there = there || rec.Code == http.StatusOK
		kind, _, _ := strings.Cut(rec.Header().Get("Content-Type"), ";")
		if rec.Code >= 500 || strings.Contains(rec.Header().Get("Set-Cookie"), "x=1") {
			w.t.Errorf("%s for %s: %d %v", address, user, rec.Code, rec.Header())
		}
		if rec.Code != http.StatusOK || kind == "text/css" {
			continue
		}
		var bad []string
		switch body := rec.Body.String(); kind {
		case "text/html":
			bad = harms(body)
		case "text/csv":
			bad = formulas(body)
		case "application/octet-stream":
			if !strings.HasSuffix(address, "/payload") { // which is what was sent, as a file
				if one := new(bytes.Buffer); json.Compact(one, []byte(body)) == nil { // for people to read
					body = one.String()
				}
				bad = noLines(body)
			}
		default:
			bad = []string{kind}
		}
		if kind != "text/html" && (!strings.HasPrefix(rec.Header().Get("Content-Disposition"), "attachment; ") ||
			rec.Header().Get("X-Content-Type-Options") != "nosniff") {
			bad = append(bad, "a browser may show it")
		}
		if len(bad) > 0 {
			w.t.Errorf("%s for %s has %q", address, user, bad)
		}
	}
	return there
}

// formulas are the cells of a CSV file that a spreadsheet would compute, and what a terminal would obey.
func formulas(file string) (bad []string) {
	rows, err := csv.NewReader(strings.NewReader(file)).ReadAll()
	if err != nil {
		return []string{err.Error()}
	}
	for _, cell := range slices.Concat(rows...) {
		if strings.IndexAny(cell, "=+-@\t\r") == 0 || strings.ContainsAny(cell, "\x1b\x07") {
			bad = append(bad, cell)
		}
	}
	return bad
}

// noLines are the lines of a file that are no JSON of printable characters.
func noLines(file string) (bad []string) {
	for line := range strings.Lines(file) {
		if !json.Valid([]byte(line)) || strings.ContainsAny(strings.TrimSuffix(line, "\n"), "\x1b\x07\r") {
			bad = append(bad, line)
		}
	}
	return bad
}

var eventLine = regexp.MustCompile(`^(id: #[0-9.]+|event: [a-z]+|retry: [0-9]+|:.*|data: .*)?$`)

// streamKeepsText reads a stream up to the newest of what it is about: each line of it is of the protocol's, and data
// is JSON.
func (w *world) streamKeepsText(address string) (there bool) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set(api.AsHeader, "ada")
	r.Header.Set("Last-Event-ID", "#1.0")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	if strings.HasSuffix(address, "/kiosk/attacks") { // strangers see what comes from now on
		attacks := make(chan struct{})
		go func() {
			defer close(attacks)
			for again := time.NewTicker(20 * time.Millisecond); ctx.Err() == nil; <-again.C {
				w.publish(1, "geoloc.events", attackOf(hostile[0]), attackOf(hostile[len(hostile)-1]))
			}
		}()
		defer func() { cancel(); <-attacks }()
	}
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		data, isData := strings.CutPrefix(line, "data: ")
		if !eventLine.MatchString(line) || strings.ContainsAny(line, "\x1b\x07\r") || isData && !json.Valid([]byte(data)) {
			w.t.Errorf("%s has %q", address, line)
		}
		if isData && (strings.Contains(address, "/logs") || strings.Contains(data, "WWWW")) { // the last of the corpus
			return true
		}
	}
	w.t.Errorf("%s ended before the end of the corpus: %d", address, res.StatusCode)
	return false
}
