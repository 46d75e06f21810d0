package browser

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/internal/load"
	"hpfriends/wire"
)

// view is a page as somebody sees it.
type view struct {
	name   string // in shots/
	user   string // whose eyes see it; empty: a stranger's
	path   string // with a place for what only the server knows: {share}
	status int
}

// pages are all pages of the demo: a new page is a line here.
var pages = []view{
	{"home", "bob", "/", 200},
	{"home-new", "mallory", "/", 200},
	{"shares", "ada", "/shares", 200},
	{"shares-add", "ada", "/shares?add", 200},
	{"shares-hostile", "mallory", "/shares", 200},
	{"incoming", "ada", "/incoming", 200},
	{"why", "cleo", "/why?from=ada&to=cleo&channel=dionaea.capture", 200},
	{"preferences", "ada", "/preferences", 200},
	{"authkeys-hostile", "mallory", "/authkeys", 200},
	{"groups-hostile", "mallory", "/groups", 200},
	{"login", "", "/login", 200},
	{"authkeys", "ada", "/authkeys", 200},
	{"authkeys-add", "ada", "/authkeys?add", 200},
	{"connect", "ada", "/connect", 200},
	{"connections", "grace", "/connections", 200},
	{"connections-none", "mallory", "/connections", 200},
	{"logs", "ada", "/logs", 200},
	{"groups", "ada", "/groups", 200},
	{"group", "ada", "/groups/honeynet", 200},
	{"group-admin", "bob", "/groups/malware-exchange", 200},
	{"group-asking", "bob", "/groups/honeynet", 200},
	{"group-asked", "nils", "/groups/honeynet", 200},
	{"group-outside", "ada", "/groups/cert-eu", 200},
	{"search", "ada", "/search?q=cowrie", 200},
	{"search-address", "ada", "/search?q=203.0.113.66", 200},
	{"account", "ada", "/account", 200},
	{"help", "ada", "/help", 200},
	{"help-history", "mallory", "/help/history", 200},
	{"help-search", "ada", "/help?q=cursor", 200},
	{"api", "ada", "/api", 200},
	{"api-group", "ada", "/api/cluster", 200},
	{"history", "bob", "/history", 200},
	{"map", "bob", "/map", 200},
	{"graph", "ada", "/graph", 200},
	{"graph-way", "cleo", "/graph?from=ada&to=cleo&channel=cowrie.sessions", 200},
	{"audit", "ada", "/audit", 200},
	{"access", "ada", "/audit/access?channel=dionaea.capture", 200},
	{"diff", "ada", "/audit/diff?from=%231", 200},
	{"reach", "ada", "/shares?channel=dionaea.*&to=group:everyone&type=all", 200},
	{"past", "ada", "/shares?at=%2316", 200},
	{"live", "bob", "/live", 200},
	{"message", "bob", "{message}", 200},
	{"message-hex", "bob", "{message}?as=hex", 200},
	{"share", "ada", "{share}", 200},
	{"share-hostile", "mallory", "{share}", 200},
	{"authkey", "ada", "{authkey}", 200},
	{"authkey-hostile", "mallory", "{authkey}", 200},
	{"event", "ada", "{event}", 200},
	{"event-hostile", "mallory", "{event}", 200},
	{"invited", "", "{invitation}", 200},
	{"invited-group", "ada", "{membership}", 200},
	{"admin", "grace", "/admin", 200},
	{"cluster-alone", "grace", "/cluster", 200},
	{"logs-all", "grace", "/logs", 200},
	{"graph-all", "grace", "/graph", 200},
	{"incoming-new", "nils", "/incoming", 200},
	{"connecting", "ada", "/connect?ident=cowrie-fra1", 200},
	{"why-fix", "cleo", "/why?from=cleo&to=nils&channel=cert.advisories", 200},
	{"audit-hostile", "mallory", "/audit", 200},
	{"search-hostile", "mallory", "/search?q=script", 200},
	{"problem", "ada", "/shares?at=whenever", 422},
	{"problem-field", "ada", "/history?since=whenever", 200},
	{"lost", "ada", "/no/such/page", 404},
	{"lost-stranger", "", "/no/such/page", 404},
	{"forbidden", "ada", "/admin", 403},
	{"message-none", "ada", "/m/1.1", 404},
	{"uninvited", "", "/invite/none", 404},
}

// more are pages of other servers: one that nobody has used, and a cluster of three.
var more = map[string][]view{
	"empty": {
		{"setup", "", "{setup}", 200}, {"setup-closed", "", "/setup", 404}, {"login-unset", "", "/login", 200},
	},
	"kiosk": {{"kiosk", "", "/kiosk", 200}},
	"three": {{"cluster", "grace", "/cluster", 200}},
}

