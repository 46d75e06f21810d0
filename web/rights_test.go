package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"hpfriends/api"
	"hpfriends/graph"
)

// rights is a world in which ada owns an authkey, a share with bob and one with the group lab (ada admin, bob member),
// and a token; cleo has nothing to do with them.
func rights(t *testing.T) *world {
	w := newWorld(t)
	w.users("ada", "bob", "cleo", "eve", "root")
	must[api.Created](w, as("ada"), "POST /api/v1/groups", object{"name": "lab"})                               // 6
	must[struct{}](w, as("ada"), "POST /api/v1/groups/lab/members", object{"user": "bob"})                      // 7
	must[api.Credential](w, as("ada"), "POST /api/v1/authkeys", object{"ident": "ada/1", "pub": []string{"c"}}) // 8
	must[api.Created](w, as("ada"), "POST /api/v1/shares", object{"channel": "c", "to": "bob"})                 // 9
	must[api.Created](w, as("ada"), "POST /api/v1/shares", object{"channel": "d", "to": "group:lab"})           // 10
	must[api.IssuedToken](w, as("ada"), "POST /api/v1/tokens", object{"comment": "t"})                          // 11
	must[api.Created](w, as("bob"), "POST /api/v1/shares", object{"channel": "c", "to": "cleo", "type": "all"}) // 12
	return w
}

// right is one request, and what comes back for each user.
type right struct {
	route string
	body  any
	want  [6]int // for ada, bob, cleo, eve, root and the operator
}

