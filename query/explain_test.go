package query

import (
	"reflect"
	"slices"
	"testing"

	"hpfriends/graph"
	"hpfriends/query/past"
	"hpfriends/query/view"
)

// What the authkeys of one may do is for them to know, and for those who see everything: an answer to the other is the
// same whatever they are. Whoever shares is told how far the shares go; the rest is the receiver's affair.
func TestExplainTellsNothingOfTheOthersAuthkeys(t *testing.T) {
	f, q := newFixture(t)
	ada := graph.UserID(f.change(0, graph.AddUser{Handle: "ada"}))
	bob := graph.UserID(f.change(0, graph.AddUser{Handle: "bob"}))
	eve := graph.UserID(f.change(0, graph.AddUser{Handle: "eve", Role: graph.Auditor}))
	f.change(0, graph.AddUser{Handle: "cleo"})
	root := graph.UserID(f.change(0, graph.AddUser{Handle: "root", Role: graph.Admin}))
	share := graph.ShareID(f.change(ada, graph.AddShare{Channel: "c", User: bob}))
	f.change(bob, graph.DecideShare{Share: share, Accept: true})
	base := f.Graph

	keys := []struct {
		name string
		add  func(owner graph.UserID, ident string)
		may  bool
	}{
		{"none", func(graph.UserID, string) {}, false},
		{"for another channel", func(owner graph.UserID, ident string) {
			f.change(owner, graph.AddAuthkey{Ident: ident, Secret: []byte("s"), Pub: []graph.Pattern{"d"}})
		}, false},
		{"disabled", func(owner graph.UserID, ident string) {
			k := f.change(owner, graph.AddAuthkey{
				Ident: ident, Secret: []byte("s"), Pub: []graph.Pattern{"c"}, Sub: []graph.Pattern{"c"},
			})
			f.change(owner, graph.EditAuthkey{Authkey: graph.AuthkeyID(k), Enabled: new(bool)})
		}, false},
		{"for it", func(owner graph.UserID, ident string) {
			f.change(owner, graph.AddAuthkey{
				Ident: ident, Secret: []byte("s"), Pub: []graph.Pattern{"*"}, Sub: []graph.Pattern{"*"},
			})
		}, true},
	}
	type told map[string]view.Explanation
	var toAda, toBob [4]told // by their own keys, then by the other's
	for i, adas := range keys {
		for j, bobs := range keys {
			f.Graph = base
			adas.add(ada, "k1")
			bobs.add(bob, "k2")
			for viewer, want := range map[graph.Actor]bool{
				{User: ada}: adas.may, {User: bob}: bobs.may, {User: eve}: adas.may && bobs.may, {User: root}: adas.may && bobs.may,
			} {
				x, err := q.Explain(viewer, "ada", "bob", "c")
				if err != nil || x.Flows != want {
					t.Errorf("keys of ada %s, of bob %s: user %d is told %+v, %v", adas.name, bobs.name, viewer.User, x, err)
				}
				unknown := 0
				for _, g := range x.Gates {
					if g.Unknown {
						unknown++
					}
				}
				if sees := viewer.User == eve || viewer.User == root; sees != (unknown == 0) || unknown > 1 {
					t.Errorf("user %d: %d gates are not theirs to know: %+v", viewer.User, unknown, x.Gates)
				}
				switch viewer.User {
				case ada:
					toAda[i] = put(toAda[i], bobs.name, x)
				case bob:
					toBob[j] = put(toBob[j], adas.name, x)
				}
			}
		}
	}
	for _, of := range [][4]told{toAda, toBob} {
		for own, by := range of {
			for name, x := range by {
				if !reflect.DeepEqual(x, by["none"]) {
					t.Errorf("with own keys %s, it shows that the other's are %s:\n%+v\n%+v", keys[own].name, name, x, by["none"])
				}
			}
		}
	}
}

// Who asks who could read is told, of the readers' authkeys, about their own.
func TestAccessTellsNothingOfTheOthersAuthkeys(t *testing.T) {
	c := newCommunity(t)
	then := past.AtIndex(c.accepted)
	for viewer, knows := range map[graph.UserID][]string{c.ada: {"ada"}, c.bob: {"bob"}, c.eve: {"ada", "bob"}} {
		a, err := c.q.Access(graph.Actor{User: viewer}, "c", then)
		if err != nil || len(a.Readers) == 0 {
			t.Fatalf("user %d: %+v, %v", viewer, a, err)
		}
		for _, r := range a.Readers {
			if told := r.Subscribes != nil; told != slices.Contains(knows, r.Reader) {
				t.Errorf("user %d is told of the authkeys of %s: %v", viewer, r.Reader, told)
			}
		}
	}
}

func put(m map[string]view.Explanation, name string, x view.Explanation) map[string]view.Explanation {
	if m == nil {
		m = make(map[string]view.Explanation)
	}
	m[name] = x
	return m
}
