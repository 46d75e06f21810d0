package web

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	htmlpkg "html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"hpfriends/api"
	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/query/view"
)

// page gets a page as a user.
func (w *world) page(user, address string) (status int, html string) {
	w.t.Helper()
	rec := w.send(as(user), "GET "+address, nil)
	return rec.Code, rec.Body.String()
}

// submit posts a form, and follows the browser to the page that it is sent to.
func (w *world) submit(user, address string, fields ...string) (status int, html string) {
	w.t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	r := httptest.NewRequest(http.MethodPost, address, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set(api.AsHeader, user)
	r.RemoteAddr = "@"
	rec := httptest.NewRecorder()
	w.socket.ServeHTTP(rec, r)
	if rec.Code != http.StatusSeeOther {
		return rec.Code, rec.Body.String()
	}
	address, _, _ = strings.Cut(rec.Header().Get("Location"), "#")
	next := httptest.NewRequest(http.MethodGet, address, nil)
	for _, c := range rec.Result().Cookies() {
		next.AddCookie(c)
	}
	next.Header.Set(api.AsHeader, user)
	next.RemoteAddr = "@"
	rec = httptest.NewRecorder()
	w.socket.ServeHTTP(rec, next)
	return rec.Code, rec.Body.String()
}

var tags = regexp.MustCompile(`<[^>]*>|\s+`)

// text is what a page says, without its tags.
func text(page string) string {
	page = strings.ReplaceAll(page, "<wbr>", "")
	return strings.Join(strings.Fields(htmlpkg.UnescapeString(tags.ReplaceAllString(page, " "))), " ")
}

// says reports whether a page says all of it.
func says(html string, all ...string) bool {
	for _, s := range all {
		if !strings.Contains(text(html), s) {
			return false
		}
	}
	return true
}

// The way of a share through the pages: added, seen by its receiver, enabled, removed.
func TestShareThroughThePages(t *testing.T) {
	w := newWorld(t)
	w.users("ada", "bob")
	status, html := w.submit(
		"ada",
		"/shares",
		"do",
		"add",
		"channel",
		"cowrie.*",
		"to",
		"bob",
		"type",
		"own",
		"note",
		"TLP:RED",
	)
	if status != http.StatusOK ||
		!says(html, "You share cowrie.* with bob.", "cowrie.* My own events bob TLP:RED", "waiting") {
		t.Fatalf("%d %s", status, text(html))
	}
	_, html = w.page("bob", "/incoming")
	id := regexp.MustCompile(`name="share" value="(\d+)"`).FindStringSubmatch(html)
	if id == nil ||
		!says(html, "waiting Why? ada cowrie.* Own events direct TLP:RED", "Shared with you 1 waiting for you") {
		t.Fatal(text(html))
	}
	if _, html = w.submit("bob", "/incoming", "do", "enable", "share", id[1]); !says(
		html,
		"You have enabled 1 share.",
		"flows Why? ada",
	) {
		t.Error(text(html))
	}
	if _, html = w.page("ada", "/shares"); !says(html, "flows") {
		t.Error(text(html))
	}
	if status, _ = w.submit("bob", "/shares", "do", "remove", "share", id[1]); status != http.StatusForbidden {
		t.Errorf("bob removes a share of ada: %d", status)
	}
	if _, html = w.submit("ada", "/shares", "do", "remove", "share", id[1]); !says(
		html,
		"no longer share cowrie.* with bob",
		"You share nothing yet",
		"Share it again",
	) {
		t.Error(text(html))
	}
	again := regexp.MustCompile(`<a href="([^"]*)">Share it again`).FindStringSubmatch(html)
	_, html = w.page("ada", htmlpkg.UnescapeString(again[1]))
	if !strings.Contains(html, `name="channel" class="mono" data-new value="cowrie.*"`) ||
		!strings.Contains(html, `value="bob"`) || !strings.Contains(html, `value="TLP:RED"`) {
		t.Errorf("what was removed is not in the form: %s", text(html))
	}
	if _, html = w.page("bob", "/shares?at=2h"); !says(html, "You share nothing yet", "back to now") {
		t.Error(text(html))
	}
}

// A form that is refused is shown again, with the reason and everything that was typed.
func TestRefusedFormKeepsWhatWasTyped(t *testing.T) {
	w := newWorld(t)
	w.users("ada")
	status, html := w.submit(
		"ada",
		"/shares",
		"do",
		"add",
		"channel",
		"a*b",
		"to",
		"nobody",
		"type",
		"all",
		"note",
		`"><b>`,
		"expires",
		"never",
	)
	if status != http.StatusUnprocessableEntity {
		t.Errorf("status %d", status)
	}
	for _, want := range []string{
		`role="alert"`, `value="a*b"`, `value="nobody"`, `value="all" checked`, `value="&#34;&gt;&lt;b&gt;"`, `value="never"`,
	} {
		if !strings.Contains(html, want) {
			t.Errorf("%s is missing", want)
		}
	}
}

// Every form that is refused keeps what was chosen in it, too.
func TestRefusedFormsKeepChoices(t *testing.T) {
	w := newWorld(t)
	w.users("ada", "root")
	w.submit("ada", "/authkeys", "do", "add", "ident", "k")
	w.submit("ada", "/groups", "do", "add", "name", "lab")
	for _, form := range []struct {
		user, address string
		fields        []string
		keeps         []string
	}{
		{"ada", "/authkey?ident=k", []string{"do", "edit", "networks", "nowhere", "pub", "c"}, []string{
			`name="enabled">`, `value="nowhere"`, `value="c"`,
		}},
		{"ada", "/groups/lab", []string{"do", "invite", "uses", "many", "expires", "3d"}, []string{`value="many"`, `value="3d"`}},
		{"root", "/admin", []string{"do", "invite", "role", "auditor", "uses", "many"}, []string{
			"<option selected>auditor", `value="many"`,
		}},
		{"ada", "/connect", []string{"do", "connect", "sensor", "cowrie", "comment", strings.Repeat("x", 2000)}, []string{
			`value="cowrie" required checked`, `value="xxxx`,
		}},
	} {
		status, html := w.submit(form.user, form.address, form.fields...)
		if status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", form.address, status)
		}
		for _, want := range form.keeps {
			if !strings.Contains(html, want) {
				t.Errorf("%s loses %s: %s", form.address, want, html)
			}
		}
	}
}

// Shares are enabled together, and who has no authkey for what they enable is asked for one.
func TestEnablingAsksForAnAuthkey(t *testing.T) {
	w := newWorld(t)
	w.users("ada", "bob")
	w.submit("bob", "/authkeys", "do", "add", "ident", "reader", "sub", "cowrie.*")
	var ids []string
	for _, channel := range []string{"cowrie.sessions", "dionaea.*", "geoloc.events"} {
		w.submit("ada", "/shares", "do", "add", "channel", channel, "to", "bob")
		ids = append(ids, itoa(w.graph.Index()))
	}
	status, html := w.submit("bob", "/incoming", "do", "enable", "share", ids[0])
	if status != http.StatusOK || !says(html, "You have enabled 1 share.") || says(html, "No authkey of yours") {
		t.Fatalf("%d %s", status, text(html))
	}
	_, html = w.submit("bob", "/incoming", "do", "enable", "share", ids[1])
	if !says(html, "No authkey of yours may subscribe to dionaea.*") {
		t.Fatal(text(html))
	}
	_, html = w.submit("bob", "/incoming", "do", "key", "authkey", "reader", "channel", "dionaea.*")
	if !says(html, "The authkey reader may subscribe to it now.") || says(html, "No authkey of yours") {
		t.Error(text(html))
	}
	status, _ = w.submit("bob", "/incoming", "do", "enable", "share", ids[2], "authkey", "nobody's")
	if share, _ := strconv.Atoi(ids[2]); status != http.StatusNotFound ||
		w.newest().Accepted(graph.ShareID(share), 2) {
		t.Errorf("with an authkey that there is not: %d, and it is enabled", status)
	}
	fields := []string{"do", "enable", "authkey", "reader"}
	for _, id := range ids {
		fields = append(fields, "share", id)
	}
	_, html = w.submit("bob", "/incoming", fields...)
	if !says(html, "You have enabled 3 shares.") || says(html, "No authkey") {
		t.Error(text(html))
	}
	key := must[view.Authkey](w, as("bob"), "GET /api/v1/authkeys/reader", nil)
	if got := fmt.Sprint(key.Sub); got != "[cowrie.* dionaea.* geoloc.events]" {
		t.Errorf("the authkey may subscribe to %s", got)
	}
}

