package web

import (
	"net/http"
	"strings"
	"testing"
)

// What is typed into the palette leads to pages, moments, objects and acts, as far as who asks may see them.
func TestPalette(t *testing.T) {
	w := newWorld(t)
	w.users("ada", "bob", "root")
	w.submit("ada", "/authkeys", "do", "add", "ident", "ada-key", "pub", "cowrie.*")
	w.submit("ada", "/shares", "do", "add", "channel", "cowrie.*", "to", "bob", "note", "<b>")
	for _, test := range []struct{ user, typed, says, address string }{
		{"ada", "", "page Shares", `href="/shares"`},
		{"ada", "con se", "page Connect a sensor", `href="/connect"`},
		{"ada", "who could", "page Who could read a channel?", `href="/audit/access"`},
		{"ada", "#812.4", "message #812.4", `href="/m/812.4"`},
		{"ada", "#3", "as of Graph as of #3", `href="/graph?at=%233"`},
		{"ada", "2h", "UTC, 2 h ago", `href="/history?since=2h"`},
		{"ada", "2026-11-20 14:30", "as of Shares as of 2026-11-20 14:30:00",
			`href="/shares?at=2026-11-20&#43;14%3A30%3A00"`},
		{"ada", "logout", "do Log out", `form="logout"`},
		{"ada", "dark", "do Theme and time zone", `href="/preferences"`},
		{"ada", "integrations", "page Integrations", `href="/help/integrations"`},
		{"ada", "share cowrie.* with bob", "do Share cowrie.* with bob …", `href="/shares?add=&amp;channel=cowrie.%2A&amp;to=bob"`},
		{"ada", "why does bob not get cowrie.x?", "do Why does bob not get cowrie.x from ada?",
			`href="/why?channel=cowrie.x&amp;from=ada&amp;to=bob"`},
		{"bob", "why do I not get cowrie.x", "do Why does bob not get cowrie.x from ada?",
			`href="/why?channel=cowrie.x&amp;from=ada&amp;to=bob"`},
		{"bob", "accept cowrie", "do Enable cowrie.* of ada <b>", `form="accept" name="share" value="`},
		{"ada", "bob", "person bob", `href="/shares?to=bob"`},
		{"ada", "ada-key", "authkey ada-key", `href="/authkey?ident=ada-key"`},
	} {
		status, html := w.page(test.user, "/jump?q="+escape(test.typed))
		if status != http.StatusOK || !says(html, test.says) || !strings.Contains(html, test.address) {
			t.Errorf("%s types %q: %d %s", test.user, test.typed, status, html)
		}
		_, html = w.page(test.user, "/search?q="+escape(test.typed))
		if strings.HasPrefix(test.says, "do Enable") {
			test.address = `<button name="do" value="enable">Enable cowrie.* of ada</button>`
		}
		if test.typed == "logout" {
			test.address = `<form method="post" action="/logout"><button>Log out</button></form></li>`
		}
		if test.typed != "" && !strings.HasPrefix(test.typed, "#812") && !strings.Contains(html, test.address) &&
			!strings.HasPrefix(test.says, "person") {
			t.Errorf("%s searches for %q without script: %s", test.user, test.typed, text(html))
		}
	}
	for _, typed := range []string{"ada-key", "admin", "accept nothing"} {
		if _, html := w.page("bob", "/jump?q="+escape(typed)); strings.Contains(html, "href") {
			t.Errorf("bob types %q: %s", typed, html)
		}
	}
	if _, html := w.page("root", "/jump?q=admin"); !says(html, "page Admin") {
		t.Error(html)
	}
}

// Whoever wants no single keys gets a page without them.
func TestSingleKeysAreSwitchedOff(t *testing.T) {
	w := newWorld(t)
	w.users("ada")
	_, html := w.submit("ada", "/preferences", "do", "set", "zone", "UTC", "keys", "off")
	if !strings.Contains(html, `data-keys="off"`) || strings.Contains(html, `id="keys"`) {
		t.Error(html)
	}
	if _, html = w.page("ada", "/preferences"); strings.Contains(html, `data-keys="off"`) || !strings.Contains(html, `id="keys"`) {
		t.Error(html)
	}
}
