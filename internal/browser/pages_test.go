package browser

import (
	"fmt"
	"strings"
	"testing"
)

// pages are all pages, each with what it is called in shots/ and whose eyes see it: a new page is a line here.
var pages = []struct{ name, user, path string }{
	{"home", "bob", "/"},
	{"home-new", "mallory", "/"},
	{"shares", "ada", "/shares"},
	{"shares-add", "ada", "/shares?add"},
	{"shares-hostile", "mallory", "/shares"},
	{"incoming", "ada", "/incoming"},
	{"why", "cleo", "/why?from=ada&to=cleo&channel=dionaea.capture"},
	{"preferences", "ada", "/preferences"},
}

// widths are how wide a page is seen, in pixels; the least is that of a small telephone.
var widths = []int64{1440, 390, 320}

func TestPages(t *testing.T) {
	b, w := Start(t), Demo(t)
	html := make(map[string][]byte)
	for _, page := range pages {
		t.Run(page.name, func(t *testing.T) {
			p := b.Tab(t, w.As(page.user))
			html[page.path+" of "+page.user] = p.HTML(page.path)
			for _, theme := range []string{"light", "dark"} {
				for _, width := range widths {
					seen(t, p, page.name, page.path, theme, width)
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

// seen looks at a page in one theme and width.
func seen(t *testing.T, p *Tab, name, path, theme string, width int64) {
	look := fmt.Sprintf("%s at %d, %s", path, width, theme)
	p.Look(width, theme)
	p.Open(path)
	for _, c := range p.Complaints() {
		t.Errorf("%s: the browser complains: %s", look, c)
	}
	if over := p.Wider(); over > 0 {
		t.Errorf("%s: %d pixels wider than the window", look, over)
	}
	if width == 320 {
		return // the rest is as at 390
	}
	p.Shot(fmt.Sprintf("%s-%d-%s", name, width, theme))
	for _, v := range p.Axe() {
		t.Errorf("%s: axe: %s", look, v)
	}
	_ = p.Complaints() // about axe's own styles
}

// Without script each page says the same.
func TestPagesWithoutScript(t *testing.T) {
	b, w := Start(t), Demo(t)
	for _, page := range pages {
		t.Run(page.name, func(t *testing.T) {
			p := b.Tab(t, w.As(page.user))
			p.Open(page.path)
			title, err := evaluate[string](p, "document.querySelector('h1').innerText")
			p.must(title, err)
			p.NoScript()
			p.Open(page.path)
			p.See(title)
		})
	}
}

func TestLighthouseLikesPages(t *testing.T) {
	l, w := startLighthouse(t), Demo(t)
	read := make(map[string]bool)
	for _, page := range pages {
		route, _, _ := strings.Cut(page.path, "?")
		if read[route] {
			continue // it takes 7 s a page
		}
		read[route] = true
		t.Run(page.name, func(t *testing.T) {
			for _, s := range l.Short(w.As(page.user)+page.path, "") {
				t.Errorf("%s: %s", page.path, s)
			}
		})
	}
}