// What waits of one user, or by one group, is enabled at once, and nothing else is.
func TestSharesAreEnabledBySenderAndGroup(t *testing.T) {
	w := newWorld(t)
	w.users("ada", "bob", "cleo")
	w.submit("ada", "/groups", "do", "add", "name", "lab")
	w.submit("ada", "/groups/lab", "do", "member", "user", "bob")
	for _, to := range []string{"bob", "group:lab"} {
		for _, channel := range []string{"a", "b", "c"} {
			w.submit("ada", "/shares", "do", "add", "channel", to+channel, "to", to)
		}
	}
	w.submit("cleo", "/shares", "do", "add", "channel", "x", "to", "bob")
	enabled := func() (all []string) {
		for _, s := range w.server.Query.SharesWith(graph.Actor{User: 2}, 2) {
			if s.Decision == view.Enabled {
				all = append(all, string(s.Channel))
			}
		}
		return all
	}
	if _, html := w.page("bob", "/incoming"); !says(html, "7 shares", "User any ada cleo", "via any way lab") ||
		says(html, "that wait") {
		t.Error(text(html))
	}
	if status, _ := w.submit("bob", "/incoming", "do", "enable-all"); status != http.StatusUnprocessableEntity {
		t.Errorf("all of all: %d", status)
	}
	const by = "/incoming?from=ada&via=lab"
	if _, html := w.page("bob", by); !says(html, "3 shares", "Enable all 3 that wait") {
		t.Error(text(html))
	}
	w.submit("bob", "/incoming", "do", "disable", "share", fmt.Sprint(w.graph.Index()-1)) // of the group's last
	w.submit("bob", by, "do", "enable-all")
	if got := fmt.Sprint(enabled()); got != "[group:laba group:labb]" {
		t.Errorf("enabled: %s", got)
	}
	w.submit("bob", "/incoming?from=ada", "do", "enable-all")
	if got := fmt.Sprint(enabled()); got != "[boba bobb bobc group:laba group:labb]" {
		t.Errorf("enabled: %s", got)
	}
}

// Why? has the button that opens an authkey's gate, and comes back.
func TestWhyOpensAuthkeys(t *testing.T) {
	w := newWorld(t)
	w.users("ada", "bob", "root")
	w.submit("ada", "/authkeys", "do", "add", "ident", "sensor", "pub", "c")
	w.submit("bob", "/authkeys", "do", "add", "ident", "reader", "sub", "other")
	why := "/why?from=ada&to=bob&channel=c"
	if _, html := w.page("bob", why); !says(html, "Add it to key reader") {
		t.Error(text(html))
	}
	_, html := w.submit("bob", "/incoming", "do", "key", "authkey", "reader", "channel", "c", "back", why)
	if !says(html, "The authkey reader may subscribe to it now.", "authkey reader may sub c") {
		t.Error(text(html))
	}
	w.submit("bob", "/authkey?ident=reader", "do", "edit", "sub", "c")
	if _, html = w.page("ada", why); !says(html, "is for them to know") ||
		says(html, "Enable reader") {
		t.Error(text(html))
	}
	const form = `action="/authkey?ident=reader"`
	if _, html = w.page("root", why); !says(html, "Enable reader") || !strings.Contains(html, form) {
		t.Error(text(html))
	}
	if _, html = w.page("bob", why); !says(html, "Enable reader") || !strings.Contains(html, form) {
		t.Error(text(html))
	}
	_, html = w.submit("bob", "/authkey?ident=reader", "do", "enable", "back", why)
	if !says(html, "The authkey reader is enabled.", "authkey reader may sub c") {
		t.Error(text(html))
	}
}

// What has come by every share is on the receiver's pages, though no authkey of theirs may subscribe to it and though
// what the publisher's may do is not theirs to know.
func TestWhySaysHereOnly(t *testing.T) {
	w := newWorld(t)
	w.users("ada", "bob")
	w.submit("ada", "/authkeys", "do", "add", "ident", "sensor", "pub", "c")
	w.submit("ada", "/shares", "do", "add", "channel", "c", "to", "bob")
	const asked = "?from=ada&to=bob&channel=c"
	_, html := w.page("bob", "/graph"+asked)
	if !says(html, "No. ada shares c (own) with bob, but bob has not enabled it.") || says(html, "for them to know") {
		t.Error(text(html))
	}
	w.submit("bob", "/incoming", "do", "enable", "share", itoa(w.graph.Index()))
	for address, want := range map[string]string{"/why": "Here only.", "/graph": "On these pages only,"} {
		if _, html := w.page("bob", address+asked); !says(html, want) {
			t.Errorf("%s: %s", address, text(html))
		}
	}
}

// Graph says that all shares of a way are drawn only to who sees all of them.
func TestGraphTellsWhichSharesAreDrawn(t *testing.T) {
	w := newWorld(t)
	w.users("ada", "bob", "cleo", "dora", "root")
	w.submit("ada", "/authkeys", "do", "add", "ident", "sensor", "pub", "c")
	for _, s := range [][3]string{{"ada", "bob", "own"}, {"bob", "cleo", "all"}, {"cleo", "dora", "all"}} {
		w.submit(s[0], "/shares", "do", "add", "channel", "c", "to", s[1], "type", s[2])
		w.submit(s[1], "/incoming", "do", "enable", "share", itoa(w.graph.Index()))
	}
	for user, want := range map[string]string{
		"root": "by 3 shares, drawn bold", "dora": "by 3 shares, of which you see 1, drawn bold",
	} {
		if _, html := w.page(user, "/graph?from=ada&to=dora&channel=c"); !says(html, want) {
			t.Errorf("for %s: %s", user, text(html))
		}
	}
}

// Asked about a share of many channels, it explains one of them: what was published last, or what there could be.
func TestWhyOfAPattern(t *testing.T) {
	w := newWorld(t)
	w.users("ada", "bob", "cleo")
	w.submit("ada", "/authkeys", "do", "add", "ident", "sensor", "pub", "cowrie.x")
	w.submit("ada", "/shares", "do", "add", "channel", "cowrie.*", "to", "bob")
	id := itoa(w.graph.Index())
	_, html := w.page("bob", "/incoming")
	const link = "/why?channel=cowrie.%2A&from=ada&to=bob"
	if !strings.Contains(html, htmlpkg.EscapeString(link)) {
		t.Fatal(html)
	}
	if _, html = w.page("bob", link); !says(html, "You see no message", "the reason for cowrie. .",
		"does not reach bob", "bob has not enabled it Enable") {
		t.Error(text(html))
	}
	if _, html = w.page("ada", link); !says(html, "the reason for cowrie.x .") {
		t.Error(text(html))
	}
	w.submit("bob", "/incoming", "do", "enable", "share", id)
	w.publish(1, "cowrie.a", "1")
	w.publish(1, "cowrie.b", "2")
	w.publish(1, "dionaea", "3")
	if _, html = w.page("bob", link); !says(html, "that of cowrie.b , where the newest message is. Others: cowrie.a Here",
		"Here only. What ada publishes on cowrie.b reaches bob") ||
		!strings.Contains(html, `href="/authkeys?add=&amp;sub=cowrie.%2A"`) {
		t.Error(text(html))
	}
	_, html = w.page("cleo", "/why?channel=%2A&from=ada&to=cleo")
	if !says(html, "stands for many channels", "Name one.") || !strings.Contains(html, "autofocus") {
		t.Error(text(html))
	}
}

// Of a share with a group it is told who has enabled it, and why each of them gets it or not. Why? is also asked from
// an authkey, and where a message is missing.
func TestWhyIsAskedWhereItIsNeeded(t *testing.T) {
	w := newWorld(t)
	w.users("ada", "bob", "cleo")
	w.submit("ada", "/groups", "do", "add", "name", "lab")
	for _, m := range []string{"bob", "cleo"} {
		w.submit("ada", "/groups/lab", "do", "member", "user", m)
	}
	w.submit("ada", "/shares", "do", "add", "channel", "c", "to", "group:lab")
	id := itoa(w.graph.Index())
	w.submit("bob", "/incoming", "do", "enable", "share", id)
	if _, html := w.page("ada", "/shares"); !says(html, "1 of 2 enabled Why?") {
		t.Error(text(html))
	}
	_, html := w.page("ada", "/shares/"+id)
	if !says(html, "bob flows Why? cleo waiting Why?") ||
		!strings.Contains(html, `href="/why?channel=c&amp;from=ada&amp;to=cleo"`) {
		t.Error(text(html))
	}
	if _, html = w.page("bob", "/shares/"+id); says(html, "cleo") {
		t.Error("a receiver is told who else has enabled it: ", text(html))
	}
	w.submit("cleo", "/incoming", "do", "enable", "share", id)
	if _, html = w.page("ada", "/shares"); !says(html, "flows Why?") || says(html, "1 of 2") {
		t.Error(text(html))
	}
	w.submit("ada", "/authkeys", "do", "add", "ident", "sensor", "pub", "c")
	for address, want := range map[string]string{
		"/authkey?ident=sensor": `<form action="/why" class="tools"><input type="hidden" name="from" value="ada">`,
		"/m/99.0":               `href="/why?to=ada"`,
	} {
		if _, html = w.page("ada", address); !strings.Contains(html, want) {
			t.Errorf("%s: %s", address, html)
		}
	}
}

