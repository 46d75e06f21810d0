package web

import (
	"context"
	"fmt"
	htmlpkg "html"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"hpfriends/api"
	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
)

// Fields that take a user, a group or a channel suggest those that who looks may see, and at most 100 of them.
func TestFieldsSuggestNames(t *testing.T) {
	w := newWorld(t)
	w.users("ada", "bob", "root")
	w.submit("ada", "/groups", "do", "add", "name", "lab")
	w.publish(1, "cowrie.sessions", "x")
	for i := range 110 {
		w.users(fmt.Sprintf("user%03d", i))
	}
	for _, tt := range []struct {
		address, list string
		fields        int
		suggests      string
	}{
		{"/graph", "users", 2, "bob"}, {"/graph", "channels", 1, "cowrie.sessions"},
		{"/why", "users", 2, "bob"}, {"/why", "channels", 1, "cowrie.sessions"},
		{"/groups/lab", "users", 1, "bob"}, {"/admin", "groups", 1, "lab"}, {"/audit", "users", 2, "bob"},
	} {
		_, html := w.page("root", tt.address)
		list := regexp.MustCompile(`(?s)<datalist id="` + tt.list + `">(.*?)</datalist>`).FindStringSubmatch(html)
		if list == nil || strings.Count(html, ` list="`+tt.list+`"`) != tt.fields {
			t.Errorf("%s: no list %s of %d fields: %s", tt.address, tt.list, tt.fields, html)
			continue
		}
		if n := strings.Count(list[1], "<option"); n > 100 || !strings.Contains(list[1], `"`+tt.suggests) {
			t.Errorf("%s: %s has %d: %s", tt.address, tt.list, n, list[1])
		}
	}
}

// A row of Authkeys has the original's actions: its secret is revealed, and it is removed once its name is typed.
func TestAuthkeysInTheirRows(t *testing.T) {
	w := newWorld(t)
	w.users("ada")
	w.submit("ada", "/authkeys", "do", "add", "ident", "k1", "pub", "c")
	_, html := w.page("ada", "/authkeys")
	row := regexp.MustCompile(`(?s)<tr>\s*<td data-label="Identifier">.*?</tr>`).FindString(html)
	for _, want := range []string{"Secret", `value="reveal"`, `value="remove"`, `name="sure"`, `value="k1"`} {
		if !strings.Contains(row, want) {
			t.Errorf("the row lacks %s: %s", want, row)
		}
	}
	if status, html := w.submit("ada", "/authkeys", "do", "reveal", "ident", "k1"); status != http.StatusOK ||
		!says(html, "This is the secret.") {
		t.Errorf("%d: %s", status, text(html))
	}
}

// A refusal of an ident that nobody has says what to do: the form that adds it, or nothing.
func TestUnknownIdentSaysWhatToDo(t *testing.T) {
	w := newWorld(t)
	w.users("root")
	w.refusals(entry.Refusal{
		Ident: "pot 9", Message: "Pre-auth: Authkey not found.", Addr: "192.0.2.3", First: time.Now(), Last: time.Now(),
		Count: 1, Index: 12,
	})
	_, html := w.page("root", "/logs")
	if !says(html, "If the sensor is yours, add one with this identifier", "somebody’s mistake") ||
		says(html, "is none of it") {
		t.Error(text(html))
	}
	link := regexp.MustCompile(`href="(/authkeys\?add=1&amp;ident=[^"]+)`).FindStringSubmatch(html)
	if link == nil {
		t.Fatal(html)
	}
	address, _, _ := strings.Cut(htmlpkg.UnescapeString(link[1]), "#")
	_, html = w.page("root", address)
	if !strings.Contains(html, `name="ident" class="mono" value="pot 9"`) {
		t.Error(text(html))
	}
}

// Connect a sensor answers with the secret, what to paste, and a part of the page that waits for the first event. The
// sensor is named by its kind, or as one chooses; a name that would break a configuration is refused.
func TestConnectedSensorIsAwaited(t *testing.T) {
	w := newWorld(t)
	w.users("ada")
	waits := regexp.MustCompile(`id="first" data-hx-get="(/connect\?ident=[^"]+)"`)
	for ident, want := range map[string]string{
		"": `identifier = (cowrie-[0-9a-f]{4})\n`, "pot3": `identifier = (pot3)\n`,
	} {
		status, html := w.submit("ada", "/connect", "do", "connect", "sensor", "cowrie", "ident", ident)
		named, again := regexp.MustCompile(want).FindStringSubmatch(html), waits.FindStringSubmatch(html)
		if status != http.StatusOK || named == nil || again == nil || again[1] != "/connect?ident="+named[1] ||
			!strings.Contains(html, `id="issued-secret"`) || !says(html, "Nothing has come from it yet", "Look again") {
			t.Fatalf("%q: %d %v %v %s", ident, status, named, again, text(html))
		}
		status, html = w.page("ada", again[1])
		if status != http.StatusOK || waits.FindString(html) == "" || strings.Contains(html, "issued-secret") {
			t.Errorf("%q is awaited: %d %s", ident, status, text(html))
		}
	}
	for _, ident := range []string{"a b", `a"b`, "a\nsecret = x", "-x"} {
		before := w.graph.Index()
		status, html := w.submit("ada", "/connect", "do", "connect", "sensor", "cowrie", "ident", ident)
		if status != http.StatusUnprocessableEntity || w.graph.Index() != before {
			t.Errorf("%q: %d %s", ident, status, text(html))
		}
	}
	status, html := w.submit("ada", "/connect", "do", "connect", "sensor", "cowrie", "ident", "pot3")
	if status/100 != 4 || !strings.Contains(html, `value="pot3"`) {
		t.Errorf("the same again: %d %s", status, text(html))
	}
}