// rightsByAPI are a request or more of each operation. walk_test.go says which have a test of their own instead.
var rightsByAPI = []right{
	{"GET /api/v1/users", nil, [6]int{200, 200, 200, 200, 200, 200}},
	{"GET /api/v1/users/nobody", nil, [6]int{404, 404, 404, 404, 404, 404}},
	{"POST /api/v1/users", object{"handle": "new"}, [6]int{403, 403, 403, 403, 200, 200}},
	{"PATCH /api/v1/users/ada", object{"name": "A"}, [6]int{204, 403, 403, 403, 204, 204}},
	{"PATCH /api/v1/users/ada", object{"role": "admin"}, [6]int{403, 403, 403, 403, 204, 204}},
	{"PATCH /api/v1/users/ada", object{"enabled": false}, [6]int{403, 403, 403, 403, 204, 204}},
	{"PATCH /api/v1/users/ada/limits", object{"authkeys": 5}, [6]int{403, 403, 403, 403, 204, 204}},
	{"DELETE /api/v1/users/cleo", nil, [6]int{403, 403, 204, 403, 204, 204}},
	{"DELETE /api/v1/users/root", nil, [6]int{403, 403, 403, 403, 409, 204}}, // the only admin
	{"PATCH /api/v1/users/root", object{"role": "member"}, [6]int{403, 403, 403, 403, 409, 204}},
	{"PATCH /api/v1/users/root", object{"enabled": false}, [6]int{403, 403, 403, 403, 409, 204}},
	{"PATCH /api/v1/users/root", object{"name": "R"}, [6]int{403, 403, 403, 403, 204, 204}},

	{"GET /api/v1/retention", nil, [6]int{403, 403, 403, 200, 200, 200}},
	{"POST /api/v1/retention/hold", nil, [6]int{403, 403, 403, 403, 204, 204}},
	{"POST /api/v1/retention/resume", nil, [6]int{403, 403, 403, 403, 409, 409}},
	{"POST /api/v1/retention/accept", nil, [6]int{403, 403, 403, 403, 200, 200}},

	{"POST /api/v1/groups", object{"name": "new"}, [6]int{200, 200, 200, 200, 200, 422}},
	{"GET /api/v1/groups/lab", nil, [6]int{200, 200, 200, 200, 200, 200}},
	{"POST /api/v1/groups/lab/members", object{"user": "cleo"}, [6]int{204, 403, 403, 403, 204, 204}},
	{"DELETE /api/v1/groups/lab/members/bob", nil, [6]int{204, 204, 403, 403, 204, 204}},
	{"POST /api/v1/groups/lab/requests", object{"note": "n"}, [6]int{409, 409, 409, 204, 204, 422}},
	{"POST /api/v1/groups/lab/requests/cleo/accept", nil, [6]int{204, 403, 403, 403, 204, 204}},
	{"POST /api/v1/groups/lab/requests/eve/accept", nil, [6]int{404, 403, 403, 403, 404, 404}},
	{"DELETE /api/v1/groups/lab/requests/cleo", nil, [6]int{204, 403, 204, 403, 204, 204}},
	{"POST /api/v1/groups/lab/leave", object{}, [6]int{409, 204, 404, 404, 404, 404}},
	{"PATCH /api/v1/groups/lab/members/bob", object{"admin": true}, [6]int{204, 403, 403, 403, 204, 204}},
	{"DELETE /api/v1/groups/lab", nil, [6]int{204, 403, 403, 403, 204, 204}},
	{"DELETE /api/v1/groups/everyone", nil, [6]int{422, 422, 422, 422, 422, 422}},

	{"GET /api/v1/authkeys/ada%2F1", nil, [6]int{200, 404, 404, 200, 200, 200}},
	{"POST /api/v1/authkeys/ada%2F1/reveal", nil, [6]int{200, 404, 404, 403, 200, 200}},
	{"POST /api/v1/authkeys/ada%2F1/check", object{"secret": "s"}, [6]int{200, 404, 404, 403, 200, 200}},
	{"POST /api/v1/authkeys/ada%2F1/rotate", object{}, [6]int{200, 404, 404, 403, 200, 200}},
	{"PATCH /api/v1/authkeys/ada%2F1", object{"enabled": false}, [6]int{204, 404, 404, 403, 204, 204}},
	{"DELETE /api/v1/authkeys/ada%2F1", nil, [6]int{204, 404, 404, 403, 204, 204}},
	{"POST /api/v1/authkeys", object{"ident": "k"}, [6]int{200, 200, 200, 200, 200, 422}},
	{"POST /api/v1/authkeys", object{"ident": "k", "owner": "ada"}, [6]int{200, 403, 403, 403, 200, 200}},
	{"GET /api/v1/authkeys?owner=ada", nil, [6]int{200, 200, 200, 200, 200, 200}}, // the rows differ: below

	{"GET /api/v1/audit", nil, [6]int{200, 200, 200, 200, 200, 200}}, // the events differ: audit_test.go
	{"GET /api/v1/audit/8", nil, [6]int{200, 404, 404, 200, 200, 200}},
	{"GET /api/v1/audit/99", nil, [6]int{404, 404, 404, 404, 404, 404}},
	{"GET /api/v1/audit/at?t=%239", nil, [6]int{200, 200, 200, 200, 200, 200}},
	{"GET /api/v1/audit/access?channel=c", nil, [6]int{200, 200, 200, 200, 200, 200}},
	{"GET /api/v1/audit/verify", nil, [6]int{403, 403, 403, 200, 200, 200}},
	{"GET /api/v1/explain?from=ada&to=bob&channel=c&at=%239", nil, [6]int{200, 200, 403, 200, 200, 200}},

	{"GET /api/v1/shares/9", nil, [6]int{200, 200, 404, 200, 200, 200}},
	{"POST /api/v1/shares/9/accept", object{}, [6]int{422, 204, 404, 403, 403, 422}},
	{"POST /api/v1/shares/10/accept", object{}, [6]int{422, 204, 404, 403, 403, 422}},
	{"POST /api/v1/shares/9/disable", object{}, [6]int{422, 204, 404, 403, 403, 422}},
	{"PATCH /api/v1/shares/9", object{"note": "n"}, [6]int{204, 403, 404, 403, 204, 204}},
	{"POST /api/v1/authkeys/ada%2F1/rotate", object{"overlap": "24h"}, [6]int{200, 404, 404, 403, 200, 200}},
	{"DELETE /api/v1/shares/9", nil, [6]int{204, 403, 404, 403, 204, 204}},
	{"DELETE /api/v1/shares/77", nil, [6]int{404, 404, 404, 404, 404, 404}},
	{"POST /api/v1/shares", object{"channel": "c", "to": "eve"}, [6]int{200, 200, 200, 422, 200, 422}},

	{"GET /api/v1/shares/preview?channel=c&to=eve", nil, [6]int{200, 200, 200, 422, 200, 422}},
	{"GET /api/v1/shares/preview?channel=c&to=group:lab", nil, [6]int{200, 200, 200, 200, 200, 422}},

	{"GET /api/v1/messages/histogram?channel=c", nil, [6]int{200, 200, 200, 200, 200, 200}},
	{"GET /api/v1/channels/rates?channel=*&since=1h&until=2h", nil, [6]int{422, 422, 422, 422, 422, 422}},

	{"POST /api/v1/replays", object{"channel": []string{"c"}, "from": "first", "to": "c", "authkey": "ada/1"},
		[6]int{409, 404, 404, 403, 403, 422}}, // there is no broker: who may is told so
	{"GET /api/v1/replays/1", nil, [6]int{404, 404, 404, 404, 404, 404}}, // replay_test.go
	{"DELETE /api/v1/replays/1", nil, [6]int{404, 404, 404, 404, 404, 404}},

	{"DELETE /api/v1/tokens/11", nil, [6]int{204, 404, 404, 403, 204, 204}},
	{"POST /api/v1/tokens", object{"owner": "ada"}, [6]int{200, 403, 403, 403, 200, 200}},

	{"GET /api/v1/sessions", nil, [6]int{200, 200, 200, 200, 200, 200}},          // the rows differ: below
	{"GET /api/v1/sessions?user=ada", nil, [6]int{200, 200, 200, 200, 200, 200}}, // the rows differ: below
	{"DELETE /api/v1/sessions/13", nil, [6]int{204, 404, 404, 403, 204, 204}},
	{"DELETE /api/v1/sessions/11", nil, [6]int{404, 404, 404, 404, 404, 404}}, // an API token
	{"DELETE /api/v1/tokens/13", nil, [6]int{404, 404, 404, 404, 404, 404}},
	{"GET /api/v1/invitations", nil, [6]int{200, 200, 200, 200, 200, 200}}, // the rows differ: below
	{"POST /api/v1/invitations", object{"role": "member"}, [6]int{403, 403, 403, 403, 200, 200}},
	{"POST /api/v1/invitations", object{"role": "auditor", "group": "lab"}, [6]int{403, 403, 403, 403, 200, 200}},
	{"POST /api/v1/invitations", object{"group": "lab"}, [6]int{200, 403, 403, 403, 200, 200}},
	{"POST /api/v1/invitations", object{}, [6]int{422, 422, 422, 422, 422, 422}},
	{"POST /api/v1/invitations/accept", object{"secret": "x"}, [6]int{404, 404, 404, 404, 404, 404}},
	{"DELETE /api/v1/invitations/14", nil, [6]int{404, 404, 404, 403, 204, 204}},
	{"DELETE /api/v1/invitations/15", nil, [6]int{204, 404, 404, 403, 204, 204}},

	{"DELETE /api/v1/users/ada/sessions", nil, [6]int{204, 403, 403, 403, 204, 204}},

	{"GET /api/v1/explain?from=ada&to=bob&channel=c", nil, [6]int{200, 200, 403, 200, 200, 200}},

	// What is in these lists differs: their own tests say how.
	{"GET /api/v1/account", nil, [6]int{200, 200, 200, 200, 200, 404}}, // of themselves: TestAccountIsExported
	{"GET /api/v1/status", nil, [6]int{200, 200, 200, 200, 200, 200}},
	{"GET /api/v1/stats", nil, [6]int{200, 200, 200, 200, 200, 200}},
	{"GET /api/v1/groups", nil, [6]int{200, 200, 200, 200, 200, 200}},
	{"GET /api/v1/shares", nil, [6]int{200, 200, 200, 200, 200, 200}},
	{"GET /api/v1/tokens", nil, [6]int{200, 200, 200, 200, 200, 200}},
	{"GET /api/v1/channels", nil, [6]int{200, 200, 200, 200, 200, 200}},
	{"GET /api/v1/channel?name=c", nil, [6]int{404, 404, 404, 404, 404, 404}},
	{"GET /api/v1/channels/top", nil, [6]int{200, 200, 200, 200, 200, 200}},
	{"GET /api/v1/messages/seen?indicator=192.0.2.1", nil, [6]int{200, 200, 200, 200, 200, 200}},
	{"GET /api/v1/messages/seen?indicator=x", nil, [6]int{422, 422, 422, 422, 422, 422}},
	{"GET /api/v1/messages/count?channel=c&from=first", nil, [6]int{200, 200, 200, 200, 200, 200}},
	{"GET /api/v1/audit/diff?from=%231", nil, [6]int{200, 200, 200, 200, 200, 200}},
	{"GET /api/v1/replays", nil, [6]int{200, 200, 200, 200, 200, 200}},

	{"GET /api/v1/check", nil, [6]int{403, 403, 403, 200, 200, 200}},
	{"GET /api/v1/entries", nil, [6]int{403, 403, 403, 403, 403, 200}},
	{"GET /api/v1/backup", nil, [6]int{403, 403, 403, 403, 403, 404}},
	{"GET /api/v1/diagnostics?what=log", nil, [6]int{403, 403, 403, 403, 403, 404}},
	{"POST /api/v1/compact", nil, [6]int{403, 403, 403, 403, 403, 404}},
	{"GET /api/v1/cluster", nil, [6]int{403, 403, 403, 200, 200, 200}},
	{"GET /api/v1/cluster/tokens", nil, [6]int{403, 403, 403, 200, 200, 200}},
	{"POST /api/v1/cluster/tokens", object{"uses": 1, "seconds": 60}, [6]int{403, 403, 403, 403, 200, 200}},
	{"DELETE /api/v1/cluster/tokens/decade", nil, [6]int{403, 403, 403, 403, 204, 204}},
	{"POST /api/v1/cluster/leave", object{"node": "n1"}, [6]int{403, 403, 403, 403, 204, 204}},
	{"POST /api/v1/cluster/remove", object{"node": "n1"}, [6]int{403, 403, 403, 403, 204, 204}},
	{"POST /api/v1/cluster/promote", object{"node": "n1"}, [6]int{403, 403, 403, 403, 204, 204}},
	{"POST /api/v1/cluster/transfer", object{"node": "n1"}, [6]int{403, 403, 403, 403, 204, 204}},
	{"POST /api/v1/cluster/drain", object{"node": "n1"}, [6]int{403, 403, 403, 403, 204, 204}},
	{"POST /api/v1/cluster/undrain", object{"node": "n1"}, [6]int{403, 403, 403, 403, 204, 204}},

	{"GET /api/v1/whoami", nil, [6]int{200, 200, 200, 200, 200, 200}},
}