// The form of an authkey says when it ends and how large a message it is sent, and changes only what is changed in it.
func TestAuthkeyFormHasItsLimits(t *testing.T) {
	w := newWorld(t)
	w.users("ada")
	w.off = -2 * time.Hour // it was added then, for an hour
	w.submit("ada", "/authkeys", "do", "add", "ident", "k", "pub", "c", "expires", "1h")
	w.off = 0
	if _, html := w.page("ada", "/authkeys"); !says(html, "k ended") {
		t.Error(text(html))
	}
	const form = "/authkey?ident=k"
	w.submit("ada", form, "do", "edit", "enabled", "on", "pub", "c", "expires", "3d", "largest", "2097152")
	k := must[view.Authkey](w, as("ada"), "GET /api/v1/authkeys/k", nil)
	_, html := w.page("ada", form)
	if ends := k.Expires.Format(time.DateTime); k.MaxMessage != 2<<20 || !strings.Contains(html, `value="`+ends+`"`) {
		t.Errorf("%+v %s", k, html)
	}
	w.submit("ada", form, append(hidden(html, "was-"), "do", "edit", "enabled", "on", "pub", "c", "expires",
		k.Expires.Format(time.DateTime))...)
	same := must[view.Authkey](w, as("ada"), "GET /api/v1/authkeys/k", nil)
	if !same.Expires.Equal(*k.Expires) || same.MaxMessage != k.MaxMessage {
		t.Errorf("%+v, want %+v", same, k)
	}
	w.submit("ada", form, "do", "edit", "enabled", "on", "pub", "c", "expires", "")
	if k = must[view.Authkey](w, as("ada"), "GET /api/v1/authkeys/k", nil); k.Expires != nil {
		t.Errorf("it ends %s", k.Expires)
	}
	if status, html := w.submit("ada", form, "do", "edit", "largest", "much"); status != http.StatusUnprocessableEntity ||
		!strings.Contains(html, `value="much"`) {
		t.Errorf("%d %s", status, text(html))
	}
}

// A receiver of a share is not told who else has enabled it, and gets no form for it. An auditor is told, and gets
// none.
func TestShareIsShownToItsReceiver(t *testing.T) {
	w := newWorld(t)
	w.users("ada", "bob", "eve", "root")
	w.submit("ada", "/shares", "do", "add", "channel", "c", "to", "bob", "note", "TLP:RED")
	path := "/shares/" + itoa(w.graph.Index())
	if _, html := w.page("bob", path); !says(html, "ada shares it with you. “TLP:RED”") || says(html, "nobody yet") ||
		strings.Contains(html, `name="note"`) {
		t.Error(text(html))
	}
	if _, html := w.page("ada", path); !says(html, "your own events", "Enabled by nobody yet") {
		t.Error(text(html))
	}
	if _, html := w.page("eve", path); !says(html, "by ada , their own events", "Enabled by nobody yet") ||
		strings.Contains(html, `name="note"`) {
		t.Errorf("an auditor: %s", text(html))
	}
	if _, html := w.page("root", path); !says(html, "by ada , their own events") || !strings.Contains(html, `name="note"`) {
		t.Errorf("an admin: %s", text(html))
	}
	for _, user := range []string{"ada", "bob", "root"} {
		if _, html := w.page(user, "/search?q=RED"); !strings.Contains(html, `href="`+path+`"`) {
			t.Errorf("%s does not get from Search to the share: %s", user, text(html))
		}
	}
}

// The past can be looked at, and not changed.
func TestPastIsReadOnly(t *testing.T) {
	w := newWorld(t)
	w.users("ada", "bob")
	w.submit("ada", "/shares", "do", "add", "channel", "first", "to", "bob")
	before := w.graph.Index()
	w.submit("ada", "/shares", "do", "add", "channel", "second", "to", "bob")
	at := url.Values{"at": {"#" + itoa(before)}}.Encode()
	_, html := w.page("ada", "/shares?"+at)
	if !says(html, "first My own events bob", "position #"+itoa(before)) || says(html, "second") ||
		strings.Contains(html, "<form method=\"post\"><") {
		t.Error(text(html))
	}
	if !strings.Contains(html, "/incoming?"+at) {
		t.Error("the other pages are linked as of now")
	}
	status, html := w.submit("ada", "/shares?"+at, "do", "add", "channel", "third", "to", "bob")
	if status != http.StatusConflict || !says(html, "The past cannot be changed.") || w.graph.Index() != before+1 {
		t.Errorf("%d %s", status, text(html))
	}
	if status, html = w.page("ada", "/shares?at=soon"); status != http.StatusUnprocessableEntity ||
		!says(html, `"soon" is neither`) {
		t.Errorf("%d %s", status, text(html))
	}
}

// In the past the frame leads to the neighbouring changes, links keep the moment, and what cannot be shown says so.
func TestPastIsWalked(t *testing.T) {
	w := newWorld(t)
	w.users("ada", "bob")
	w.submit("ada", "/groups", "do", "add", "name", "lab")
	w.submit("ada", "/shares", "do", "add", "channel", "first", "to", "group:lab")
	at := w.graph.Index()
	w.submit("ada", "/groups/lab", "do", "member", "user", "bob")
	w.submit("ada", "/groups", "do", "add", "name", "young")
	link := func(path string, index uint64) string { return `href="` + path + `?at=%23` + itoa(index) + `"` }
	_, html := w.page("ada", "/shares?at=%23"+itoa(at))
	for _, want := range []string{
		link("/shares", at-1) + ` rel="prev"`, link("/shares", at+1) + ` rel="next"`, link("/groups/lab", at),
		link("/graph", at), link("/live", at), `href="/shares">back to now`, `data-at="#` + itoa(at+2) + `"`,
		`value="` + itoa(at-1) + `"`,
	} {
		if !strings.Contains(html, want) {
			t.Errorf("%s is missing: %s", want, html)
		}
	}
	if !says(html, "ada shares their own events of first with group:lab.", "The rate and the reach of shares are of now") {
		t.Error(text(html))
	}
	_, html = w.page("ada", "/groups/lab?at=%23"+itoa(at))
	if says(html, "bob") || says(html, "Add member") || !says(html, "ada admin") {
		t.Error(text(html))
	}
	if status, _ := w.page("ada", "/groups/young?at=%23"+itoa(at)); status != http.StatusNotFound {
		t.Errorf("a group that was not there yet: %d", status)
	}
	_, html = w.page("ada", "/graph?from=ada&to=bob&channel=first&at=%23"+itoa(at))
	if !strings.Contains(html, `/why?channel=first&amp;from=ada&amp;to=bob&amp;at=%23`+itoa(at)) {
		t.Errorf("All conditions are of now: %s", html)
	}
	_, html = w.page("ada", "/live?at=%23"+itoa(at))
	if !says(html, "Live cannot be shown as of #"+itoa(at)+": this is now.") ||
		!strings.Contains(html, link("/shares", at)) {
		t.Error(text(html))
	}
	if _, html = w.page("ada", "/shares?at=0s"); !strings.Contains(html, link("/graph", w.graph.Index())) {
		t.Errorf("from page to page it is not the same moment: %s", html)
	}
	// Of what has not been, or is no moment at all, nobody can tell: the pages say so, and what they show instead.
	for _, path := range []string{
		"/shares?at=2130-01-01", "/groups?at=%23999999", "/audit/access?channel=first&at=2130-01-01",
		"/audit/diff?from=%231&to=2130-01-01", "/audit/diff?from=%23999999", "/audit?since=2130-01-01",
		"/history?since=2130-01-01", "/logs?since=2130-01-01",
	} {
		if _, html := w.page("ada", path); !says(html, "is still to come.") || says(html, "as of 2") {
			t.Errorf("%s: %s", path, text(html))
		}
	}
	status, html := w.page("ada", "/shares?at=whenever")
	if status != http.StatusUnprocessableEntity || !says(html, `"whenever" is neither a time nor a position.`) ||
		!says(html, "This is now. back to now") || !says(html, "first My own events") {
		t.Errorf("%d %s", status, text(html))
	}
	if _, html = w.page("bob", "/shares?at=%23"+itoa(at)); says(html, "ada shares") {
		t.Errorf("bob is told of changes that do not concern him: %s", text(html))
	}
}

// A page is for one viewer: nobody else is handed it from a cache, and nothing in it runs.
func TestPageIsForOneViewer(t *testing.T) {
	w := newWorld(t)
	w.users("ada")
	rec := w.send(as("ada"), "GET /shares", nil)
	h := rec.Header()
	if h.Get("Cache-Control") != "private, no-store" || !strings.Contains(h.Get("Vary"), "Cookie") {
		t.Errorf("%v", h)
	}
	csp := h.Get("Content-Security-Policy")
	if !strings.HasPrefix(csp, "default-src 'none'; script-src 'self';") || strings.Contains(csp, "unsafe") {
		t.Error(csp)
	}
	if strings.Contains(rec.Body.String(), " style=") || regexp.MustCompile(` on[a-z]+=`).MatchString(rec.Body.String()) {
		t.Error("the page has inline styles or handlers")
	}
}

