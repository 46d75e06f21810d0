package web

import (
	"net/http"
	"testing"
)

// Who is lost in a browser reads a page that leads on, a stranger too; a program reads a line.
func TestLostReadAPage(t *testing.T) {
	w := newWorld(t)
	w.users("ada")
	stranger, ada := caller{header: http.Header{}}, as("ada")
	for _, who := range []caller{stranger, ada} {
		who.header.Set("Accept", "text/html,application/xhtml+xml")
	}
	for name, tt := range map[string]struct {
		who  caller
		want []string
	}{
		"a stranger": {stranger, []string{"Not found", "There is no page at this address.", "Log in"}},
		"ada":        {ada, []string{"There is no page at this address.", "The menu has those"}},
		"a program":  {as("ada"), []string{"404 page not found"}},
	} {
		rec := w.send(tt.who, "GET /no/such/page", nil)
		if rec.Code != http.StatusNotFound || !says(rec.Body.String(), tt.want...) {
			t.Errorf("%s: %d %s", name, rec.Code, text(rec.Body.String()))
		}
	}
}

// What is wrong with a field is told in the words of the page, with the forms that there are.
func TestWrongFieldsAreNamed(t *testing.T) {
	w := newWorld(t)
	w.users("ada", "root")
	for _, field := range []string{"since", "until"} {
		if _, html := w.page("ada", "/history?"+field+"=whenever"); !says(html, `"whenever" is not a time or a position.`,
			"a position like #812.4, or a time:") {
			t.Errorf("%s: %s", field, text(html))
		}
	}
	_, html := w.submit("root", "/admin", "do", "invite", "role", "member", "uses", "-4")
	if !says(html, "Uses: expected number >= 0.") || says(html, "body.") {
		t.Error(text(html))
	}
}