// Who may what: every line starts in the same world.
func TestWhoMayWhat(t *testing.T) {
	who := []string{"ada", "bob", "cleo", "eve", "root", "operator"}
	w := rights(t)
	w.session(1)                                                                                    // 13
	must[api.IssuedInvitation](w, as("root"), "POST /api/v1/invitations", object{"role": "member"}) // 14
	must[api.IssuedInvitation](w, as("ada"), "POST /api/v1/invitations", object{"group": "lab"})    // 15
	must[struct{}](w, as("cleo"), "POST /api/v1/groups/lab/requests", object{"note": "let me in"})  // 16
	before := w.graph
	for _, tt := range rightsByAPI {
		for i, user := range who {
			c := as(user)
			if user == "operator" {
				c = operator()
			}
			w.graph = before
			rec := w.send(c, tt.route, tt.body)
			if rec.Code != tt.want[i] {
				t.Errorf("%s as %s: %d, want %d: %s", tt.route, user, rec.Code, tt.want[i], rec.Body)
			}
			changes := !strings.HasPrefix(tt.route, "GET") && !strings.Contains(tt.route, " /api/v1/cluster/") &&
				!strings.HasSuffix(tt.route, "/check")
			if changed := w.graph != before; changed != (rec.Code/100 == 2 && changes) {
				t.Errorf("%s as %s: %d, but the graph has changed: %v", tt.route, user, rec.Code, changed)
			}
		}
	}
}

