package graph

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"testing"

	"hpfriends/graph/codec"
	"hpfriends/graph/limit"
)

// TestStoredGraphKeepsEveryField, of one object of each kind with something in every field.
func TestStoredGraphKeepsEveryField(t *testing.T) {
	w := newSmall(t)
	u := UserID(w.do(operator(), AddUser{Handle: "Dora", Name: "D", Password: "$argon2id$x", Role: Auditor}))
	w.do(operator(), EditUser{User: u, Enabled: ptr(false)})
	k := AuthkeyID(w.do(user(w.bob), AddAuthkey{
		Ident: "full", Secret: []byte{0, 1, 255}, Comment: "c", Pub: []Pattern{"p", "q*"}, Sub: []Pattern{"*"},
		Expires:    at(900),
		Networks:   []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")},
		MaxMessage: 900,
	}))
	s := ShareID(w.do(user(w.bob),
		AddShare{Channel: "x*", Group: w.red, Type: All, History: Full, Note: "n", Expires: at(50)}))
	w.do(user(w.alice), DecideShare{s, true})
	w.do(user(w.bob), EditAuthkey{Authkey: k, Secret: []byte{7}, OldUntil: at(700)})
	w.index = 60
	w.do(operator(), Expire{})
	w.do(user(w.bob), AddToken{Hash: hash(3), Comment: "t", Expires: at(800), Grant: reads})
	w.do(operator(), SetLimits{User: u, Set: limit.Set{Authkeys: ptr(uint32(7)), Bytes: ptr(uint32(limit.Max))}})
	w.do(user(w.carol), AskToJoin{Group: w.red, Note: "I am c."})
	got := new(Graph)
	if err := got.UnmarshalBinary(encode(t, w.g)); err != nil {
		t.Fatal(err)
	}
	same := func(what string, a, b any) {
		t.Helper()
		if !reflect.DeepEqual(a, b) || reflect.ValueOf(a).IsZero() {
			t.Errorf("%s became %+v, want %+v", what, b, a)
		}
	}
	same("index", w.g.Index(), got.Index())
	check := func(what string, find func(*Graph) (any, bool)) {
		t.Helper()
		a, _ := find(w.g)
		b, _ := find(got)
		same(what, a, b)
	}
	check("user", func(g *Graph) (any, bool) { return g.User(u) })
	check("group", func(g *Graph) (any, bool) { return g.GroupByName("RED") })
	check("membership", func(g *Graph) (any, bool) { return g.Membership(w.red, w.alice) })
	check("request", func(g *Graph) (any, bool) { return g.JoinRequest(w.red, w.carol) })
	check("who asked", func(g *Graph) (any, bool) { return slices.Collect(g.JoinRequestsOf(w.carol)), true })
	check("authkey", func(g *Graph) (any, bool) { return g.Authkey(k) })
	check("share", func(g *Graph) (any, bool) { return g.Share(s) })
	check("token", func(g *Graph) (any, bool) { return g.TokenByHash(hash(3)) })
	check("acceptance", func(g *Graph) (any, bool) { return g.Accepted(s, w.alice), true })
	check("next expiry", func(g *Graph) (any, bool) { return g.NextExpiry() })
	same("reach", collect(w.g.Reach(w.alice, "c")), collect(got.Reach(w.alice, "c")))
}

// TestDamagedStoredGraphIsRefused: cut anywhere, altered anywhere, and, with a checksum that fits, never a panic.
func TestDamagedStoredGraphIsRefused(t *testing.T) {
	w := newSmall(t)
	data := encode(t, w.g)
	refused := func(what string, data []byte) {
		t.Helper()
		g := New()
		if err := g.UnmarshalBinary(data); !errors.Is(err, ErrSnapshot) || g.Index() != 0 {
			t.Errorf("%s: %v", what, err)
		}
	}
	for n := range data {
		refused("cut", data[:n])
		changed := bytes.Clone(data)
		changed[n] ^= 1
		refused("altered", changed)
	}
	refused("longer", append(bytes.Clone(data), 0))

	sum := func(b []byte) []byte { return codec.Seal(bytes.Clone(b)) }
	body := data[:len(data)-4]
	refused("one byte more", sum(append(bytes.Clone(body), 0)))
	refused("cut with a new checksum", sum(bytes.Clone(body[:len(body)-1])))
	refused("a later version", sum(append([]byte("hpfgraph\x04"), body[9:]...)))
	for what, damage := range map[string]func(*draft){
		"a share of nobody":     func(g *draft) { g.putShare(&Share{ID: 900, Owner: 9999, User: w.bob, Channel: "x"}) },
		"a share with nobody":   func(g *draft) { g.putShare(&Share{ID: 900, Owner: w.bob, User: 9999, Channel: "x"}) },
		"a share with no group": func(g *draft) { g.putShare(&Share{ID: 900, Owner: w.bob, Group: 9999, Channel: "x"}) },
		"a share twice":         func(g *draft) { s, _ := g.Share(w.toBob); d := *s; d.ID = 900; g.putShare(&d) },
		"an authkey of nobody":  func(g *draft) { g.putAuthkey(&Authkey{ID: 900, Owner: 9999, Ident: "x"}) },
		"an ident twice":        func(g *draft) { g.putAuthkey(&Authkey{ID: 900, Owner: w.bob, Ident: "sensor"}) },
		"a token of nobody":     func(g *draft) { g.putToken(&Token{ID: 900, Owner: 9999, Hash: hash(9)}) },
		"limits above the most": func(g *draft) {
			u, _ := g.User(w.bob)
			d := *u
			d.Limits[0] = limit.Max + 1
			g.putUser(&d)
		},
		"a request of nobody":       func(g *draft) { g.requests.put(g.edit, &JoinRequest{Group: w.red, User: 9999}) },
		"a request to join nothing": func(g *draft) { g.requests.put(g.edit, &JoinRequest{Group: 9999, User: w.carol}) },
		"a request of a member":     func(g *draft) { g.requests.put(g.edit, &JoinRequest{Group: w.red, User: w.bob}) },
		"a handle twice":            func(g *draft) { g.putUser(&User{ID: 900, Handle: "BOB", Role: Member}) },
		"a role that is none":       func(g *draft) { g.putUser(&User{ID: 900, Handle: "x", Role: "king"}) },
		"a member who is nobody":    func(g *draft) { g.putMember(Membership{Group: w.red, User: 9999}) },
		"a member of no group":      func(g *draft) { g.putMember(Membership{Group: 9999, User: w.bob}) },
		"a decision of strangers":   func(g *draft) { g.putDecision(w.toRed, w.carol, true) },
		"a decision on no share":    func(g *draft) { g.putDecision(9999, w.bob, true) },
	} {
		g := *w.g
		damage(newDraft(&g))
		refused(what, encode(t, &g))
	}
	r := rand.New(rand.NewPCG(3, 4))
	for range map[bool]int{true: 2000, false: 20000}[testing.Short()] {
		b := bytes.Clone(body)
		for range 1 + r.IntN(3) {
			b[9+r.IntN(len(b)-9)] = byte(r.Uint32())
		}
		g := new(Graph)
		if g.UnmarshalBinary(sum(b)) == nil { // plausible: then it must be usable
			for u := range g.Users() {
				g.Reach(u.ID, "c")
			}
			g.Apply(1<<60, Command{By: operator(), Time: at(1), Op: RemoveUser{User: w.bob}})
			g.Apply(1<<60, Command{By: operator(), Time: at(1e6), Op: Expire{}})
		}
	}
}