// Every page of a member answers, in a world that is empty and in one that is not.
func TestEveryPageAnswers(t *testing.T) {
	w := newWorld(t)
	w.users("ada", "bob", "root")
	pages := []string{
		"/", "/shares", "/shares?add", "/incoming", "/authkeys", "/authkeys?add", "/connect", "/logs", "/groups",
		"/groups/everyone", "/search", "/search?q=cowrie", "/account", "/preferences", "/why", "/live", "/shares/reach",
		"/history", "/history?channel=c&since=2h&until=now",
		"/map", "/map?channel=c", "/graph", "/graph?at=%231", "/graph?from=ada&to=bob&channel=c",
		"/audit", "/audit/diff?from=%231", "/audit/access?channel=c", "/audit/access?channel=c&at=%231",
		"/shares?channel=cowrie.sessions&to=group:lab", "/shares/reach?channel=cowrie.sessions&to=bob&type=all",
	}
	look := func() {
		t.Helper()
		for _, user := range []string{"ada", "bob", "root"} {
			for _, address := range pages {
				if status, html := w.page(user, address); status != http.StatusOK {
					t.Errorf("%s for %s: %d %s", address, user, status, text(html))
				}
			}
		}
	}
	look()
	w.submit("ada", "/connect", "do", "connect", "sensor", "cowrie")
	w.submit("ada", "/groups", "do", "add", "name", "lab")
	w.submit("ada", "/groups/lab", "do", "member", "user", "bob")
	w.submit("ada", "/shares", "do", "add", "channel", "cowrie.*", "to", "group:lab")
	w.publish(1, "cowrie.sessions", `{"src_ip":"203.0.113.7","n":[1,{"a":null}]}`, "\xff\x00\x1b]0;x\x07<script>")
	last := itoa(w.events.Applied())
	pages = append(pages, "/groups/lab")
	look()
	for _, address := range []string{"/m/" + last + ".0", "/m/" + last + ".1?as=hex", "/m/" + last + ".1?as=text"} {
		if status, html := w.page("ada", address); status != http.StatusOK || strings.Contains(html, "<script>") {
			t.Errorf("%s: %d %s", address, status, text(html))
		}
		if status, _ := w.page("bob", address); status != http.StatusNotFound {
			t.Errorf("%s for bob, who has not enabled the share: %d", address, status)
		}
	}
	for address, want := range map[string]int{
		"/nothing": 404, "/groups/nothing": 404, "/authkey?ident=nothing": 404, "/m/9999.0": 404, "/m/x": 404,
	} {
		if status, _ := w.page("ada", address); status != want {
			t.Errorf("%s: %d, want %d", address, status, want)
		}
	}
}

// A secret is shown in the answer that makes it, with what to paste, and nowhere else.
func TestSecretIsShownOnce(t *testing.T) {
	w := newWorld(t)
	w.users("ada", "bob")
	status, html := w.submit("ada", "/connect", "do", "connect", "sensor", "cowrie", "comment", "pot3")
	secrets := regexp.MustCompile(`secret = (\S+)`).FindStringSubmatch(html)
	if status != http.StatusOK || secrets == nil || !says(html, "[output_hpfeeds3]", "cowrie.sessions") {
		t.Fatalf("%d %s", status, text(html))
	}
	ident := regexp.MustCompile(`identifier = (\S+)`).FindStringSubmatch(html)[1]
	_, html = w.page("ada", "/authkeys")
	if strings.Contains(html, secrets[1]) || !says(html, ident+" pot3 cowrie.sessions") {
		t.Error(text(html))
	}
	if _, html = w.submit("ada", "/authkeys", "do", "reveal", "ident", ident); !strings.Contains(html, secrets[1]) {
		t.Error("its owner cannot see it again")
	}
	for _, do := range []string{"reveal", "rotate", "remove"} {
		status, html = w.submit("bob", "/authkeys", "do", do, "ident", ident, "sure", ident)
		if status != http.StatusNotFound || strings.Contains(html, secrets[1]) {
			t.Errorf("bob may %s it: %d", do, status)
		}
	}
}

// The last admin of a group is told why they have to stay, and is offered nothing that is refused.
func TestLastAdminOfAGroupStays(t *testing.T) {
	w := newWorld(t)
	w.users("ada", "bob")
	w.submit("ada", "/groups", "do", "add", "name", "lab")
	w.submit("ada", "/groups/lab", "do", "member", "user", "bob")
	count := func() (leave, demote, kick int, why bool) {
		_, html := w.page("ada", "/groups/lab")
		offered := func(do string) int { return strings.Count(html, `value="`+do+`"`) }
		return offered("leave"), offered("demote"), offered("kick"), says(html, "You are the last admin: make somebody")
	}
	if leave, demote, kick, why := count(); leave+demote != 0 || kick != 1 || !why { // bob can be removed
		t.Errorf("the last admin: leave %d, demote %d, kick %d, told why: %v", leave, demote, kick, why)
	}
	w.submit("ada", "/groups/lab", "do", "promote", "user", "bob")
	if leave, demote, kick, why := count(); leave != 1 || demote != 2 || kick != 2 || why {
		t.Errorf("one of two admins: leave %d, demote %d, kick %d, told why: %v", leave, demote, kick, why)
	}
}

// A group's page says what is shared with it, by whom, and how each share stands for who looks.
func TestGroupSaysWhatIsSharedWithIt(t *testing.T) {
	w := newWorld(t)
	w.users("ada", "bob", "cleo", "root")
	w.submit("ada", "/groups", "do", "add", "name", "lab")
	w.submit("ada", "/groups/lab", "do", "member", "user", "bob")
	w.submit("bob", "/shares", "do", "add", "channel", "b.*", "to", "group:lab", "note", "TLP:RED")
	w.submit("cleo", "/shares", "do", "add", "channel", "c", "to", "group:lab", "type", "all")
	for user, want := range map[string][]string{
		"ada":  {"2 shares", "waiting bob b.* Own events TLP:RED", "waiting cleo c Own events and those they receive"},
		"bob":  {"yours bob b.* Own events TLP:RED", "waiting cleo c"},
		"root": {"bob b.* Own events TLP:RED", "cleo c Own events"},
	} {
		if _, html := w.page(user, "/groups/lab"); !says(html, want...) {
			t.Errorf("%s: %s", user, text(html))
		}
	}
	if _, html := w.page("cleo", "/groups/lab"); says(html, "b.*") {
		t.Errorf("who is no member: %s", text(html))
	}
	for i := range 100 {
		must[api.Created](w, as("bob"), "POST /api/v1/shares", object{"channel": fmt.Sprint("n", i), "to": "group:lab"})
	}
	if _, html := w.page("ada", "/groups/lab"); !says(html, "100 of 102 shares: the oldest", "n97 ",
		"c of cleo and what else is shared with it no longer reaches bob") || says(html, "n98 ") {
		t.Errorf("of many shares: %s", text(html))
	}
}

// Members come and go, and the last admin cannot leave a group without one.
func TestGroupsThroughThePages(t *testing.T) {
	w := newWorld(t)
	w.users("ada", "bob", "cleo")
	if status, html := w.submit("ada", "/groups", "do", "add", "name", "lab"); status != http.StatusOK ||
		!says(html, "The group lab is added", "ada admin") {
		t.Fatalf("%d %s", status, text(html))
	}
	w.walkGroup([]groupStep{
		{"bob", "member", "bob", http.StatusForbidden, ""},
		{"ada", "member", "bob", http.StatusOK, "bob is a member now."},
		{"ada", "leave", "", http.StatusConflict, ""},
		{"ada", "promote", "bob", http.StatusOK, "bob is an admin of the group now."},
		{"ada", "leave", "", http.StatusOK, "You have left lab."},
		{"bob", "member", "cleo", http.StatusOK, "cleo is a member now."},
		{"bob", "kick", "cleo", http.StatusOK, "cleo is no member any more."},
		{"cleo", "remove", "", http.StatusForbidden, ""},
		{"bob", "remove", "", http.StatusOK, "The group lab is removed."},
	}, "sure", "lab")
}

// groupStep is what somebody does on the page of the group lab, and what they are told.
type groupStep struct {
	user, do, member string
	status           int
	says             string
}

