package web

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"hpfriends/graph"
)

// hidden are the hidden fields of a page whose names begin so, and their values in turn.
func hidden(html, name string) (all []string) {
	for _, m := range hiddenFields.FindAllStringSubmatch(html, -1) {
		if strings.HasPrefix(m[1], name) {
			all = append(all, m[1], m[2])
		}
	}
	return all
}

var hiddenFields = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)">`)

// by makes a change as a user.
func (w *world) by(handle string, op graph.Op) uint64 {
	w.t.Helper()
	out, err := w.Change(w.t.Context(), graph.Command{By: graph.Actor{User: w.user(handle)}, Op: op})
	if err != nil {
		w.t.Fatal(err)
	}
	return out.Object
}

func (w *world) user(handle string) graph.UserID {
	u, _ := w.newest().UserByHandle(handle)
	return u.ID
}

// What somebody leaves alone in a form stays as another has made it meanwhile.
func TestOldFormTakesNothingBack(t *testing.T) {
	w := newWorld(t)
	w.do(graph.AddUser{Handle: "ada"})
	w.do(graph.AddUser{Handle: "bob"})
	w.by("ada", graph.AddAuthkey{Ident: "k", Secret: []byte{1}, Comment: "old", Pub: []graph.Pattern{"a"}})
	_, html := w.page("ada", "/authkey?ident=k")
	form := append(hidden(html, "was-"), "do", "edit", "enabled", "on", "pub", "a", "sub", "", "networks", "",
		"expires", "", "largest", "1048576")
	if !slices.Contains(form, "was-enabled") || !slices.Contains(form, "was-pub") {
		t.Fatalf("the form does not say what was: %v", form)
	}
	k, _ := w.newest().AuthkeyByIdent("k")
	off := false
	w.by("ada", graph.EditAuthkey{Authkey: k.ID, Enabled: &off, Pub: &[]graph.Pattern{"b"}})
	if status, html := w.submit("ada", "/authkey?ident=k", append(form, "comment", "new")...); status != http.StatusOK {
		t.Fatalf("%d: %s", status, text(html))
	}
	if k, _ = w.newest().AuthkeyByIdent("k"); k.Enabled || k.Pub[0] != "b" || k.Comment != "new" {
		t.Errorf("it is %+v", k)
	}
	_, html = w.submit("ada", "/authkey?ident=k", append(form, "comment", "old")...)
	if !says(html, "Nothing was changed.") {
		t.Error(text(html))
	}

	id := w.by("ada", graph.AddShare{Channel: "c", User: w.user("bob"), Note: "old"})
	address := "/shares/" + itoa(id)
	_, html = w.page("ada", address)
	form = append(hidden(html, "was-"), "do", "edit", "note", "old", "expires", "30d")
	w.by("ada", graph.EditShare{Share: graph.ShareID(id), Note: new("TLP:RED")})
	w.submit("ada", address, form...)
	if s, _ := w.newest().Share(graph.ShareID(id)); s.Note != "TLP:RED" || s.Expires.IsZero() {
		t.Errorf("the share is %+v", s)
	}
}

// An answer that shows a secret can be loaded again: nothing is done twice.
func TestFormIsDoneOnce(t *testing.T) {
	w := newWorld(t)
	w.do(graph.AddUser{Handle: "ada"})
	w.do(graph.AddUser{Handle: "root", Role: graph.Admin})
	for _, tt := range []struct {
		user, address, page string
		fields              []string
		count               func() int
	}{
		{"ada", "/connect", "/connect?sensor=cowrie", []string{"do", "connect", "sensor", "cowrie"}, func() (n int) {
			for range w.newest().Authkeys() {
				n++
			}
			return n
		}},
		{"root", "/admin", "/admin", []string{"do", "invite", "role", "member"}, func() (n int) {
			for range w.newest().Invitations() {
				n++
			}
			return n
		}},
	} {
		_, html := w.page(tt.user, tt.page)
		form := append(tt.fields, hidden(html, "once")...)
		if !slices.Contains(form, "once") {
			t.Errorf("the form of %s has no number", tt.page)
		}
		before := tt.count()
		if status, html := w.submit(tt.user, tt.address, form...); status != http.StatusOK || tt.count() != before+1 {
			t.Errorf("%s: %d %s", tt.address, status, text(html))
		}
		_, html = w.submit(tt.user, tt.address, form...)
		if tt.count() != before+1 || !says(html, "That was done already.") {
			t.Errorf("%s again: %d of them, %s", tt.address, tt.count()-before, text(html))
		}
		_, html = w.page(tt.user, tt.page)
		w.submit(tt.user, tt.address, append(tt.fields, hidden(html, "once")...)...)
		if tt.count() != before+2 {
			t.Errorf("%s by a new form: %d of them", tt.address, tt.count()-before)
		}
	}
}

// People find the way from an address where nothing is; programs are told in a line, and strangers nothing more.
func TestNothingAtAnAddress(t *testing.T) {
	w := newWorld(t)
	w.do(graph.AddUser{Handle: "ada"})
	browser := as("ada")
	browser.header.Set("Accept", "text/html,*/*")
	for _, tt := range []struct {
		who   caller
		path  string
		shell bool
	}{
		{browser, "/nope", true}, {as("ada"), "/nope", false}, {browser, "/api/v1/nope", false},
		{caller{header: http.Header{"Accept": {"text/html"}}}, "/nope", false},
	} {
		rec := w.send(tt.who, "GET "+tt.path, nil)
		if got := strings.Contains(rec.Body.String(), `class="rail"`); rec.Code != http.StatusNotFound || got != tt.shell {
			t.Errorf("%s: %d, a page %t, want %t", tt.path, rec.Code, got, tt.shell)
		}
	}
}

// A time that ends before it begins is refused in words of the page.
func TestHistoryOfNoTime(t *testing.T) {
	w := newWorld(t)
	w.do(graph.AddUser{Handle: "ada"})
	_, html := w.page("ada", "/history?since=2h&until=5h")
	if !says(html, "The time ends before it begins.") || says(html, "There is no message") {
		t.Error(text(html))
	}
}