// A list shows each viewer what is theirs to see, and nothing else.
func TestListsShowWhatIsYours(t *testing.T) {
	w := rights(t)
	w.session(1) // 13
	must[struct{}](w, as("bob"), "POST /api/v1/shares/9/accept", object{})
	w.session(2)                                                                                    // 15
	must[api.IssuedInvitation](w, as("root"), "POST /api/v1/invitations", object{"role": "member"}) // 16
	must[api.IssuedInvitation](w, as("ada"), "POST /api/v1/invitations", object{"group": "lab"})    // 17
	for _, tt := range []struct{ who, path, field, want string }{
		{"ada", "authkeys", "ident", "[ada/1]"}, {"bob", "authkeys", "ident", "[]"}, {"eve", "authkeys", "ident", "[ada/1]"},
		{"bob", "authkeys?owner=ada", "ident", "[]"}, {"cleo", "authkeys?owner=ada", "ident", "[]"},
		{"ada", "shares", "id", "[9 10]"}, {"bob", "shares", "id", "[12]"}, {"bob", "shares?in=true", "id", "[9 10]"},
		{"cleo", "shares?user=ada", "id", "[]"}, {"cleo", "shares?in=true", "id", "[12]"},
		{"bob", "shares?user=ada", "id", "[9 10]"},
		{"ada", "tokens", "id", "[11]"}, {"bob", "tokens", "id", "[]"},
		{"ada", "sessions", "id", "[13]"}, {"bob", "sessions", "id", "[15]"}, {"cleo", "sessions", "id", "[]"},
		{"ada", "invitations", "id", "[17]"}, {"bob", "invitations", "id", "[]"}, {"root", "invitations", "by", "[root ada]"},
		{"bob", "sessions?user=ada", "id", "[]"}, {"eve", "sessions", "id", "[13 15]"},
		{"root", "sessions?user=bob", "user", "[bob]"},
		{"ada", "shares", "enabled_by", "[[bob] <nil>]"}, {"bob", "shares?in=true", "enabled", "[true false]"},
		{"bob", "shares?in=true&state=waiting", "id", "[10]"}, {"bob", "shares?in=true&state=enabled", "id", "[9]"},
		{"ada", "shares?q=LAB", "id", "[10]"}, {"ada", "shares?to=bob", "id", "[9]"}, {"ada", "shares?type=all", "id", "[]"},
		{"ada", "shares?state=enabled", "id", "[9]"}, {"cleo", "shares?user=ada&q=c", "id", "[]"},
		{"bob", "shares?in=true", "decision", "[enabled waiting]"}, {"ada", "shares", "decision", "[<nil> <nil>]"},
		{"ada", "users", "role", "[member <nil> <nil> <nil> <nil>]"},
		{"eve", "users", "role", "[member member member auditor admin]"},
	} {
		rows := must[[]object](w, as(tt.who), "GET /api/v1/"+tt.path, nil)
		got := []any{}
		for _, r := range rows {
			got = append(got, r[tt.field])
		}
		if s := fmt.Sprint(got); s != tt.want {
			t.Errorf("%s of %s as %s: %s, want %s", tt.field, tt.path, tt.who, s, tt.want)
		}
	}
	for who, want := range map[string]bool{"ada": true, "bob": true, "cleo": false, "eve": true} {
		g := must[object](w, as(who), "GET /api/v1/groups/lab", nil)
		if _, ok := g["members"]; ok != want {
			t.Errorf("%s sees the members of lab: %v", who, ok)
		}
	}
}

