package explain

import (
	"strings"
	"testing"

	"hpfriends/graph"
)

// closedGates are the details and fixes of the closed gates, one line each.
func closedGates(x Answer) string {
	var lines []string
	for _, g := range x.Gates {
		if !g.OK {
			lines = append(lines, g.Name+": "+g.Detail+" | "+g.Fix)
		}
	}
	return strings.Join(lines, "\n")
}

// TestAnswerNamesWhatIsMissing: each thing that can be missing, what is said about it and what to type.
func TestAnswerNamesWhatIsMissing(t *testing.T) {
	type scene struct {
		*world
		alice, bob, carol, dora graph.UserID
		first, second           graph.ShareID // alice to bob, bob to carol
	}
	for _, tt := range []struct {
		name   string
		change func(*scene)
		want   string
	}{
		{"nothing", func(*scene) {}, ""},
		{"decision", func(s *scene) { s.do(user(s.carol), graph.DecideShare{Share: s.second, Accept: false}) },
			"share #15: bob shares 'c*' (all) with carol, but carol has not enabled it | hpfriends share accept 15 --as carol"},
		{"type", func(s *scene) {
			s.do(user(s.bob), graph.RemoveShare{Share: s.second})
			s.share(s.bob, s.carol, graph.AddShare{})
		}, "share #23: bob shares c (own) with carol, but type own passes on only what bob publishes | " +
			"hpfriends share rm 23 && hpfriends share add c --to carol --type all --as bob"},
		{"share", func(s *scene) { s.do(user(s.bob), graph.RemoveShare{Share: s.second}) },
			"path: no share leads from alice to carol on c | hpfriends share add c --to carol --as alice"},
		{"time", func(s *scene) {
			s.do(user(s.bob), graph.RemoveShare{Share: s.second})
			s.share(s.bob, s.carol, graph.AddShare{Channel: "c*", Type: graph.All, Expires: at(50)})
			s.index = 60
			s.do(operator(), graph.Expire{})
		}, "share #23: bob shares 'c*' (all) with carol, but it has expired | " +
			"hpfriends share rm 23 && hpfriends share add 'c*' --to carol --type all --as bob"},
		{"user between", func(s *scene) { s.do(operator(), graph.EditUser{User: s.bob, Enabled: new(false)}) },
			"share #13: alice shares c (own) with bob, but bob is disabled | hpfriends user enable bob"},
		{"publisher", func(s *scene) { s.do(operator(), graph.EditUser{User: s.alice, Enabled: new(false)}) },
			"publisher: alice is disabled | hpfriends user enable alice"},
		{"receiver", func(s *scene) { s.do(operator(), graph.EditUser{User: s.carol, Enabled: new(false)}) },
			"receiver: carol is disabled | hpfriends user enable carol"},
		{"right to publish", func(s *scene) {
			k, _ := s.g.AuthkeyByIdent("a b'c")
			s.do(user(s.alice), graph.EditAuthkey{Authkey: k.ID, Pub: &[]graph.Pattern{"d"}})
		}, `publishing authkey: no authkey of alice may pub c | hpfriends authkey edit 'a b'\''c' --pub c`},
		{"enabled authkey", func(s *scene) {
			k, _ := s.g.AuthkeyByIdent("a b'c")
			s.do(user(s.alice), graph.EditAuthkey{Authkey: k.ID, Enabled: new(false)})
		}, `publishing authkey: authkey 'a b'\''c' is disabled | hpfriends authkey enable 'a b'\''c'`},
		{"authkey", func(s *scene) {
			k, _ := s.g.AuthkeyByIdent("reader")
			s.do(user(s.carol), graph.RemoveAuthkey{Authkey: k.ID})
		}, "subscribing authkey: carol has no authkey | hpfriends authkey add --sub c --as carol"},
		{"several", func(s *scene) {
			s.do(user(s.bob), graph.DecideShare{Share: s.first, Accept: false})
			s.do(user(s.carol), graph.DecideShare{Share: s.second, Accept: false})
		}, "share #13: alice shares c (own) with bob, but bob has not enabled it | hpfriends share accept 13 --as bob\n" +
			"share #15: bob shares 'c*' (all) with carol, but carol has not enabled it | hpfriends share accept 15 --as carol"},
		{"nearer way", func(s *scene) { // two are missing by bob, one by dora
			s.do(user(s.bob), graph.DecideShare{Share: s.first, Accept: false})
			s.do(user(s.carol), graph.DecideShare{Share: s.second, Accept: false})
			g := s.group("red", s.dora, s.carol)
			s.share(s.alice, s.dora, graph.AddShare{})
			s.do(user(s.dora), graph.AddShare{Channel: "*", Group: g, Type: graph.All})
		}, "share #28: dora shares '*' (all) with carol as a member of red, but carol has not enabled it | " +
			"hpfriends share accept 28 --as carol"},
		{"way around a disabled user", func(s *scene) {
			s.do(operator(), graph.EditUser{User: s.bob, Enabled: new(false)})
			s.share(s.alice, s.dora, graph.AddShare{})
			s.do(user(s.dora), graph.AddShare{Channel: "c", User: s.carol, Type: graph.All})
		}, "share #25: dora shares c (all) with carol, but carol has not enabled it | hpfriends share accept 25 --as carol"},
		{"way by another member", func(s *scene) { // who has enabled what carol has not
			s.do(user(s.bob), graph.DecideShare{Share: s.first, Accept: false})
			g := s.group("red", s.bob, s.carol)
			s.share(s.dora, g, graph.AddShare{Type: graph.All}, s.bob)
			s.do(user(s.alice), graph.RemoveShare{Share: s.first})
			s.do(user(s.alice), graph.AddShare{Channel: "c", User: s.dora})
		}, "share #28: alice shares c (own) with dora, but dora has not enabled it | hpfriends share accept 28 --as dora"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &scene{world: newWorld(t)}
			s.index = 8
			s.alice, s.bob, s.carol, s.dora = s.user("alice"), s.user("bob"), s.user("carol"), s.user("dora")
			s.first = s.share(s.alice, s.bob, graph.AddShare{})
			s.second = s.share(s.bob, s.carol, graph.AddShare{Channel: "c*", Type: graph.All})
			s.index = 19
			s.key(s.alice, "a b'c", []graph.Pattern{"c"}, nil)
			s.key(s.carol, "reader", nil, []graph.Pattern{"*"})
			tt.change(s)
			x := Delivery(s.g, s.alice, s.carol, "c")
			if got := closedGates(x); got != tt.want || x.Flows != (tt.want == "") {
				t.Errorf("flows %v, closed gates are\n%s\nwant\n%s", x.Flows, got, tt.want)
			}
			if len(x.Gates) < 4 {
				t.Errorf("only %d gates: %+v", len(x.Gates), x.Gates)
			}
		})
	}
}