// walkGroup takes steps, each with these fields, too.
func (w *world) walkGroup(steps []groupStep, fields ...string) {
	w.t.Helper()
	for _, s := range steps {
		status, html := w.submit(s.user, "/groups/lab", append([]string{"do", s.do, "user", s.member}, fields...)...)
		if status != s.status || !says(html, s.says) {
			w.t.Errorf("%s %s %s: %d %s", s.user, s.do, s.member, status, text(html))
		}
	}
}

// URLs in payloads are not pasted by mistake: pages write them as hxxp, unless one asks for what came.
func TestURLsAreDefanged(t *testing.T) {
	w := newWorld(t)
	w.users("ada")
	w.publish(1, "c", `{"url":"http://evil.example/x"}`)
	at := itoa(w.events.Applied()) + ".0"
	for address, want := range map[string]bool{
		"/history?since=first": true, "/live": true, "/": true, "/m/" + at: true, "/m/" + at + "?as=text": true,
		"/m/" + at + "?exact=1": false, "/m/" + at + "?as=text&exact=1": false, "/m/" + at + "?as=hex": false,
	} {
		_, html := w.page("ada", address)
		if got := says(html, "hxxp://evil[.]example/x"); got != want || want && says(html, "http://evil") {
			t.Errorf("%s: defanged is %v: %s", address, got, text(html))
		}
	}
	if _, html := w.page("ada", "/m/"+at+"?exact=1"); !says(html, "http://evil.example/x", "URLs are as they came.") {
		t.Error(text(html))
	}
	_, html := w.page("ada", "/shares/reach?channel=c&to=group:everyone&type=all")
	if !says(html, "hxxp://evil[.]example/x") || says(html, "None of your authkeys") {
		t.Error(text(html))
	}
	_, html = w.page("ada", "/shares/reach?channel=c&to=group:everyone&type=own")
	if !says(html, "None of your authkeys") {
		t.Error(text(html))
	}
}

// Who leaves the server by Account is gone with all that is theirs, and nobody reads their messages any more. It takes
// their handle typed, and is not for the last admin.
func TestAccountIsRemovedByItsOwner(t *testing.T) {
	w := newWorld(t)
	w.users("ada", "bob", "root")
	w.submit("ada", "/authkeys", "do", "add", "pub", "c", "ident", "k1")
	w.submit("ada", "/shares", "do", "add", "channel", "c", "to", "bob", "history", "full")
	w.submit("bob", "/incoming", "do", "enable", "share", itoa(w.graph.Index()))
	w.publish(1, "c", "of ada")
	at := "/m/" + itoa(w.events.Applied()) + ".0"
	if status, html := w.page("bob", at); status != http.StatusOK || !says(html, "of ada") {
		t.Fatalf("%d %s", status, text(html))
	}
	_, html := w.submit("ada", "/account", "do", "leave", "sure", "bob")
	if _, there := w.newest().UserByHandle("ada"); !there || !says(html, "type ada to say that you mean it") {
		t.Errorf("ada is there: %v; %s", there, text(html))
	}
	if status, html := w.submit("root", "/account", "do", "leave", "sure", "root"); !says(html, "Root is the only admin") {
		t.Errorf("the last admin leaves: %d %s", status, text(html))
	}
	w.submit("ada", "/account", "do", "leave", "sure", "ada")
	if _, there := w.newest().UserByHandle("ada"); there {
		t.Error("ada is still there")
	}
	if _, there := w.newest().AuthkeyByIdent("k1"); there {
		t.Error("her authkey is still there")
	}
	if status, html := w.page("bob", at); status != http.StatusNotFound || says(html, "of ada") {
		t.Errorf("bob reads it still: %d", status)
	}
}

// Who has an account is given all that is kept about them, by API and page alike, and nothing of others': no secret,
// and of admins too what is their own alone.
func TestAccountIsExported(t *testing.T) {
	w := newWorld(t)
	w.users("ada", "bob", "root")
	for _, user := range []string{"ada", "root"} {
		must[api.Credential](w, as(user), "POST /api/v1/authkeys", object{"ident": user + "-key", "comment": "of " + user})
		must[api.Created](w, as(user), "POST /api/v1/groups", object{"name": user + "-group"})
		must[api.Created](w, as(user), "POST /api/v1/shares", object{"channel": user + ".c", "to": "bob"})
		must[api.IssuedToken](w, as(user), "POST /api/v1/tokens", object{"comment": user + "-token"})
	}
	must[api.Created](w, as("bob"), "POST /api/v1/shares", object{"channel": "bob.c", "to": "ada"})
	for i, user := range []graph.UserID{1, 3} {
		name := []string{"ada", "root"}[i]
		w.session(user)
		w.refusals(entry.Refusal{Owner: uint64(user), Ident: name + "-key", Message: "Authkey not allowed to publish here.",
			Channel: name + ".refused", Addr: "192.0.2.1", First: time.Now(), Last: time.Now(), Count: 1, Index: 1})
	}
	for user, other := range map[string]string{"ada": "root", "root": "ada"} {
		all := must[api.Account](w, as(user), "GET /api/v1/account", nil)
		if all.User.Handle != user || len(all.Authkeys) != 1 || all.Authkeys[0].Ident != user+"-key" ||
			len(all.Shares) != 1 || len(all.Groups) != 1 || all.Groups[0].Name != user+"-group" || len(all.Tokens) != 1 ||
			len(all.Sessions) != 1 || len(all.Logs) != 1 || all.Logs[0].Channel != user+".refused" ||
			len(all.SharedWith) != map[string]int{"ada": 1}[user] {
			t.Errorf("of %s: %+v", user, all)
		}
		page := w.send(as(user), "GET /account/data", nil)
		var byPage api.Account
		if err := json.Unmarshal(page.Body.Bytes(), &byPage); err != nil || !reflect.DeepEqual(byPage, all) {
			t.Errorf("the page gives %s, and the API %+v: %v", page.Body, all, err)
		}
		if text := page.Body.String(); strings.Contains(text, other) || strings.Contains(text, "secret\"") ||
			page.Header().Get("Content-Disposition") != `attachment; filename="account.json"` {
			t.Errorf("%s is given %s", user, text)
		}
	}
}

// Before somebody is removed from a group, the page says what they will no longer get: to who may remove them.
func TestGroupTellsWhatALeaverLoses(t *testing.T) {
	w := newWorld(t)
	w.users("ada", "bob", "cleo", "root")
	w.submit("ada", "/groups", "do", "add", "name", "lab")
	for _, m := range []string{"bob", "cleo"} {
		w.submit("ada", "/groups/lab", "do", "member", "user", m)
	}
	w.submit("cleo", "/shares", "do", "add", "channel", "<b>", "to", "group:lab")
	for _, channel := range []string{"c1", "c2", "c3", "c4"} {
		w.submit("ada", "/shares", "do", "add", "channel", channel, "to", "group:lab")
	}
	w.submit("ada", "/shares", "do", "add", "channel", "elsewhere", "to", "bob")
	for user, want := range map[string]string{
		"ada":  "Remove Through the group, <b> of cleo, c1 of ada, c2 of ada, c3 of ada and 1 more no longer reaches bob,",
		"root": "Remove Through the group, c1 of ada, c2 of ada, c3 of ada and c4 of ada no longer reaches cleo,",
		"bob":  "Leave Through the group, <b> of cleo, c1 of ada, c2 of ada, c3 of ada and 1 more no longer reaches bob,",
	} {
		if _, html := w.page(user, "/groups/lab"); !says(html, want) || says(html, "elsewhere") {
			t.Errorf("to %s: %s", user, text(html))
		}
	}
	w.submit("ada", "/groups", "do", "add", "name", "quiet")
	w.submit("ada", "/groups/quiet", "do", "member", "user", "bob")
	if _, html := w.page("bob", "/groups/quiet"); !says(html, "Nobody else shares anything with the group") {
		t.Error(text(html))
	}
}

// The audit tells of a share as people say it, field by field, and who could read because of it; a stranger to it
// learns nothing.
func TestAuditThroughThePages(t *testing.T) {
	w := newWorld(t)
	w.users("ada", "bob", "cleo", "root")
	w.submit("ada", "/authkeys", "do", "add", "pub", "c", "ident", "k1")
	before := itoa(w.graph.Index())
	w.submit("ada", "/shares", "do", "add", "channel", "c", "to", "bob", "note", "TLP:RED")
	added := itoa(w.graph.Index())
	w.submit("bob", "/incoming", "do", "enable", "share", added)
	if _, html := w.page("bob", "/audit"); !says(
		html, "bob enabled the share of c.", "ada shares their own events of c with bob.",
	) {
		t.Error(text(html))
	}
	if _, html := w.page("ada", "/audit/"+added); !says(
		html, "ada shares their own events of c with bob.", "note TLP:RED",
	) {
		t.Error(text(html))
	}
	if status, html := w.page("cleo", "/audit/"+added); status != http.StatusNotFound || says(html, "TLP:RED") {
		t.Errorf("%d %s", status, text(html))
	}
	if _, html := w.page("root", "/audit/diff?from=%23"+before); !says(html, "2 objects changed", "note TLP:RED") {
		t.Error(text(html))
	}
	if _, html := w.page("root", "/audit/access?channel=c*"); !says(html, "one channel to another of c* : name one.") {
		t.Error(text(html))
	}
	if _, html := w.page("root", "/audit/access?channel=c"); !says(html, "1 way to read of others on c",
		"there: ada .", "ada bob 20") {
		t.Error(text(html))
	}
	if _, html := w.page("root", "/audit/access?channel=c&at=%23"+before); !says(html, "0 ways to read of others on c") {
		t.Error(text(html))
	}
	if _, html := w.submit("root", "/audit", "do", "verify"); !says(html, "are as they were written") {
		t.Error(text(html))
	}
	w.submit("bob", "/incoming", "do", "disable", "share", added)
	if _, html := w.page("bob", "/audit"); !says(html, "bob disabled the share of c.", "bob enabled the share of c.") {
		t.Error(text(html))
	}
}

