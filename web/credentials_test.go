package web

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"hpfriends/api"
	"hpfriends/query/view"
)

const password = "correct-horse-CANARY"

// The first token is made with a password; everything else takes the token.
func TestPasswordMakesTheFirstToken(t *testing.T) {
	w := newWorld(t)
	must[api.Created](w, operator(), "POST /api/v1/users", object{"handle": "ada", "password": password})
	token := must[api.IssuedToken](w, basic("ADA", password), "POST /api/v1/tokens",
		object{"comment": "laptop", "scopes": []string{"manage"}}).Token
	if !strings.HasPrefix(token, "hpf_") {
		t.Fatalf("token is %q", token)
	}
	if by := w.last.By; by.User != 1 || by.Operator || by.From != "192.0.2.7" {
		t.Errorf("the audit gets %+v", by)
	}
	me := must[api.Whoami](w, bearer(token), "GET /api/v1/whoami", nil)
	if me.User != "ada" || me.Operator {
		t.Errorf("whoami: %+v", me)
	}
	for what, c := range map[string]caller{
		"password elsewhere": basic("ada", password), "nothing": {}, "another token": bearer(token + "x"),
		"no token": bearer(""),
	} {
		rec := w.send(c, "GET /api/v1/whoami", nil)
		if rec.Code != http.StatusUnauthorized || rec.Header().Get("WWW-Authenticate") == "" {
			t.Errorf("%s: %d, %v", what, rec.Code, rec.Header())
		}
	}
	must[struct{}](w, bearer(token), "DELETE /api/v1/tokens/2", nil)
	if rec := w.send(bearer(token), "GET /api/v1/whoami", nil); rec.Code != http.StatusUnauthorized {
		t.Errorf("a removed token: %d", rec.Code)
	}
}

// A token ends at its time, even before the log has taken note; and with its user.
func TestTokenEnds(t *testing.T) {
	w := newWorld(t)
	w.users("ada")
	soon := must[api.IssuedToken](w, as("ada"), "POST /api/v1/tokens",
		object{"expires": time.Now().Add(50 * time.Millisecond)}).Token
	long := must[api.IssuedToken](w, as("ada"), "POST /api/v1/tokens", object{"expires": time.Now().Add(time.Hour)}).Token
	time.Sleep(60 * time.Millisecond)
	if rec := w.send(bearer(soon), "GET /api/v1/whoami", nil); rec.Code != http.StatusUnauthorized {
		t.Errorf("an expired token: %d", rec.Code)
	}
	must[api.Whoami](w, bearer(long), "GET /api/v1/whoami", nil)
	must[struct{}](w, operator(), "PATCH /api/v1/users/ada", object{"enabled": false})
	if rec := w.send(bearer(long), "GET /api/v1/whoami", nil); rec.Code != http.StatusForbidden {
		t.Errorf("the token of a disabled user: %d", rec.Code)
	}
}

// The header that makes the owner of the data directory act as a user does nothing on TCP but harm: it is refused.
func TestActingForAUserIsForTheSocket(t *testing.T) {
	w := newWorld(t)
	w.users("ada", "root")
	token := must[api.IssuedToken](w, as("root"), "POST /api/v1/tokens", object{}).Token
	for _, c := range []caller{{header: http.Header{api.AsHeader: {"root"}}},
		{header: http.Header{api.ForHeader: {"root"}}},
		{header: http.Header{api.ForHeader: {"ada"}, "Authorization": {"Bearer " + token}}},
		{header: http.Header{api.AsHeader: {"ada"}, "Authorization": {"Bearer " + token}}}} {
		if rec := w.send(c, "GET /api/v1/whoami", nil); rec.Code != http.StatusForbidden {
			t.Errorf("%v: %d %s", c.header, rec.Code, rec.Body)
		}
	}
}

// What the operator does for a user is the user's, and the limits of members do not count.
func TestOperatorActsForAUser(t *testing.T) {
	w := newWorld(t)
	w.users("ada", "bob")
	forUser := func(user string) caller { return caller{socket: true, header: http.Header{api.ForHeader: {user}}} }
	for i := range 400 { // more than a member changes at once
		must[api.Created](w, forUser("ada"), "POST /api/v1/shares", object{"channel": fmt.Sprint("c", i), "to": "bob"})
	}
	if by := w.last.By; !by.Operator || by.User == 0 {
		t.Errorf("the last change is by %+v", by)
	}
	s := must[[]view.Share](w, as("bob"), "GET /api/v1/shares?in=true", nil)
	if len(s) != 400 || s[0].From != "ada" {
		t.Fatalf("%d shares with bob: %+v", len(s), s[0])
	}
	must[struct{}](w, forUser("bob"), fmt.Sprintf("POST /api/v1/shares/%d/accept", s[0].ID), nil)
	if rec := w.send(forUser("eve"), "GET /api/v1/whoami", nil); rec.Code != http.StatusNotFound {
		t.Errorf("for nobody: %d %s", rec.Code, rec.Body)
	}
}

