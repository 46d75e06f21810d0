package graph

import (
	"strings"
	"testing"
	"time"
)

// A fix that re-creates a share with a group must name the group as the command line takes it.
func TestExplainNamesGroupsAsTheCommandLineTakesThem(t *testing.T) {
	g := New()
	at := uint64(1)
	do := func(by UserID, op Op) uint64 {
		t.Helper()
		at++
		next, out, err := g.Apply(at, Command{By: Actor{User: by, Operator: by == 0}, Time: time.Unix(int64(at), 0), Op: op})
		if err != nil {
			t.Fatal(err)
		}
		g = next
		return out.Object
	}
	ada, bob, cleo := UserID(do(0, AddUser{Handle: "ada"})), UserID(do(0, AddUser{Handle: "bob"})),
		UserID(do(0, AddUser{Handle: "cleo"}))
	team := GroupID(do(bob, AddGroup{Name: "team"}))
	do(bob, AddMember{Group: team, User: cleo})
	first := ShareID(do(ada, AddShare{Channel: "c", User: bob, Type: Own, History: FromShare}))
	do(bob, DecideShare{Share: first, Accept: true})
	second := ShareID(do(bob, AddShare{Channel: "c", Group: team, Type: Own, History: FromShare}))
	do(cleo, DecideShare{Share: second, Accept: true})
	for _, gate := range g.Explain(ada, cleo, "c").Gates {
		if strings.Contains(gate.Fix, "share add c --to group:team --type all --as bob") {
			return
		}
	}
	t.Errorf("no fix shares with group:team: %+v", g.Explain(ada, cleo, "c").Gates)
}