// With --as USER the owner of the data directory has that user's rights and no more.
func TestActingForAUserGivesNoPower(t *testing.T) {
	w := rights(t)
	if rec := w.send(as("ada"), "POST /api/v1/users", object{"handle": "x"}); rec.Code != http.StatusForbidden {
		t.Errorf("%d", rec.Code)
	}
	must[struct{}](w, as("ada"), "PATCH /api/v1/users/ada", object{"name": "Ada"})
	if by := w.last.By; by.Operator || by.User != 1 || by.From != "socket" {
		t.Errorf("the audit gets %+v", by)
	}
	must[struct{}](w, operator(), "PATCH /api/v1/users/ada", object{"name": "Ada"})
	if by := w.last.By; !by.Operator || by.User != 0 || by.From != "socket" {
		t.Errorf("the audit gets %+v", by)
	}
	must[struct{}](w, operator(), "PATCH /api/v1/users/ada", object{"enabled": false})
	for _, route := range []string{"GET /api/v1/whoami", "GET /api/v1/authkeys", "GET /api/v1/logs", "GET /api/v1/users"} {
		if rec := w.send(as("ada"), route, nil); rec.Code != http.StatusForbidden {
			t.Errorf("%s as a disabled user: %d %s", route, rec.Code, rec.Body)
		}
	}
	if rec := w.send(as("nobody"), "GET /api/v1/whoami", nil); rec.Code != http.StatusNotFound {
		t.Errorf("as nobody: %d", rec.Code)
	}
}