// The page of the cluster is for those who see everything, and what it does is for admins.
func TestClusterThroughThePages(t *testing.T) {
	w := newWorld(t)
	w.users("ada", "eve", "root")
	if status, _ := w.page("ada", "/cluster"); status != http.StatusForbidden {
		t.Errorf("ada: %d", status)
	}
	if _, html := w.page("ada", "/"); strings.Contains(html, `href="/cluster"`) {
		t.Error("ada is offered the page")
	}
	if _, html := w.page("eve", "/cluster"); !says(html, "n1", "4 2.5/s 1.0 KiB/s 5.0/s 2.0 KiB/s 1 h ago state alone",
		"n2 voter no answer n2 did not answer Token State") ||
		strings.Contains(html, `value="remove"`) {
		t.Error(text(html))
	}
	if status, html := w.submit("root", "/cluster", "do", "drain", "node", "n1"); status != http.StatusOK ||
		!says(html, "n1 sends its clients elsewhere.") {
		t.Errorf("%d %s", status, text(html))
	}
	if _, html := w.submit("root", "/cluster", "do", "token", "uses", "2"); !says(html,
		"echo hpj_token-for-root | hpfriends cluster join", "lets 2 nodes in", "2 of 2 n2 n3") {
		t.Error(text(html))
	}
	if status, html := w.submit("root", "/cluster", "do", "remove-token", "token", "decade"); status != http.StatusOK ||
		!says(html, "Nobody joins with the token decade any more.") {
		t.Errorf("%d %s", status, text(html))
	}
	if _, html := w.page("eve", "/cluster"); !says(html, "decade") || strings.Contains(html, "remove-token") {
		t.Error(text(html))
	}
	if status, _ := w.submit("eve", "/cluster", "do", "drain", "node", "n1"); status != http.StatusForbidden {
		t.Errorf("eve drains: %d", status)
	}
}

// Cluster says how long messages are kept, and has the forms that the warnings about it speak of.
func TestRetentionThroughThePages(t *testing.T) {
	w := newWorld(t)
	w.users("eve", "root")
	if _, html := w.page("eve", "/cluster"); !says(html, "Messages are kept for ever", "Its clock is doubted") ||
		strings.Contains(html, `value="hold"`) {
		t.Errorf("an auditor: %s", text(html))
	}
	if _, html := w.submit("root", "/cluster", "do", "hold"); !says(html, "Nothing more is removed", "held") ||
		!strings.Contains(html, `value="resume"`) || strings.Contains(html, `value="hold"`) {
		t.Error(text(html))
	}
	if _, html := w.submit("root", "/cluster", "do", "resume"); !strings.Contains(html, `value="hold"`) {
		t.Error(text(html))
	}
}

// The keyboard of a telephone adds a blank behind a word that it completes.
func TestBlanksAroundNamesMeanNothing(t *testing.T) {
	w := newWorld(t)
	w.users("ada", "bob")
	for _, form := range [][]string{
		{"/groups", "do", "add", "name", "lab "}, {"/groups/lab", "do", "member", "user", " bob "},
		{"/shares", "do", "add", "channel", "c ", "to", "group:lab "}, {"/preferences", "do", "set", "zone", "UTC "},
	} {
		if status, html := w.submit("ada", form[0], form[1:]...); status != http.StatusOK {
			t.Errorf("%q: %d %s", form, status, text(html))
		}
	}
	if _, html := w.page("bob", "/incoming?from=ada"); !says(html, "waiting Why? ada c Own events") {
		t.Error(text(html))
	}
	if _, html := w.page("ada", "/why?from=ada+&to=+bob&channel=c"); !says(html, "bob has not enabled it") {
		t.Error(text(html))
	}
}

// Between two moments the page shows the fields that differ, and whether the whole of it is new.
func TestDiffShowsWhatIsNotAlike(t *testing.T) {
	w := newWorld(t)
	w.users("ada", "bob")
	w.submit("ada", "/shares", "do", "add", "channel", "first", "to", "bob", "note", "old")
	at := itoa(w.graph.Index())
	w.submit("ada", "/shares/"+at, "do", "edit", "was-expires", "", "expires", "", "note", "new")
	w.submit("ada", "/authkeys", "do", "add", "ident", "fresh")
	_, html := w.page("ada", "/audit/diff?from=%23"+at)
	if !says(html, "share first changed Field Before After note old new") ||
		!says(html, "authkey fresh added Field") ||
		says(html, "from-share") {
		t.Error(text(html))
	}
}

// With the setup link, and only with it, a stranger becomes the first admin and is logged in; then the door is closed.
func TestSetupThroughThePages(t *testing.T) {
	w := newWorld(t)
	token := w.server.who.Setup.Token().Reveal()
	post := func(token string) *httptest.ResponseRecorder {
		form := url.Values{"token": {token}, "user": {"root"}, "password": {"correct horse battery"}}
		return w.send(
			caller{header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}}, "POST /setup", form.Encode(),
		)
	}
	for _, address := range []string{"/login", "/setup", "/setup?token=wrong"} {
		rec := w.send(caller{}, "GET "+address, nil)
		if page := strings.ToLower(rec.Body.String()); !says(page, "this server is not set up yet", "its log has the link",
			"hpfriends user add name --role admin") {
			t.Errorf("%s: %s", address, text(page))
		}
	}
	if rec := w.send(caller{}, "GET /setup?token=wrong", nil); rec.Code != http.StatusNotFound ||
		says(rec.Body.String(), "Become admin") {
		t.Errorf("a stranger: %d %s", rec.Code, text(rec.Body.String()))
	}
	bad := url.Values{"token": {token}, "user": {"no such"}, "password": {"short"}}
	if rec := w.send(caller{header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}}, "POST /setup",
		bad.Encode()); rec.Code != http.StatusUnprocessableEntity ||
		!says(rec.Body.String(), "The password has 5 of at least 8 bytes", `"no such" cannot be a handle.`) {
		t.Errorf("not all that is wrong is told: %d %s", rec.Code, text(rec.Body.String()))
	}
	if rec := post("wrong"); rec.Code != http.StatusNotFound || w.graph.HasAdmin() {
		t.Errorf("a stranger: %d %s", rec.Code, text(rec.Body.String()))
	}
	if rec := w.send(caller{}, "GET /setup?token="+token, nil); rec.Code != http.StatusOK ||
		!says(rec.Body.String(), "Become admin") {
		t.Errorf("the operator: %d %s", rec.Code, text(rec.Body.String()))
	}
	rec := post(token)
	if rec.Code != http.StatusSeeOther || rec.Header().Get("Location") != "/" || !w.graph.HasAdmin() {
		t.Fatalf("%d %s", rec.Code, text(rec.Body.String()))
	}
	if rec := post(token); rec.Code != http.StatusNotFound || !says(rec.Body.String(), "There is nothing to set up here") {
		t.Errorf("twice: %d %s", rec.Code, text(rec.Body.String()))
	}
	if rec := w.send(caller{}, "GET /login", nil); says(rec.Body.String(), "not set up yet") {
		t.Error("/login says that it is not set up")
	}
}

// History shows what the viewer may see of a period, its bars count it, and the download holds all of it.
func TestHistoryThroughThePages(t *testing.T) {
	w := newWorld(t)
	w.users("ada", "bob")
	w.publish(1, "c", "one", "\x1b[31mtwo")
	w.publish(2, "c", "of bob")
	all := "?channel=c&since=2023-11-14&until=2023-11-16" // when the messages of this world are
	_, html := w.page("ada", "/history"+all)
	if !says(html, "2 messages", "one", `\x1b[31mtwo`) || says(html, "of bob") || !strings.Contains(html, "<rect") {
		t.Error(text(html))
	}
	if _, html = w.page("ada", "/history?channel=c&since=2h"); !says(html, "There is no message") {
		t.Error(text(html))
	}
	rec := w.send(as("ada"), "GET /history/download"+all, nil)
	messages, end := records(t, rec.Body)
	if len(messages) != 2 || string(messages[1].Payload) != "\x1b[31mtwo" || end == nil || !end.End ||
		!strings.HasPrefix(rec.Header().Get("Content-Disposition"), "attachment") {
		t.Errorf("%v %v %v", messages, end, rec.Header())
	}
	rec = w.send(as("ada"), "GET /history/download"+all+"&form=zst", nil)
	z, err := zstd.NewReader(rec.Body)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	packed, end := records(t, z)
	if len(packed) != len(messages) || end == nil || !end.End ||
		!strings.Contains(rec.Header().Get("Content-Disposition"), `"messages.ndjson.zst"`) {
		t.Errorf("%v %v %v", packed, end, rec.Header())
	}
}

