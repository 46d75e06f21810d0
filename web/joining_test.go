package web

import (
	"net/http"
	"testing"

	"hpfriends/api"
)

// Who sees a group asks to join; its members see that, its admins answer it, and both are told by page and by API.
func TestJoiningAGroupThroughThePages(t *testing.T) {
	w := newWorld(t)
	w.users("ada", "bob", "cleo", "dora")
	w.submit("ada", "/groups", "do", "add", "name", "lab")
	w.submit("ada", "/groups/lab", "do", "member", "user", "bob")
	w.walkGroup([]groupStep{
		{"cleo", "ask", "", http.StatusOK, "You ask to join lab. One of its admins decides."},
		{"cleo", "ask", "", http.StatusConflict, "Cleo asks to join"},
		{"bob", "accept", "cleo", http.StatusForbidden, "Only admins of the group"},
		{"dora", "decline", "cleo", http.StatusForbidden, "Only admins of the group"},
		{"cleo", "accept", "cleo", http.StatusForbidden, "Only admins of the group"},
		{"cleo", "take-back", "ada", http.StatusOK, "You no longer ask to join lab."}, // one's own, whatever is sent
		{"ada", "accept", "cleo", http.StatusNotFound, "or no longer"},
		{"cleo", "ask", "", http.StatusOK, ""},
		{"ada", "decline", "cleo", http.StatusOK, "cleo does not become a member. They may ask again."},
		{"cleo", "ask", "", http.StatusOK, ""},
		{"ada", "accept", "cleo", http.StatusOK, "cleo is a member now."},
		{"cleo", "ask", "", http.StatusConflict, "is a member of"},
	}, "note", "I am <Cleo>")
	if _, html := w.page("ada", "/audit?op=request.*"); !says(html, "asked to join the group lab.",
		"no longer asks to join the group lab.", "declined that cleo joins the group lab.") {
		t.Error(text(html))
	}
}

// What waits for the admins of a group stands where they look, and for nobody else.
func TestJoinRequestsWaitForTheAdmins(t *testing.T) {
	w := newWorld(t)
	w.users("ada", "bob", "cleo", "dora", "eve")
	w.submit("ada", "/groups", "do", "add", "name", "lab")
	w.submit("ada", "/groups/lab", "do", "member", "user", "bob")
	w.submit("cleo", "/groups/lab", "do", "ask", "note", "I am <Cleo>")
	const note, accept, waits = "I am <Cleo>", "Accept", "1 waiting for you"
	for user, want := range map[string]struct{ home, group, answers bool }{
		"ada": {true, true, true}, "bob": {false, true, false}, "cleo": {false, true, false}, "dora": {},
		"eve": {false, true, false}, // an auditor
	} {
		_, home := w.page(user, "/")
		if says(home, note) != want.home || says(home, waits) != want.home {
			t.Errorf("the home of %s: %s", user, text(home))
		}
		_, group := w.page(user, "/groups/lab")
		if says(group, note) != want.group || says(group, accept) != want.answers {
			t.Errorf("the group for %s: %s", user, text(group))
		}
		g := must[object](w, as(user), "GET /api/v1/groups/lab", nil)
		if _, told := g["requests"]; told != want.group {
			t.Errorf("%s is told of requests: %v", user, told)
		}
	}
	if _, html := w.page("cleo", "/groups"); !says(html, "you ask to join") {
		t.Error(text(html))
	}
	if _, html := w.page("ada", "/groups"); !says(html, "1 asks to join") {
		t.Error(text(html))
	}
	if _, html := w.page("dora", "/groups/lab"); !says(html, "Ask to join", "Its members see that you ask.") {
		t.Error(text(html))
	}
	if all := must[api.Account](w, as("cleo"), "GET /api/v1/account", nil); len(all.Groups) != 1 {
		t.Errorf("cleo's account has the groups %+v", all.Groups)
	}
}