// An explanation tells nobody about shares and authkeys of others.
func TestExplanationKeepsOthersOut(t *testing.T) {
	w := rights(t)
	must[struct{}](w, as("bob"), "POST /api/v1/shares/9/accept", object{})
	must[struct{}](w, as("cleo"), "POST /api/v1/shares/12/accept", object{})
	must[api.Credential](w, as("cleo"), "POST /api/v1/authkeys", object{"ident": "cleo-key", "sub": []string{"*"}})
	explain := func(who string) string {
		x := must[object](w, as(who), "GET /api/v1/explain?from=ada&to=cleo&channel=c", nil)
		if x["flows"] != true {
			t.Errorf("as %s: %v", who, x)
		}
		data, _ := json.Marshal(x)
		return string(data)
	}
	for who, hidden := range map[string][]string{
		"cleo": {"ada/1", "#9"},               // how ada shares with bob
		"ada":  {"cleo-key", "#12", `"cleo"`}, // that bob passes it on with share 12; cleo was asked about, see below
	} {
		text := explain(who)
		text = strings.Replace(text, `"to":"cleo"`, "", 1)
		for _, h := range hidden {
			if strings.Contains(text, h) {
				t.Errorf("%s learns %s: %s", who, h, text)
			}
		}
	}
	if text := explain("eve"); !strings.Contains(text, "ada/1") || !strings.Contains(text, "#9") ||
		!strings.Contains(text, "cleo-key") {
		t.Errorf("the auditor sees too little: %s", text)
	}
}

