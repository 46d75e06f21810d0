package browser

import (
	"fmt"
	"strings"
	"testing"
)

// pages are all pages, each with what it is called in shots/ and whose eyes see it: a new page is a line here.
var pages = []struct {
	name, user, path string
	status           int
}{
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
	{"logs", "ada", "/logs", 200},
	{"groups", "ada", "/groups", 200},
	{"group", "ada", "/groups/honeynet", 200},
	{"search", "ada", "/search?q=cowrie", 200},
	{"account", "ada", "/account", 200},
	{"help", "ada", "/help", 200},
	{"help-history", "mallory", "/help/history", 200},
	{"help-search", "ada", "/help?q=cursor", 200},
	{"api", "ada", "/api", 200},
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
	{"message", "bob", "/m/{position}", 200},
	{"message-hex", "bob", "/m/{position}?as=hex", 200},
	{"problem", "ada", "/shares?at=whenever", 422},
}

// widths are how wide a page is seen, in pixels; the least is that of a small telephone.
var widths = []int64{1440, 390, 320}

func TestPages(t *testing.T) {
	b, w := Start(t), Demo(t)
	html := make(map[string][]byte)
	for _, page := range pages {
		t.Run(page.name, func(t *testing.T) {
			p := w.Tab(t, b, page.user)
			path := newest(p, page.path)
			html[page.path+" of "+page.user] = p.HTML(path)
			for _, theme := range []string{"light", "dark"} {
				for _, width := range widths {
					p.Look(width, theme)
					p.Expect(path, page.status)
					seen(t, p, fmt.Sprintf("%s-%d-%s", page.name, width, theme))
				}
			}
		})
	}
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
	if over := p.Wider(); over > 0 {
		t.Errorf("%s: %d pixels wider than the window", name, over)
	}
	p.Shot(name)
	for _, v := range p.Axe() {
		t.Errorf("%s: axe: %s", name, v)
	}
	_ = p.Complaints() // about axe's own styles
}

// Without script each page says the same.
func TestPagesWithoutScript(t *testing.T) {
	b, w := Start(t), Demo(t)
	for _, page := range pages {
		t.Run(page.name, func(t *testing.T) {
			p := w.Tab(t, b, page.user)
			path := newest(p, page.path)
			p.Expect(path, page.status)
			title, err := evaluate[string](p, "document.querySelector('h1').innerText")
			p.must(title, err)
			p.NoScript()
			p.Expect(path, page.status)
			p.See(title)
		})
	}
}

func TestLighthouseLikesPages(t *testing.T) {
	l, b, w := startLighthouse(t), Start(t), Demo(t)
	read := make(map[string]bool)
	for _, page := range pages {
		route, _, _ := strings.Cut(page.path, "?")
		if read[route] || page.status >= 400 {
			continue // it takes 7 s a page, and reads no refusals
		}
		read[route] = true
		t.Run(page.name, func(t *testing.T) {
			p := w.Tab(t, b, page.user)
			for _, s := range l.Short(w.URL+newest(p, page.path), p.cookies()) {
				t.Errorf("%s: %s", page.path, s)
			}
		})
	}
}

// newest puts a message's position into a path: that of the newest one which the user of the tab may read.
func newest(p *Tab, path string) string {
	if !strings.Contains(path, "{position}") {
		return path
	}
	p.Open("/live")
	p.See("cowrie")
	link, err := evaluate[string](p, `document.querySelector("a[href^='/m/']").getAttribute("href")`)
	p.must(link, err)
	return strings.ReplaceAll(path, "/m/{position}", link)
}
