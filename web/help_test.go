package web

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// The documents are shown with this server's addresses and the reader's own names in their examples.
func TestHelpIsFilledIn(t *testing.T) {
	w := newWorld(t)
	w.users("ada", "bob")
	w.send(as("ada"), "POST /api/v1/authkeys", object{"ident": `<i>'"`, "sub": []string{"cowrie.*"}})
	status, html := w.page("ada", "/help/integrations")
	if status != http.StatusOK || !says(html, "Integrations", `--host example.com -p 10000 -i <i>'" -s SECRET`,
		"http://example.com/api/v1/messages?channel=cowrie.*&since=2h") || strings.Contains(html, "<i>") {
		t.Errorf("%d %s", status, text(html))
	}
	if _, html = w.page("bob", "/help"); !says(html, "Getting started", "Tell them your handle, bob",
		"-i IDENT -s SECRET", "No authkey of yours may subscribe") {
		t.Error(text(html))
	}
	for _, a := range harms(html) {
		t.Error(a)
	}
	if status, _ = w.page("bob", "/help/nothing"); status != http.StatusNotFound {
		t.Errorf("a document that is not there: %d", status)
	}
}

// A search in the documents finds the parts that have all words, and leads to them.
func TestHelpIsSearched(t *testing.T) {
	w := newWorld(t)
	w.users("ada")
	_, html := w.page("ada", "/help?q=durable+cursor")
	if !says(html, "History with any hpfeeds client · Resuming") ||
		!strings.Contains(html, `href="/help/history#resuming"`) {
		t.Error(text(html))
	}
	_, html = w.page("ada", "/help?q=%3Cscript%3Ewordless")
	if !says(html, "0 parts of the documents with “<script>wordless”") {
		t.Error(text(html))
	}
}

// The pages of the API have every operation of the document, under an anchor, with a command that calls it here.
func TestReferenceHasEveryOperation(t *testing.T) {
	w := newWorld(t)
	w.users("ada")
	var doc struct {
		Paths map[string]map[string]struct{ OperationID, Summary string }
	}
	if err := json.Unmarshal(w.send(caller{}, "GET /api/openapi.json", nil).Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	_, overview := w.page("ada", "/api")
	groups, html := make(map[string]string), "" // and all of them
	for _, m := range regexp.MustCompile(`<a href="/api/(\w+)"`).FindAllStringSubmatch(overview, -1) {
		if groups[m[1]] == "" {
			_, groups[m[1]] = w.page("ada", "/api/"+m[1])
			html += groups[m[1]]
		}
	}
	for path, methods := range doc.Paths {
		for _, o := range methods {
			link := regexp.MustCompile(`<a href="/api/(\w+)#` + o.OperationID + `"`).FindStringSubmatch(overview)
			if link == nil || !says(overview, o.Summary, path) ||
				!strings.Contains(groups[link[1]], `id="`+o.OperationID+`"`) || !says(groups[link[1]], o.Summary, path) {
				t.Errorf("%s is missing", o.OperationID)
			}
		}
	}
	if len(doc.Paths) < 50 || !says(html,
		`curl -X POST -H 'Authorization: Bearer TOKEN' 'http://example.com/api/v1/shares' \`,
		`-d '{"channel":"cowrie.*","to":"bob"}'`, "curl -X POST -u ada 'http://example.com/api/v1/tokens'",
		"'http://example.com/api/v1/audit/diff?from=2h'", `{"node":"n2"}`) {
		t.Error("the commands are not as expected")
	}
	for name, html := range groups {
		for _, m := range regexp.MustCompile(`href="#([^"]*)"`).FindAllStringSubmatch(html, -1) {
			if strings.Count(html, `id="`+m[1]+`"`) != 1 {
				t.Errorf("%s: #%s is there %d times", name, m[1], strings.Count(html, `id="`+m[1]+`"`))
			}
		}
	}
	for _, m := range regexp.MustCompile(`href="/api#([^"]*)"`).FindAllStringSubmatch(html, -1) {
		if !strings.Contains(overview, `id="`+m[1]+`"`) {
			t.Errorf("/api#%s is not there", m[1])
		}
	}
	if got := w.send(as("ada"), "GET /api/nothing", nil); got.Code != http.StatusNotFound {
		t.Errorf("a group that there is not: %d", got.Code)
	}
}

// Every link of a page to Help, and of Help to a page or a part of a document, leads somewhere.
func TestHelpLeadsSomewhere(t *testing.T) {
	w := newWorld(t)
	w.users("root")
	links := regexp.MustCompile(`<a href="(/[^"]*)"`)
	found, pages := 0, make(map[string]string)
	from := []string{
		"/", "/shares", "/incoming", "/authkeys", "/connect", "/groups", "/logs", "/why", "/live", "/history", "/audit",
		"/search", "/cluster", "/account", "/preferences", "/help/start", "/help/integrations", "/help/history",
		"/help/limits", "/help/cluster", "/help/reliability", "/help/performance", "/help/design",
	}
	for _, page := range from {
		_, html := w.page("root", page)
		for _, m := range links.FindAllStringSubmatch(html, -1) {
			if !strings.HasPrefix(page, "/help") && !strings.HasPrefix(m[1], "/help/") {
				continue
			}
			found++
			path, part, _ := strings.Cut(m[1], "#")
			there, known := pages[path]
			status := http.StatusOK
			if !known {
				status, there = w.page("root", path)
				pages[path] = there
			}
			if status != http.StatusOK || part != "" && !strings.Contains(there, `id="`+part+`"`) {
				t.Errorf("%s leads to %s: %d", page, m[1], status)
			}
		}
	}
	if found < 100 {
		t.Errorf("%d links: this test looks at too little", found)
	}
}
