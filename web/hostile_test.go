package web

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"hpfriends/api"
)

// hostile is what attackers and members may write where they can write anything.
var hostile = []string{
	`"><script>alert(1)</script>`, `'><img src=x onerror=alert(2)>`, `</title></textarea></style><svg onload=alert(3)>`,
	`{{.}}${7*7}<%= 7 %>`, "\x1b]0;owned\x07\x1b[31m", "\u202egpj.exe\u2066\u200b",
	`=cmd|'/C calc'!A1`, "a\r\nSet-Cookie: x=1",
	`javascript:alert(4)`, `&lt;b&gt;%3Cb%3E`, strings.Repeat("W", 300),
}

// harmful is what none of it may leave in a page: markup that it began, characters that change what is seen. Fields of
// forms alone hold the characters themselves: what is edited must come back as it was.
var (
	markup = []string{"<script>alert", "<img src=x", "<svg onload", "</title></textarea>", `href="javascript:`}
	unseen = []string{"\x1b", "\x07", "\u202e", "\u2066", "\u200b"}
	values = regexp.MustCompile(` value="[^"]*"`)
)

// harms returns what of it a page has.
func harms(html string) (found []string) {
	for _, bad := range markup {
		if strings.Contains(html, bad) {
			found = append(found, bad)
		}
	}
	html = values.ReplaceAllString(html, "")
	for _, bad := range unseen {
		if strings.Contains(html, bad) {
			found = append(found, bad)
		}
	}
	return found
}

// hostileWorld is a world in which all that can be written is hostile, and the idents and channels that it took.
func hostileWorld(t *testing.T) (w *world, idents, shares []string) {
	t.Helper()
	w = newWorld(t)
	w.users("ada", "bob", "root")
	must[api.Created](w, as("ada"), "POST /api/v1/groups", object{"name": "lab"})
	must[struct{}](w, as("ada"), "POST /api/v1/groups/lab/members", object{"user": "bob"})
	for i, text := range hostile {
		short := text[:min(len(text), 60)]
		for _, body := range []object{
			{"ident": fmt.Sprint(i, short), "comment": text, "pub": []string{"c"}},
			{"ident": fmt.Sprint("k", i), "comment": text, "pub": []string{"c"}},
		} { // an ident or a comment that is refused is harmless, too
			if rec := w.send(as("ada"), "POST /api/v1/authkeys", body); rec.Code == http.StatusOK {
				idents = append(idents, body["ident"].(string))
			}
		}
		share := object{"channel": fmt.Sprint(i, short), "to": "group:lab", "note": text}
		if rec := w.send(as("ada"), "POST /api/v1/shares", share); rec.Code == http.StatusOK {
			shares = append(shares, share["channel"].(string))
		}
		w.send(as("ada"), "PATCH /api/v1/users/ada", object{"name": text})
		group := object{"name": fmt.Sprint(i, text[:min(len(text), 40)])}
		if rec := w.send(as("ada"), "POST /api/v1/groups", group); rec.Code == http.StatusOK {
			w.send(as("bob"), "POST /api/v1/groups/"+escape(group["name"].(string))+"/requests", object{"note": text})
		}
		inner := strings.ReplaceAll(short, `"`, "")
		w.publish(1, fmt.Sprint(i, short), text, `{"`+inner+`":"`+inner+`"}`)
	}
	if len(idents) < len(hostile) || len(shares) < len(hostile)/2 {
		t.Fatalf("%d authkeys and %d shares: the graph refuses what this test is about", len(idents), len(shares))
	}
	return w, idents, shares
}

// Text of attackers stays text on every page, for whoever looks at it.
func TestHostileTextStaysText(t *testing.T) {
	w, idents, _ := hostileWorld(t)
	last := w.events.Applied()
	pages := []string{
		"/", "/shares", "/shares?add", "/incoming", "/authkeys", "/logs", "/groups", "/groups/lab", "/account", "/live",
		"/history?since=2023-01-01", "/graph", "/audit", "/audit/diff?from=%231", "/audit/access?channel=c", "/admin",
	}
	for i := range uint64(24) {
		pages = append(pages, "/audit/"+itoa(last-i), "/m/"+itoa(last-i)+".0", "/m/"+itoa(last-i)+".1",
			"/m/"+itoa(last-i)+".0?as=hex", "/m/"+itoa(last-i)+".1?as=text", "/shares/"+itoa(last-i))
	}
	for _, text := range hostile { // in addresses
		q := escape(text)
		pages = append(pages, "/search?q="+q, "/logs?ident="+q, "/live?channel="+q+"&text="+q,
			"/history?channel="+q+"&since="+q,
			"/why?from="+q+"&to="+q+"&channel="+q, "/graph?from="+q+"&to="+q+"&channel="+q, "/shares?channel="+q+"&to="+q,
			"/shares?at="+q, "/authkey?ident="+q, "/audit?actor="+q+"&object="+q, "/login?next="+q, "/audit/access?channel="+q)
	}
	for _, ident := range idents {
		pages = append(pages, "/authkey?ident="+escape(ident), "/connect?ident="+escape(ident))
	}
	seen := 0
	for _, address := range pages {
		for _, user := range []string{"ada", "bob", "root"} {
			status, html := w.page(user, address)
			if status >= 500 {
				t.Errorf("%s for %s: %d", address, user, status)
			}
			if status == http.StatusOK {
				seen++
			}
			for _, bad := range harms(html) {
				t.Errorf("%s for %s has %q", address, user, bad)
			}
		}
	}
	if seen < 300 {
		t.Errorf("only %d pages were seen", seen)
	}
}