// An admin invites by a link: a stranger becomes a user by it, once; a user becomes a member by that of a group.
func TestInvitationsThroughThePages(t *testing.T) {
	w := newWorld(t)
	w.users("ada", "bob", "root")
	link := regexp.MustCompile(`/invite/[A-Za-z0-9_-]+`)
	if status, _ := w.submit("ada", "/admin", "do", "invite", "role", "admin"); status != http.StatusForbidden {
		t.Errorf("ada invites an admin: %d", status)
	}
	_, html := w.submit("root", "/admin", "do", "invite", "role", "member", "note", "from the workshop")
	path := link.FindString(html)
	if path == "" {
		t.Fatal(text(html))
	}
	if rec := w.send(caller{}, "GET "+path, nil); rec.Code != http.StatusOK ||
		!says(rec.Body.String(), "root invites you", "from the workshop") {
		t.Errorf("%d %s", rec.Code, text(rec.Body.String()))
	}
	form := caller{header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}}
	join := url.Values{"user": {"cleo"}, "password": {"correct horse battery"}}.Encode()
	if rec := w.send(form, "POST "+path, join); rec.Code != http.StatusSeeOther || len(rec.Result().Cookies()) == 0 {
		t.Fatalf("%d %s", rec.Code, text(rec.Body.String()))
	}
	if _, ok := w.graph.UserByHandle("cleo"); !ok {
		t.Error("cleo is no user")
	}
	if rec := w.send(form, "POST "+path, join); rec.Code != http.StatusNotFound {
		t.Errorf("twice: %d", rec.Code)
	}
	w.submit("ada", "/groups", "do", "add", "name", "lab")
	_, html = w.submit("ada", "/groups/lab", "do", "invite")
	if path = link.FindString(html); path == "" {
		t.Fatal(text(html))
	}
	if rec := w.send(caller{}, "GET "+path, nil); rec.Code != http.StatusSeeOther { // to log in
		t.Errorf("a stranger: %d", rec.Code)
	}
	if status, html := w.submit("bob", path); status != http.StatusOK || !says(html, "You are a member now.") {
		t.Errorf("%d %s", status, text(html))
	}
	if _, html = w.page("bob", "/groups/lab"); !says(html, "bob member") {
		t.Error(text(html))
	}
}

// Admins change roles, disable and remove users; auditors look, and members are not let in.
func TestAdminThroughThePages(t *testing.T) {
	w := newWorld(t)
	w.users("ada", "eve", "root")
	for user, want := range map[string]int{"ada": http.StatusForbidden, "eve": http.StatusOK, "root": http.StatusOK} {
		status, html := w.page(user, "/admin")
		if may := strings.Contains(html, `value="disable"`); status != want || may != (user == "root") {
			t.Errorf("%s: %d", user, status)
		}
	}
	for _, step := range []struct{ do, says string }{
		{"role", "ada is auditor now."}, {"disable", "ada is disabled"}, {"enable", "ada can log in again."},
		{"clear", "Ada has no login session to end"}, {"remove", "ada is removed"},
	} {
		status, _ := w.submit("eve", "/admin", "do", step.do, "user", "ada", "role", "auditor", "sure", "ada")
		if status != http.StatusForbidden {
			t.Errorf("eve may %s: %d", step.do, status)
		}
		if _, html := w.submit(
			"root", "/admin", "do", step.do, "user", "ada", "role", "auditor", "sure", "ada",
		); !says(html, step.says) {
			t.Errorf("%s: %s", step.do, text(html))
		}
	}
}

// Users and invitations are filtered on Admin, each without the other losing its filter.
func TestAdminIsFiltered(t *testing.T) {
	w := newWorld(t)
	w.users("ada", "bob", "root")
	w.submit("root", "/admin", "do", "disable", "user", "bob")
	w.submit("root", "/admin", "do", "invite", "role", "member", "note", "from the workshop")
	w.submit("root", "/admin", "do", "invite", "role", "auditor", "note", "of the CERT")
	for query, want := range map[string][]string{
		"":               {"3 users", "workshop", "CERT"},
		"q=ADA":          {"1 user", "workshop", "CERT"},
		"state=disabled": {"1 user", "bob"}, "role=admin": {"1 user", "root"},
		"invited=cert":                     {"3 users", "of the CERT"},
		"q=bob&state=enabled&invited=cert": {"0 users", "of the CERT", "Show all"},
		"invited=nothing":                  {"None is like this."},
	} {
		_, html := w.page("root", "/admin?"+query)
		if !says(html, want...) || strings.Contains(query, "cert") && says(html, "workshop") {
			t.Errorf("%s: %s", query, text(html))
		}
		if strings.Contains(query, "q=bob") && !strings.Contains(html, `type="hidden" name="invited" value="cert"`) {
			t.Errorf("%s: the filter of users loses that of invitations: %s", query, html)
		}
	}
}

// The map takes events of HoneyMap's form, and leaves alone what is none or lies off the earth.
func TestMapThroughThePages(t *testing.T) {
	w := newWorld(t)
	w.users("ada")
	w.publish(1, "geoloc.events",
		`{"latitude":-23.5,"longitude":-46.6,"city":"São Paulo","countrycode":"BR","latitude2":50.1,"longitude2":8.7,`+
			`"countrycode2":"DE","type":"dionaea.capture"}`,
		`{"latitude":1000,"longitude":0,"city":"nowhere"}`, `{"latitude":"<b>"}`, "no JSON")
	_, html := w.page("ada", "/map")
	if !says(html, "1 attack", "São Paulo, BR DE dionaea.capture") || says(html, "nowhere") ||
		!strings.Contains(html, `data-lat="-23.5" data-lon="-46.6" data-lat2="50.1" data-lon2="8.7"`) {
		t.Error(text(html))
	}
	for _, address := range []string{"/map?channel=nothing", "/history?channel=nothing"} {
		if _, html := w.page("ada", address); !says(html, "once you enable it, on Shared with you") {
			t.Errorf("%s does not say what to do: %s", address, text(html))
		}
	}
}

// What a payload says is shown as it is: only what cannot be seen is written out.
func TestPayloadIsShownAsItIs(t *testing.T) {
	w := newWorld(t)
	w.users("ada")
	w.publish(1, "c", "C:\\root\r\nsecond\tline", strings.Repeat("ж", 200))
	last := itoa(w.events.Applied())
	if _, html := w.page("ada", "/m/"+last+".0?as=text"); !strings.Contains(html, "C:\\root\nsecond    line") {
		t.Error(text(html))
	}
	if _, html := w.page("ada", "/live"); strings.Contains(html, `\xd0`) || !strings.Contains(html, "жж…") {
		t.Error(text(html))
	}
}

// A group of any name can be opened, and a form does not lose what it was not about.
func TestNamesSurviveAddresses(t *testing.T) {
	w := newWorld(t)
	w.users("ada", "bob")
	for _, name := range []string{"a/b", "R&D?", "100% #1"} {
		if status, html := w.submit("ada", "/groups", "do", "add", "name", name); status != http.StatusOK ||
			!says(html, "The group "+name+" is added", "ada admin") {
			t.Errorf("%s: %d %s", name, status, text(html))
		}
		_, html := w.page("ada", "/groups")
		if !strings.Contains(html, `href="/groups/`+htmlpkg.EscapeString(url.PathEscape(name))+`"`) {
			t.Errorf("%s is not linked: %s", name, html)
		}
	}
	if _, html := w.page("ada", "/why?from=ada&to=bob&channel=c"); !strings.Contains(html,
		`<input type="hidden" name="channel" value="c">`) {
		t.Error("the moment is chosen without what was asked")
	}
	w.submit("ada", "/shares", "do", "add", "channel", "c", "to", "bob", "expires", "30d")
	id := itoa(w.graph.Index())
	share, _ := w.graph.Share(graph.ShareID(w.graph.Index()))
	_, html := w.page("ada", "/shares/"+id)
	ends := regexp.MustCompile(`name="expires" value="([^"]+)"`).FindStringSubmatch(html)[1]
	w.submit("ada", "/shares/"+id, append(hidden(html, "was-"), "do", "edit", "note", "new", "expires", ends)...)
	if edited, _ := w.graph.Share(share.ID); edited.Note != "new" || !edited.Expires.Equal(share.Expires) {
		t.Errorf("%+v, it ended at %v", edited, share.Expires)
	}
	w.submit("ada", "/shares/"+id, "do", "edit", "note", "new", "expires", "")
	if edited, _ := w.graph.Share(share.ID); !edited.Expires.IsZero() {
		t.Errorf("it ends at %v yet", edited.Expires)
	}
}