// Who of a group has enabled a share is for the share's owner to know, not for the group.
func TestExplanationKeepsDecisionsOfGroupMembersOut(t *testing.T) {
	w := newWorld(t)
	w.users("ada", "bob", "dora")
	must[api.Created](w, as("ada"), "POST /api/v1/groups", object{"name": "lab"})
	for _, m := range []string{"bob", "dora"} {
		must[struct{}](w, as("ada"), "POST /api/v1/groups/lab/members", object{"user": m})
	}
	group := must[api.Created](w, as("ada"), "POST /api/v1/shares", object{"channel": "c", "to": "group:lab"}).ID
	must[struct{}](w, as("bob"), fmt.Sprintf("POST /api/v1/shares/%d/accept", group), object{})
	on := must[api.Created](w, as("bob"), "POST /api/v1/shares", object{"channel": "c", "to": "dora", "type": "all"}).ID
	must[struct{}](w, as("dora"), fmt.Sprintf("POST /api/v1/shares/%d/accept", on), object{})
	route := "GET /api/v1/explain?from=ada&to=dora&channel=c"
	path := func(who string) string { return fmt.Sprint(must[object](w, as(who), route, nil)["path"].([]any)[0]) }
	if text := path("dora"); strings.Contains(text, "bob") || !strings.Contains(text, "lab") {
		t.Errorf("dora learns that bob has enabled it: %s", text)
	}
	if text := fmt.Sprint(must[object](w, as("dora"), route, nil)["gates"]); strings.Contains(text, "with bob") {
		t.Errorf("dora learns that bob has enabled it: %s", text)
	}
	if text := path("ada"); !strings.Contains(text, "receiver:bob") {
		t.Errorf("ada does not see how her own share goes on: %s", text)
	}
}

