package explain

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"hpfriends/graph"
)

// In worlds of any shape an answer says yes exactly if the receiver is reached and both have the authkeys for it, and
// its path is one.
func TestAnswerAgreesWithTheReach(t *testing.T) {
	flows, paths := 0, 0
	for seed := range uint64(60) {
		w := randomWorld(t, rand.New(rand.NewPCG(seed, 1)).IntN)
		for from := range w.g.Users() {
			for to := range w.g.Users() {
				for _, channel := range []string{"a", "ab", "$x"} {
					x := checkAnswer(t, w.g, from.ID, to.ID, channel)
					paths += len(x.Path)
					if x.Flows {
						flows++
					}
				}
			}
		}
	}
	if flows < 100 || paths < 100 {
		t.Errorf("%d answers are yes, the paths have %d hops: this test looks at too little", flows, paths)
	}
}

// randomWorld has users who share with each other and with groups, some of whom have enabled it, and some are disabled.
func randomWorld(t *testing.T, roll func(n int) int) *world {
	w := newWorld(t)
	var users []graph.UserID
	for i := range 7 {
		users = append(users, w.user(fmt.Sprintf("u%d", i)))
	}
	anybody := func() graph.UserID { return users[roll(len(users))] }
	pattern := func() graph.Pattern { return []graph.Pattern{"a", "ab", "a*", "*"}[roll(4)] }
	for i, u := range users {
		if roll(5) > 0 {
			w.key(u, fmt.Sprintf("k%d", i), []graph.Pattern{pattern()}, []graph.Pattern{pattern()})
		}
	}
	groups := []graph.GroupID{w.group("red", users[0], users[1], users[2]), w.group("blue", users[2], users[4])}
	var shares []graph.ShareID
	for range 20 { // what is refused is not there
		s := graph.AddShare{Channel: pattern(), Type: []graph.ShareType{graph.Own, graph.All}[roll(2)]}
		if roll(3) > 0 {
			s.User = anybody()
		} else {
			s.Group = groups[roll(2)]
		}
		if roll(6) == 0 {
			s.Expires = at(w.index + 20)
		}
		if id, err := w.try(user(anybody()), s); err == nil {
			shares = append(shares, graph.ShareID(id))
		}
	}
	for range 90 {
		_, _ = w.try(user(anybody()), graph.DecideShare{Share: shares[roll(len(shares))], Accept: roll(6) > 0})
	}
	if roll(2) == 0 {
		w.do(operator(), graph.EditUser{User: anybody(), Enabled: new(false)})
	}
	_, _ = w.try(operator(), graph.Expire{})
	return w
}

func checkAnswer(t *testing.T, g *graph.Graph, from, to graph.UserID, channel string) Answer {
	x := Delivery(g, from, to, channel)
	may := func(u graph.UserID, may func(*graph.Authkey, string) error) bool {
		for k := range g.AuthkeysOf(u) {
			if may(k, channel) == nil {
				return true
			}
		}
		return false
	}
	visible, reached := g.Reach(from, channel).VisibleFrom(to)
	if want := reached && may(from, g.MayPublish) && may(to, g.MaySubscribe) && channel[0] != '$'; x.Flows != want {
		t.Fatalf("Delivery(%d, %d, %s) says %v, want %v: %+v", from, to, channel, x.Flows, want, x)
	}
	if reached && channel[0] != '$' && x.VisibleFrom != visible {
		t.Fatalf("Delivery(%d, %d, %s) sees from #%d, want #%d", from, to, channel, x.VisibleFrom, visible)
	}
	at := from
	for _, h := range x.Path {
		s, ok := g.Share(h.Share)
		if !ok || h.Owner != at || s.Owner != at || !s.Channel.Match(channel) || (h.Receiver != s.User && s.Group == 0) {
			t.Fatalf("Delivery(%d, %d, %s): hop %+v does not go on from user %d", from, to, channel, h, at)
		}
		if reached && !h.OK {
			t.Fatalf("Delivery(%d, %d, %s): blocked at %+v, but it is reached", from, to, channel, h)
		}
		at = h.Receiver
	}
	if len(x.Path) > 0 && at != to {
		t.Fatalf("Delivery(%d, %d, %s): the path ends at user %d", from, to, channel, at)
	}
	for _, gate := range x.Gates {
		if gate.OK && gate.Fix != "" {
			t.Fatalf("gate %+v is open and has a fix", gate)
		}
	}
	return x
}