// refusals puts rows into the Logs: of ada's authkey, of bob's, and of an ident that nobody has.
func (w *world) refusals(rows ...entry.Refusal) {
	w.t.Helper()
	tx := w.events.BeginUpdate()
	for i, r := range rows {
		data, row := r.AppendStored(nil), append(eventlog.IndexKey(r.Owner), fmt.Sprintf("%016d", i)...)
		tx.Put(eventlog.SpaceLogs, row, data)
		tx.Put(eventlog.SpaceRecent, eventlog.RecentKey(r.Last, row), data)
		tx.Put(eventlog.SpaceMeta, eventlog.KeyNewestRefusal, eventlog.IndexKey(r.Index))
	}
	if err := tx.Commit(); err != nil {
		w.t.Fatal(err)
	}
}

// The Logs are filtered alike on the page, in its files and by the API; everybody gets the rows of their authkeys.
func TestLogsAreFilteredAndDownloaded(t *testing.T) {
	w := newWorld(t)
	w.users("ada", "bob", "root")
	must[object](w, as("ada"), "POST /api/v1/authkeys", object{"ident": "k", "pub": []string{"cowrie.*"}})
	at := func(minute int) time.Time { return time.Date(2026, 11, 20, 10, minute, 0, 0, time.UTC) }
	w.refusals(
		entry.Refusal{Owner: 1, Ident: "k", Message: "Authkey not allowed to publish here.", Channel: "=cmd|'/C calc'!A1",
			Addr: "192.0.2.1", First: at(0), Last: at(5), Count: 412, Index: 9},
		entry.Refusal{Owner: 1, Ident: "k", Message: "Pre-auth: Authkey secret hash incorrect.", Addr: "192.0.2.2",
			First: at(1), Last: at(1), Count: 1, Index: 10},
		entry.Refusal{Owner: 2, Ident: "b", Message: "Authkey not allowed to subscribe here.", Channel: "a,\"b\"\x1b[31m",
			Addr: "192.0.2.1", First: at(2), Last: at(2), Count: 1, Index: 11},
		entry.Refusal{Ident: "-nobody", Message: "Pre-auth: Authkey not found.", Addr: "192.0.2.3", First: at(3), Last: at(3),
			Count: 1, Index: 12},
	)
	for _, tt := range []struct {
		who, query string
		want       []uint64 // indexes
	}{
		{"ada", "", []uint64{9, 10}},
		{"bob", "", []uint64{11}},
		{"root", "", []uint64{9, 12, 11, 10}},
		{"root", "user=bob", []uint64{11}},
		{"ada", "user=bob", []uint64{}},
		{"ada", "kind=login", []uint64{10}},
		{"root", "kind=login&address=192.0.2.3", []uint64{12}},
		{"root", "kind=subscribe", []uint64{11}},
		{"root", "ident=k&channel=" + escape("=cmd|'/C calc'!A1"), []uint64{9}},
		{"root", "since=2026-11-20T10:02:00Z&until=2026-11-20T10:05:00Z", []uint64{12, 11}},
	} {
		var got []uint64
		for _, row := range must[[]view.LogRow](w, as(tt.who), "GET /api/v1/logs?"+tt.query, nil) {
			got = append(got, row.Index)
		}
		if !slices.Equal(got, tt.want) && len(got)+len(tt.want) > 0 {
			t.Errorf("%s %s: %d, want %d", tt.who, tt.query, got, tt.want)
		}
		_, html := w.page(tt.who, "/logs?"+tt.query)
		if n := strings.Count(html, "data-index="); n != len(tt.want) {
			t.Errorf("the page of %s %s has %d rows", tt.who, tt.query, n)
		}
		_, lines := w.page(tt.who, "/logs/download?form=ndjson&"+tt.query)
		if n := strings.Count(lines, "\n"); n != len(tt.want) {
			t.Errorf("the file of %s %s has %d rows", tt.who, tt.query, n)
		}
	}
	if rec := w.send(as("ada"), "GET /api/v1/logs?kind=odd", nil); rec.Code != http.StatusUnprocessableEntity {
		t.Errorf("a kind that there is not: %d", rec.Code)
	}
	rec := w.send(as("root"), "GET /logs/download?form=csv", nil)
	rows, err := csv.NewReader(rec.Body).ReadAll()
	if err != nil || len(rows) != 5 || !strings.HasPrefix(rec.Header().Get("Content-Disposition"), "attachment") {
		t.Fatalf("%v %q", err, rows)
	}
	if rows[1][6] != "'=cmd|'/C calc'!A1" || rows[2][3] != "'-nobody" || rows[3][6] != `a,"b"\x1b[31m` {
		t.Errorf("%q", rows)
	}
	_, html := w.page("ada", "/logs")
	if !says(html, "×412 since",
		"Why? The authkey may publish on cowrie.* : =cmd|'/C calc'!A1 is none of it. Edit authkey",
		"Why? It has another secret than the authkey.") {
		t.Error(text(html))
	}
	if _, html = w.page("ada", "/logs?since=odd"); !says(html, "Since:") {
		t.Error(text(html))
	}
}

// Home shows how busy the channels were, the newest events, and which authkeys somebody should look at.
func TestHomeShowsTheDay(t *testing.T) {
	w := newWorld(t)
	w.users("ada", "bob")
	if _, html := w.page("bob", "/"); !says(html, "Three steps until your first event", "Have you no sensor?") {
		t.Error(text(html))
	}
	for _, k := range []object{
		{"ident": "new", "pub": []string{"c"}},
		{"ident": "ending", "pub": []string{"c"}, "expires": time.Now().Add(50 * time.Hour)},
		{"ident": "off", "pub": []string{"c"}},
	} {
		must[object](w, as("ada"), "POST /api/v1/authkeys", k)
	}
	must[struct{}](w, as("ada"), "PATCH /api/v1/authkeys/off", object{"enabled": false})
	w.publish(1, "cowrie.sessions", `{"a":"<b>"}`, "second")
	_, html := w.page("ada", "/")
	if !says(html, "new Nothing has used it yet.", "ending It will expire: in 2 days", "off It is disabled.",
		"Newest events", `{"a":"<b>"}`, "Channels", "cowrie.sessions") {
		t.Error(text(html))
	}
	if _, html = w.page("bob", "/"); says(html, "cowrie.sessions") {
		t.Error("bob sees what is ada's")
	}
}

// A link fills no form for somebody else, though it pretends to bring back what was typed; our own login does, and the
// page says so. Nor does a link offer channels for an authkey that nobody shares.
func TestLinksFillNoForms(t *testing.T) {
	w := newWorld(t)
	w.users("ada", "bob")
	w.submit("bob", "/authkeys", "do", "add", "ident", "k", "pub", "c")
	w.submit("ada", "/shares", "do", "add", "channel", "d", "to", "bob")
	share := itoa(w.graph.Index())
	out := caller{header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}} // their session has ended
	refused := w.send(out, "POST /authkey?ident=k", "do=edit&pub=typed.events&password=secret").Result()
	login, err := url.Parse(refused.Header.Get("Location"))
	if err != nil || len(refused.Cookies()) != 1 {
		t.Fatalf("%v %v %v", refused.Status, login, refused.Cookies())
	}
	typed := login.Query().Get("next")
	link := strings.Replace(typed, "typed", "evil", 1)
	for address, want := range map[string]bool{typed: true, link: false, link + "&kept=": false} {
		c := as("bob") // has logged in again, by whatever link: the browser then comes from our own login
		c.header.Set("Sec-Fetch-Site", "same-origin")
		c.header.Set("Cookie", refused.Cookies()[0].String())
		html := w.send(c, "GET "+address, nil).Body.String()
		filled := strings.Contains(html, `value="typed.events"`) || strings.Contains(html, `value="evil.events"`)
		if filled != want || says(html, "It is not saved yet.") != want || strings.Contains(address, "secret") {
			t.Errorf("%s: %s", address, text(html))
		}
	}
	const lacks = "/incoming?lacks=d&lacks=evil.events"
	if _, html := w.page("bob", lacks); says(html, "No authkey of yours") {
		t.Error(text(html))
	}
	w.submit("bob", "/incoming", "do", "enable", "share", share)
	if _, html := w.page("bob", lacks); !says(html, "No authkey of yours may subscribe to d You") {
		t.Error(text(html))
	}
}