func TestTooManyLoginsAreRefusedAndTokensAreNot(t *testing.T) {
	w := newWorld(t)
	w.users("ada")
	token := must[api.IssuedToken](w, as("ada"), "POST /api/v1/tokens", object{}).Token
	var codes []int
	for range 6 {
		codes = append(codes, w.send(basic("ada", "wrong"), "POST /api/v1/tokens", object{}).Code)
	}
	if got := fmt.Sprint(codes); got != "[401 401 401 401 401 429]" {
		t.Errorf("logins: %s", got)
	}
	for range 30 {
		w.send(bearer("hpf_wrong"), "GET /api/v1/whoami", nil)
		w.send(caller{}, "GET /api/v1/whoami", nil)
	}
	must[api.Whoami](w, bearer(token), "GET /api/v1/whoami", nil) // from the same address
}

func TestClientAddress(t *testing.T) {
	w := newWorld(t)
	w.server.who.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"),
		netip.MustParsePrefix("2001:db8:1::/48")}
	for _, tt := range []struct {
		remote    string
		forwarded []string
		want      string
	}{
		{"192.0.2.7:1", nil, "192.0.2.7"},
		{"[::ffff:192.0.2.7]:1", nil, "192.0.2.7"},
		{"[fe80::1%eth0]:1", nil, "fe80::1"},
		{"192.0.2.7:1", []string{"1.1.1.1"}, "192.0.2.7"}, // not a proxy: what it says is nothing
		{"10.0.0.1:1", []string{"198.51.100.4"}, "198.51.100.4"},
		{"10.0.0.1:1", []string{"1.1.1.1, 198.51.100.4"}, "198.51.100.4"}, // the client's own invention is further left
		{"10.0.0.1:1", []string{"1.1.1.1", "198.51.100.4, 10.9.9.9"}, "198.51.100.4"},
		{"[2001:db8:1::1]:1", []string{"[2001:db8:2::5]:443"}, "2001:db8:2::5"},
		{"10.0.0.1:1", []string{"unknown"}, "10.0.0.1"},
		{"10.0.0.1:1", []string{"1.1.1.1, evil<script>"}, "10.0.0.1"},
		{"10.0.0.1:1", nil, "10.0.0.1"},
	} {
		rec := w.send(caller{remote: tt.remote, header: http.Header{"X-Forwarded-For": tt.forwarded}}, "GET /ip", nil)
		if rec.Body.String() != tt.want {
			t.Errorf("%s, forwarded for %q: %s, want %s", tt.remote, tt.forwarded, rec.Body, tt.want)
		}
	}
}

// What a duration ends is stored by the time that the node trusts, not by its machine's clock.
func TestDurationsAreOfTheTimeThatIsTrusted(t *testing.T) {
	w := newWorld(t)
	w.off = -30 * 24 * time.Hour // the machine's clock is a month ahead
	w.users("ada", "bob")
	must[api.Credential](w, as("ada"), "POST /api/v1/authkeys", object{"ident": "k"})
	must[api.Credential](w, as("ada"), "POST /api/v1/authkeys/k/rotate", object{"overlap": "24h"})
	key := must[view.Authkey](w, as("ada"), "GET /api/v1/authkeys/k", nil)
	if key.OldUntil == nil || time.Until(*key.OldUntil) > w.off+24*time.Hour {
		t.Errorf("the old secret is good until %v", key.OldUntil)
	}
	status, html := w.submit("ada", "/shares", "do", "add", "channel", "c", "to", "bob", "type", "own", "expires", "24h")
	shares := must[[]view.Share](w, as("ada"), "GET /api/v1/shares", nil)
	if len(shares) != 1 || shares[0].Expires == nil || time.Until(*shares[0].Expires) > w.off+24*time.Hour {
		t.Errorf("%d %s: shares %+v", status, text(html), shares)
	}
}