func TestAnswerOfWhatCannotBe(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.user("alice"), w.user("bob")
	w.key(alice, "k", []graph.Pattern{"c"}, []graph.Pattern{"c"})
	for _, tt := range []struct {
		from, to graph.UserID
		channel  string
		want     string
	}{
		{9999, bob, "c", "publisher: there is no user #9999 | "},
		{alice, 9999, "c", "receiver: there is no user #9999 | "},
		{alice, bob, "$x", `channel: channel "$x" begins with $, which is reserved: choose another name | `},
		{alice, alice, "c", ""},
	} {
		x := Delivery(w.g, tt.from, tt.to, tt.channel)
		if got := closedGates(x); got != tt.want || x.Flows != (tt.want == "") {
			t.Errorf("Delivery(%d, %d, %s): flows %v, %q, want %q", tt.from, tt.to, tt.channel, x.Flows, got, tt.want)
		}
	}
}

// A fix that re-creates a share with a group must name the group as the command line takes it.
func TestAnswerNamesGroupsAsTheCommandLineTakesThem(t *testing.T) {
	w := newWorld(t)
	ada, bob, cleo := w.user("ada"), w.user("bob"), w.user("cleo")
	team := w.group("team", bob, cleo)
	w.share(ada, bob, graph.AddShare{})
	w.share(bob, team, graph.AddShare{}, cleo)
	x := Delivery(w.g, ada, cleo, "c")
	for _, gate := range x.Gates {
		if strings.Contains(gate.Fix, "share add c --to group:team --type all --as bob") {
			return
		}
	}
	t.Errorf("no fix shares with group:team: %+v", x.Gates)
}
