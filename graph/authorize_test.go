package graph

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
)

func TestPatterns(t *testing.T) {
	for _, tt := range []struct {
		pattern Pattern
		channel string
		want    bool
	}{
		{"a", "a", true}, {"a", "ab", false}, {"a", "A", false}, {"a", "", false},
		{"a*", "a", true}, {"a*", "ab", true}, {"a*", "b", false}, {"a.*", "a", false}, {"a.*", "a.b.c", true},
		{"*", "a", true}, {"*", "", false}, {"*", "$audit", false}, {"*", "a$", true}, {"", "", false},
	} {
		if got := tt.pattern.Match(tt.channel); got != tt.want {
			t.Errorf("%q.Match(%q) = %v", tt.pattern, tt.channel, got)
		}
	}
	for _, tt := range []struct {
		p, q Pattern
		want bool
	}{
		{"a", "a", true}, {"a*", "a", true}, {"a", "a*", false}, {"a*", "a*", true}, {"a*", "ab*", true},
		{"ab*", "a*", false}, {"*", "a*", true}, {"a*", "*", false}, {"*", "*", true},
	} {
		if got := tt.p.Covers(tt.q); got != tt.want {
			t.Errorf("%q.Covers(%q) = %v", tt.p, tt.q, got)
		}
	}
	long := strings.Repeat("x", 255)
	for s, ok := range map[string]bool{
		"": false, "*": true, "a*": true, "*a": false, "a**": false, "a*b": false, "$a": false, "$*": false, "a$": true,
		long: true, long + "x": false, "a b": true, "ü": true, "a\x00": false, "\xff": false, "\u202e": false,
	} {
		if _, err := ParsePattern(s); (err == nil) != ok || err != nil && !errors.Is(err, ErrInvalid) {
			t.Errorf("ParsePattern(%q) = %v", s, err)
		}
	}
	for s, ok := range map[string]bool{"": false, "a": true, "$a": false, "a*": false, "\xff": true, long: true,
		long + "x": false} {
		if err := ValidateChannel(s); (err == nil) != ok {
			t.Errorf("ValidateChannel(%q) = %v", s, err)
		}
	}
	for s, ok := range map[string]bool{"a": true, "A.b_c-d+e@f": true, "": false, "-a": false, "ä": false, "a b": false,
		long: false} {
		if err := ValidateHandle(s); (err == nil) != ok {
			t.Errorf("ValidateHandle(%q) = %v", s, err)
		}
	}
}

func gateOf(err error) string {
	var e *Error
	if !errors.As(err, &e) {
		return ""
	}
	if e.Gate == "" {
		return string(e.Code)
	}
	return e.Gate
}