// everywhere calls see with each page, on a server that has it.
func everywhere(t *testing.T, b *Browser, see func(t *testing.T, p *Tab, v view, path string)) {
	worlds := map[string]*World{"demo": Demo(t), "empty": Empty(t), "kiosk": kiosk(t), "three": &Three(t).Nodes[0].World}
	admin := api.NewUser{Handle: "grace", Password: api.NewSecret(Password), Role: graph.Admin}
	if _, err := api.AddUser.Call(t.Context(), worlds["three"].API, api.With[api.NewUser]{Body: admin}); err != nil {
		t.Fatal(err)
	}
	for name, w := range worlds {
		views := more[name]
		if name == "demo" {
			views = pages
		}
		for _, v := range views {
			t.Run(v.name, func(t *testing.T) {
				p := w.Tab(t, b, v.user)
				see(t, p, v, w.Place(p, v.path))
			})
		}
	}
}

// kiosk is a server whose map everybody may see, with an attack by somebody who writes what they like.
func kiosk(t *testing.T) *World {
	t.Helper()
	w := Empty(t, "--kiosk", "ada:test.attacks")
	befriend(t, w)
	k := load.KeyOf("ada")
	c, err := load.Login(t.Context(), w.Hpfeeds, k)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	event, err := json.Marshal(map[string]any{
		"latitude": 21, "longitude": 105, "city": hostile, "countrycode": "VN", "type": hostile,
		"latitude2": 50.1, "longitude2": 8.7, "countrycode2": "DE",
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write(wire.AppendPublish(nil, k.Ident, "test.attacks", event)); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(startTimeout); ; time.Sleep(20 * time.Millisecond) {
		in := api.MessageQuery{Channel: []string{"test.attacks"}, From: "first"}
		if n, err := api.CountMessages.Call(t.Context(), w.API.As("ada"), in); err == nil && n.Messages == 1 {
			return w
		}
		if time.Now().After(end) {
			t.Fatal("the attack does not arrive")
		}
	}
}

// widths are how wide a page is seen, in pixels.
var widths = []int64{1440, 390}

// between are widths of windows that are neither a telephone's nor a whole screen: where tables have least room.
var between = []int64{760, 1024, 1200}

// narrowest is the width of a small telephone, on which a page has to fit.
const narrowest = 320

// looks are what a page is checked in, each after a visit: between them they have both widths and both themes. A page
// is photographed in the other theme too.
var looks = []struct {
	width        int64
	theme, other string
}{{widths[0], "light", "dark"}, {widths[1], "dark", "light"}}

// A page looks right in every width and theme, is valid HTML, and says the same without script.
func TestPages(t *testing.T) {
	html := make(map[string][]byte)
	everywhere(t, Start(t), func(t *testing.T, p *Tab, v view, path string) {
		html[v.path+" of "+v.user] = p.HTML(path)
		for _, l := range looks {
			p.Look(l.width, l.theme)
			p.Expect(path, v.status)
			seen(t, p, fmt.Sprintf("%s-%d-%s", v.name, l.width, l.theme))
			p.Look(l.width, l.other)
			p.Shot(fmt.Sprintf("%s-%d-%s", v.name, l.width, l.other))
		}
		p.Look(narrowest, "light")
		fits(t, p, v.name)
		for _, width := range between {
			p.Look(width, "light")
			name := fmt.Sprintf("%s at %d", v.name, width)
			fits(t, p, name)
			for _, text := range p.Broken() {
				t.Errorf("%s: %s", name, text)
			}
		}
		title, err := evaluate[string](p, "document.querySelector('h1').innerText")
		p.must(title, err)
		p.NoScript()
		p.Expect(path, v.status)
		p.See(title)
	})
	for page, faults := range invalid(t, html) {
		for _, f := range faults {
			t.Errorf("%s: %s", page, f)
		}
	}
}

// seen looks at the page that is open.
func seen(t *testing.T, p *Tab, name string) {
	for _, c := range p.Complaints() {
		t.Errorf("%s: the browser complains: %s", name, c)
	}
	p.Unfold()
	fits(t, p, name)
	p.Shot(name)
	for _, v := range p.Axe() {
		t.Errorf("%s: axe: %s", name, v)
	}
	_ = p.Complaints() // about axe's own styles
}

func fits(t *testing.T, p *Tab, name string) {
	if over := p.Wider(); over > 0 {
		t.Errorf("%s: %d pixels wider than the window", name, over)
	}
}

func TestLighthouseLikesPages(t *testing.T) {
	l := startLighthouse(t)
	read := make(map[string]bool)
	everywhere(t, Start(t), func(t *testing.T, p *Tab, v view, path string) {
		route, _, _ := strings.Cut(v.path, "?")
		if read[route] || v.status >= 400 {
			return // it takes 7 s a page, and reads no refusals
		}
		read[route] = true
		for _, s := range l.Short(p.origin+path, p.cookies()) {
			t.Errorf("%s: %s", v.path, s)
		}
	})
}