// What a refusal says to do is something that pages do, for whoever reads them there; the API says it as it was.
func TestHintsOnPages(t *testing.T) {
	w := newWorld(t)
	w.users("ada", "bob", "root")
	must[any](w, operator(), "PATCH /api/v1/users/ada/limits", object{"groups": 1})
	w.submit("ada", "/groups", "do", "add", "name", "lab")
	w.submit("ada", "/shares", "do", "add", "channel", "c", "to", "bob")
	for _, tt := range []struct {
		address      string
		fields       []string
		says, anchor string
	}{
		{"/groups/nothing", nil, "List what you can see on Groups", `on <a href="/groups">Groups</a>`},
		{"/groups", []string{"do", "add", "name", "two"}, "Remove some, or ask an admin to raise it", ""},
		{"/why?from=ada&to=bob&channel=c", nil, "Ask bob to enable it.", ""},
	} {
		_, html := w.page("ada", tt.address)
		if tt.fields != nil {
			_, html = w.submit("ada", tt.address, tt.fields...)
		}
		_, main, _ := strings.Cut(html, "<main")
		main, _, _ = strings.Cut(main, "</main>")
		if !says(main, tt.says) || !strings.Contains(main, tt.anchor) || strings.Contains(main, "hpfriends ") {
			t.Errorf("%s: %s", tt.address, main)
		}
	}
	rec := w.send(as("ada"), "GET /api/v1/groups/nothing", nil)
	if !strings.Contains(rec.Body.String(), "hpfriends group ls") {
		t.Errorf("the API: %s", rec.Body)
	}
}

// A node that is alone has its row in Cluster, too.
func TestClusterOfOneNode(t *testing.T) {
	w := newWorld(t)
	w.users("root")
	w.server.v1.Cluster = lone{}
	w.server.v1.Connections = &clients{all: map[uint64]graph.UserID{1: 1, 2: 1}, idents: map[graph.UserID]string{1: "k"}}
	status, html := w.page("root", "/cluster")
	if status != http.StatusOK || !says(html, "alone", "serves", "#"+itoa(w.graph.Index()), "1.2.3") ||
		!strings.Contains(html, `<a href="/connections">2</a>`) ||
		!strings.Contains(html, "<code>--cluster HOST:PORT --bootstrap</code>") {
		t.Errorf("%d %s", status, html)
	}
}

// lone is a node without a cluster.
type lone struct{ cluster }

func (lone) ClusterStatus(context.Context) (api.Cluster, error) {
	return api.Cluster{}, &graph.Error{
		Code: graph.Conflict, Msg: "this node is alone", Hint: "start it with --cluster HOST:PORT --bootstrap",
	}
}

// What reads gets an authkey that may subscribe and not publish, and is awaited until it has read; what reads by HTTP
// gets a command, and no authkey.
func TestReadersAreConnected(t *testing.T) {
	w := newWorld(t)
	w.users("ada")
	_, html := w.submit("ada", "/connect", "do", "connect", "sensor", "logstash", "ident", "elk")
	if !says(html, "Paste this into Logstash", `channels => ["cowrie.*?durable=logstash&echo=1"]`,
		"It may subscribe to cowrie.*", "It has read nothing yet.") {
		t.Error(text(html))
	}
	key, ok := w.graph.AuthkeyByIdent("elk")
	if !ok || len(key.Pub) != 0 || len(key.Sub) != 1 || key.Sub[0] != "cowrie.*" {
		t.Errorf("it may publish on %v and subscribe to %v", key.Pub, key.Sub)
	}
	stored, tx := entry.Usage{Received: 1, LastSeen: time.Now()}, w.events.BeginUpdate()
	tx.Put(eventlog.SpaceStats, eventlog.IndexKey(uint64(key.ID)), stored.AppendStored(nil))
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if _, html = w.page("ada", "/connect?ident=elk"); !says(html, "It has read its first message") ||
		strings.Contains(html, "data-hx-get") {
		t.Error(text(html))
	}
	before := w.graph.Index()
	_, html = w.submit("ada", "/connect", "do", "connect", "sensor", "curl")
	if !says(html, "curl reads by HTTP", "/api/v1/messages?channel=cowrie.*&since=2h", "Account") ||
		w.graph.Index() != before {
		t.Error(text(html))
	}
}

// What was refused to a sensor before its first event is told while that is waited for, and not after.
func TestOldRefusalsEndWithTheFirstEvent(t *testing.T) {
	w := newWorld(t)
	w.users("ada")
	w.submit("ada", "/connect", "do", "connect", "sensor", "cowrie", "ident", "pot3")
	key, _ := w.graph.AuthkeyByIdent("pot3")
	w.refusals(entry.Refusal{
		Owner: 1, Ident: "pot3", Message: "Pre-auth: Authkey secret hash incorrect.", Addr: "192.0.2.3", First: time.Now(),
		Last: time.Now(), Count: 1, Index: 12,
	})
	if _, html := w.page("ada", "/connect?ident=pot3"); !says(html, "It was refused", "secret hash incorrect") {
		t.Error(text(html))
	}
	stored, tx := entry.Usage{Published: 1, LastSeen: time.Now()}, w.events.BeginUpdate()
	tx.Put(eventlog.SpaceStats, eventlog.IndexKey(uint64(key.ID)), stored.AppendStored(nil))
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if _, html := w.page("ada", "/connect?ident=pot3"); !says(html, "Its first event has arrived") ||
		says(html, "It was refused") || strings.Contains(html, "data-hx-get") {
		t.Error(text(html))
	}
}