// TestMayPublishAndSubscribe: which gate is closed, with an authkey as it was given out long ago.
func TestMayPublishAndSubscribe(t *testing.T) {
	w := newSmall(t)
	check := func(what string, err error, gate string) {
		t.Helper()
		if gateOf(err) != gate || gate != "" && gate != "invalid" && !errors.Is(err, ErrDenied) {
			t.Errorf("%s: %v, want gate %q", what, err, gate)
		}
	}
	check("publish", w.g.MayPublish(w.key, "c"), "")
	check("publish elsewhere", w.g.MayPublish(w.key, "d"), GatePattern)
	check("publish on a reserved channel", w.g.MayPublish(w.key, "$acks"), GateReserved)
	check("publish as if the broker", w.g.MayPublish(w.key, "c..broker"), GateReserved)
	check("publish on none", w.g.MayPublish(w.key, ""), "invalid")
	check("publish on a pattern", w.g.MayPublish(w.key, "c*"), "invalid")
	check("publish with no key", w.g.MayPublish(nil, "c"), GateAuthkey)
	check("publish with a reader's key", w.g.MayPublish(w.bobsKey, "c"), GatePattern)
	check("subscribe", w.g.MaySubscribe(w.key, "c1"), "")
	check("subscribe to a pattern", w.g.MaySubscribe(w.key, "c1*"), "")
	check("subscribe elsewhere", w.g.MaySubscribe(w.key, "d"), GatePattern)
	check("subscribe to more than allowed", w.g.MaySubscribe(w.key, "*"), GatePattern)
	check("subscribe to everything", w.g.MaySubscribe(w.bobsKey, "*"), "")
	check("subscribe to no pattern", w.g.MaySubscribe(w.bobsKey, "a*b"), "invalid")
	check("subscribe to none", w.g.MaySubscribe(w.bobsKey, ""), "invalid")
	check("acks", w.g.MaySubscribe(w.key, "$acks"), "")
	check("audit without its name", w.g.MaySubscribe(w.bobsKey, "$audit"), GateReserved)
	check("notices", w.g.MaySubscribe(w.bobsKey, "$replay"), "")
	w.do(user(w.alice), EditAuthkey{Authkey: w.key.ID, Sub: &[]Pattern{"c*", Audit}})
	w.key, _ = w.g.Authkey(w.key.ID)
	check("audit by its name", w.g.MaySubscribe(w.key, "$audit"), "")
	_, _, err := w.g.Apply(w.g.Index()+1, Command{By: user(w.alice), Time: at(1), Op: EditAuthkey{
		Authkey: w.key.ID, Pub: &[]Pattern{Audit},
	}})
	check("publishing on it", err, "invalid")

	sensor := w.world.key(w.alice, "mute", []Pattern{"*"}, nil)
	check("acks of a sensor", w.g.MaySubscribe(sensor, "$acks"), "")
	check("audit of a sensor", w.g.MaySubscribe(sensor, "$audit"), GateReserved)

	w.do(user(w.alice), EditAuthkey{Authkey: w.key.ID, Pub: &[]Pattern{"d"}})
	check("publish by an old right", w.g.MayPublish(w.key, "c"), GatePattern)
	w.do(user(w.alice), EditAuthkey{Authkey: w.key.ID, Enabled: ptr(false)})
	check("publish when disabled", w.g.MayPublish(w.key, "d"), GateEnabled)
	check("subscribe when disabled", w.g.MaySubscribe(w.key, "$acks"), GateEnabled)
	w.do(user(w.alice), EditAuthkey{Authkey: w.key.ID, Enabled: ptr(true)})
	w.do(operator(), EditUser{User: w.alice, Enabled: ptr(false)})
	check("publish of a disabled user", w.g.MayPublish(w.key, "d"), GateOwner)
	check("login of a disabled user", w.g.MayLogin(w.key, netip.Addr{}, base), GateOwner)
	w.do(operator(), EditUser{User: w.alice, Enabled: ptr(true)})
	check("publish again", w.g.MayPublish(w.key, "d"), "")
	w.do(user(w.alice), RemoveAuthkey{w.key.ID})
	check("publish with a removed key", w.g.MayPublish(w.key, "d"), GateAuthkey)
}

func TestMayLogin(t *testing.T) {
	w := newSmall(t)
	w.do(user(w.alice), EditAuthkey{
		Authkey: w.key.ID, Expires: ptr(at(100)),
		Networks: &[]netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")},
	})
	for _, tt := range []struct {
		addr string
		at   uint64
		gate string
	}{
		{"192.0.2.7", 50, ""}, {"::ffff:192.0.2.7", 50, ""}, {"2001:db8::1", 50, ""}, {"2001:db8::1%eth0", 50, ""},
		{"192.0.3.7", 50, GateNetwork}, {"::1", 50, GateNetwork}, {"", 50, GateNetwork},
		{"192.0.2.7", 99, ""}, {"192.0.2.7", 100, GateExpired}, {"192.0.2.7", 101, GateExpired},
	} {
		addr, _ := netip.ParseAddr(tt.addr)
		if err := w.g.MayLogin(w.key, addr, at(tt.at)); gateOf(err) != tt.gate {
			t.Errorf("login from %q at %d: %v, want gate %q", tt.addr, tt.at, err, tt.gate)
		}
	}
	if err := w.g.MayLogin(w.bobsKey, netip.Addr{}, base); err != nil {
		t.Errorf("login without networks: %v", err)
	}
}