// rightsByForms are a form or more of each page that has any, and what comes back for ada, bob, cleo, eve and root.
var rightsByForms = []struct {
	address string
	fields  []string
	want    [5]int
}{
	{"/shares", []string{"do", "remove", "share", "9"}, [5]int{200, 403, 404, 403, 200}},
	{"/shares/9", []string{"do", "edit", "note", "x"}, [5]int{200, 403, 404, 403, 200}},
	{"/incoming", []string{"do", "enable", "share", "9"}, [5]int{422, 200, 404, 403, 403}},
	{"/incoming", []string{"do", "enable", "share", "10"}, [5]int{422, 200, 404, 403, 403}},
	{"/authkeys", []string{"do", "reveal", "ident", "ada/1"}, [5]int{200, 404, 404, 403, 200}},
	{"/authkeys", []string{"do", "rotate", "ident", "ada/1"}, [5]int{200, 404, 404, 403, 200}},
	{"/authkeys", []string{"do", "remove", "ident", "ada/1", "sure", "ada/1"}, [5]int{200, 404, 404, 403, 200}},
	{"/authkey?ident=ada%2F1", []string{"do", "edit", "pub", "*"}, [5]int{200, 404, 404, 403, 200}},
	{"/authkey?ident=ada%2F1", []string{"do", "enable"}, [5]int{200, 404, 404, 403, 200}},
	{"/groups/lab", []string{"do", "member", "user", "cleo"}, [5]int{200, 403, 403, 403, 200}},
	{"/groups/lab", []string{"do", "kick", "user", "bob"}, [5]int{200, 200, 403, 403, 200}},
	{"/groups/lab", []string{"do", "promote", "user", "bob"}, [5]int{200, 403, 403, 403, 200}},
	{"/groups/lab", []string{"do", "remove", "sure", "lab"}, [5]int{200, 403, 403, 403, 200}},
	{"/groups/lab", []string{"do", "invite"}, [5]int{200, 403, 403, 403, 200}},
	{"/account", []string{"do", "remove-token", "id", "11"}, [5]int{200, 404, 404, 403, 200}},
	{"/admin", []string{"do", "role", "user", "cleo", "role", "admin"}, [5]int{403, 403, 403, 403, 200}},
	{"/admin", []string{"do", "password", "user", "ada"}, [5]int{403, 403, 403, 403, 200}},
	{"/admin", []string{"do", "disable", "user", "ada"}, [5]int{403, 403, 403, 403, 200}},
	{"/admin", []string{"do", "limit", "user", "ada", "limit", "authkeys", "most", "5"}, [5]int{403, 403, 403, 403, 200}},
	{"/admin", []string{"do", "limit", "user", "ada", "limit", "x", "most", "5"}, [5]int{403, 403, 403, 422, 422}},
	{"/admin", []string{"do", "remove", "user", "cleo", "sure", "cleo"}, [5]int{403, 403, 403, 403, 200}},
	{"/admin", []string{"do", "invite", "role", "admin"}, [5]int{403, 403, 403, 403, 200}},
	{"/authkeys", []string{"do", "remove", "ident", "ada/1", "sure", "ada"}, [5]int{422, 422, 422, 422, 422}},
	{"/groups/lab", []string{"do", "remove", "sure", "everyone"}, [5]int{422, 422, 422, 422, 422}},
	{"/admin", []string{"do", "remove", "user", "cleo"}, [5]int{403, 403, 403, 422, 422}},
	{"/cluster", []string{"do", "remove", "node", "n1"}, [5]int{403, 403, 403, 403, 200}},
	{"/cluster", []string{"do", "hold"}, [5]int{403, 403, 403, 403, 200}},
	{"/cluster", []string{"do", "resume"}, [5]int{403, 403, 403, 403, 409}},
	{"/cluster", []string{"do", "accept", "sure", "2001-01-01", "ahead", "0", "until", "0"},
		[5]int{403, 403, 403, 403, 200}},
	{"/cluster", []string{"do", "accept"}, [5]int{403, 403, 403, 422, 422}},
	{"/audit", []string{"do", "verify"}, [5]int{403, 403, 403, 200, 200}},
	{"/connections", []string{"do", "close", "node", "n1", "number", "1"}, [5]int{200, 404, 404, 404, 200}},
	{"/connect", []string{"do", "connect", "sensor", "cowrie"}, [5]int{200, 200, 200, 200, 200}},
	{"/groups", []string{"do", "add", "name", "new"}, [5]int{200, 200, 200, 200, 200}},
	{"/history", []string{"do", "replay", "channel", "c", "since", "1h", "to", "c", "authkey", "ada/1"},
		[5]int{409, 404, 404, 403, 403}}, // there is no broker: who may is told so
	{"/history", []string{"do", "stop", "replay", "1"}, [5]int{404, 404, 404, 404, 404}},
	{"/preferences", []string{"do", "set"}, [5]int{200, 200, 200, 200, 200}},
	{"/invite/nothing", []string{"user", "x"}, [5]int{404, 404, 404, 404, 404}},
	{"/shares", []string{"do", "nothing"}, [5]int{400, 400, 400, 400, 400}},
}

// Who may what by the forms of the pages: each line is one form, and what comes back for each user. A page decides
// nothing that the API does not decide, and what may not be seen is not found. Every line starts in the same world.
func TestWhoMayWhatByForms(t *testing.T) {
	who := []string{"ada", "bob", "cleo", "eve", "root"}
	w := rights(t)
	w.server.v1.Connections = &clients{all: map[uint64]graph.UserID{1: 1}, idents: map[graph.UserID]string{1: "ada/1"}}
	start := w.graph
	for _, tt := range rightsByForms {
		for i, user := range who {
			w.graph = start
			before := w.graph.Index()
			status, html := w.submit(user, tt.address, tt.fields...)
			if status != tt.want[i] {
				t.Errorf("%s %v by %s: %d, want %d: %s", tt.address, tt.fields, user, status, tt.want[i], text(html))
			}
			if status != 200 && w.graph.Index() != before {
				t.Errorf("%s %v by %s is refused, and has changed something", tt.address, tt.fields, user)
			}
		}
	}
}