// TestWhoSeesWhat: one row for each object, one column for each viewer.
func TestWhoSeesWhat(t *testing.T) {
	w := newSmall(t)
	gone := w.user("gone")
	goneKey := w.world.key(gone, "gone", nil, nil)
	w.do(operator(), EditUser{User: gone, Enabled: ptr(false)})
	viewers := []Actor{user(w.alice), user(w.bob), user(w.carol), user(w.audit), user(w.root), operator(), user(gone),
		user(9999), {}}
	alice, _ := w.g.User(w.alice)
	red, _ := w.g.Group(w.red)
	everyone, _ := w.g.Group(Everyone)
	toBob, _ := w.g.Share(w.toBob)
	toRed, _ := w.g.Share(w.toRed)
	toAll, _ := w.g.Share(w.toAll)
	token, _ := w.g.Token(w.token)
	w.do(user(w.carol), AskToJoin{Group: w.red})
	asked, _ := w.g.JoinRequest(w.red, w.carol)
	blue := w.group("blue", w.carol)
	w.do(user(w.bob), AskToJoin{Group: blue})
	ofBob, _ := w.g.JoinRequest(blue, w.bob)
	mayRemove := func(v Actor, r *JoinRequest) bool {
		_, _, err := w.g.Apply(200, Command{By: v, Time: at(200), Op: RemoveRequest{r.Group, r.User}})
		return err == nil
	}
	for _, tt := range []struct {
		what string
		want string // alice bob carol audit root operator | disabled unknown nobody
		see  func(Actor) bool
	}{
		{"a user", "yyyyyy---", func(v Actor) bool { return w.g.Viewer(v).CanSeeUser(alice) }},
		{"a group", "yyyyyy---", func(v Actor) bool { return w.g.Viewer(v).CanSeeGroup(red) }},
		{"its members", "yy-yyy---", func(v Actor) bool { return w.g.Viewer(v).CanSeeMembers(red) }},
		{"carol's request to join", "yyyyyy---", func(v Actor) bool { return w.g.Viewer(v).CanSeeRequest(asked) }},
		{"bob's to join blue", "-yyyyy---", func(v Actor) bool { return w.g.Viewer(v).CanSeeRequest(ofBob) }},
		{"to remove carol's", "y-y-yy---", func(v Actor) bool { return mayRemove(v, asked) }},
		{"to remove bob's", "-yy-yy---", func(v Actor) bool { return mayRemove(v, ofBob) }},
		{"everyone's members", "yyyyyy---", func(v Actor) bool { return w.g.Viewer(v).CanSeeMembers(everyone) }},
		{"an authkey", "y--yyy---", func(v Actor) bool { return w.g.Viewer(v).CanSeeAuthkey(w.key) }},
		{"its secret", "y---yy---", func(v Actor) bool { return w.g.Viewer(v).CanRevealSecret(w.key) }},
		{"to have it told", "y---yy---", func(v Actor) bool {
			g, out, err := w.g.Apply(200, Command{By: v, Time: at(200), Op: RevealAuthkey{w.key.ID}})
			for d := range Diff(w.g, g) {
				t.Errorf("that changes %+v", d)
			}
			return err == nil && out.Object == uint64(w.key.ID)
		}},
		{"to edit it", "y---yy---", func(v Actor) bool { return w.g.MayEditAuthkey(v, w.key.ID) == nil }},
		{"to edit the disabled user's", "----yy---", func(v Actor) bool { return w.g.MayEditAuthkey(v, goneKey.ID) == nil }},
		{"to edit none", "---------", func(v Actor) bool {
			return !errors.Is(w.g.MayEditAuthkey(v, 9999), ErrNotFound) && !errors.Is(w.g.MayEditAuthkey(v, 9999), ErrDenied)
		}},
		{"the disabled user's secret", "----yy---", func(v Actor) bool { return w.g.Viewer(v).CanRevealSecret(goneKey) }},
		{"a share with bob", "yy-yyy---", func(v Actor) bool { return w.g.Viewer(v).CanSeeShare(toBob) }},
		{"a share with red", "yy-yyy---", func(v Actor) bool { return w.g.Viewer(v).CanSeeShare(toRed) }},
		{"a share with everyone", "yyyyyy---", func(v Actor) bool { return w.g.Viewer(v).CanSeeShare(toAll) }},
		{"bob's decision", "yy-yyy---", func(v Actor) bool { return w.g.Viewer(v).CanSeeAcceptance(toAll, w.bob) }},
		{"carol's decision", "y-yyyy---", func(v Actor) bool { return w.g.Viewer(v).CanSeeAcceptance(toAll, w.carol) }},
		{"a token", "y--yyy---", func(v Actor) bool { return w.g.Viewer(v).CanSeeToken(token) }},
		{"everything", "---yyy---", func(v Actor) bool { return w.g.Viewer(v).CanSeeAll() }},
		{"nothing", "---------", func(a Actor) bool {
			v := w.g.Viewer(a)
			return v.CanSeeUser(nil) || v.CanSeeGroup(nil) || v.CanSeeMembers(nil) || v.CanSeeAuthkey(nil) ||
				v.CanRevealSecret(nil) || v.CanSeeShare(nil) || v.CanSeeAcceptance(nil, w.bob) || v.CanSeeToken(nil)
		}},
	} {
		got := ""
		for _, v := range viewers {
			if tt.see(v) {
				got += "y"
			} else {
				got += "-"
			}
		}
		if got != tt.want {
			t.Errorf("%s: seen by %s, want %s", tt.what, got, tt.want)
		}
	}
}
