package v1

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/graph/limit"
	"hpfriends/graph/scope"
)

// taker applies every change.
type taker struct {
	Changer
	graph *graph.Graph
	now   time.Time
}

func (c *taker) Now() time.Time { return c.now }

func (c *taker) Change(_ context.Context, cmd graph.Command) (graph.Outcome, error) {
	cmd.Time = c.now
	g, out, err := c.graph.Apply(c.graph.Index()+1, cmd)
	c.graph = g
	return out, err
}

func TestQuotas(t *testing.T) {
	c := &taker{graph: graph.New(), now: time.Now()}
	operator := graph.Actor{Operator: true}
	add := func(handle string, role graph.Role) graph.Actor {
		out, err := c.Change(t.Context(), graph.Command{By: operator, Op: graph.AddUser{Handle: handle, Role: role}})
		if err != nil {
			t.Fatal(err)
		}
		return graph.Actor{User: graph.UserID(out.Object)}
	}
	ada, bob, root := add("ada", ""), add("bob", ""), add("root", graph.Admin)
	q := WithQuotas(c, func() *graph.Graph { return c.graph })
	refused := func(by graph.Actor, op graph.Op) string {
		t.Helper()
		_, err := q.Change(t.Context(), graph.Command{By: by, Op: op})
		var p *api.Problem
		if err != nil && (!errors.As(err, &p) || p.Status != http.StatusTooManyRequests || p.Hint == "") {
			t.Fatalf("refused with %v", err)
		}
		if err == nil {
			return ""
		}
		const raise = "ask an admin to raise it: `hpfriends user limits "
		if u, ok := c.graph.User(by.User); !ok || !strings.Contains(p.Hint, raise+u.Handle) {
			t.Errorf("the hint names nobody who can raise it: %s", p.Hint)
		}
		return err.Error()
	}
	tokens, said := 0, ""
	for ; said == ""; tokens++ {
		said = refused(ada, graph.AddToken{
			Hash: []byte(fmt.Sprintf("%032d", tokens)), Expires: time.Now().Add(time.Hour),
			Grant: scope.Grant{Scopes: []scope.Scope{scope.Read}},
		})
	}
	if tokens != limit.Tokens.Default()+1 || said != "the limit of API tokens for ada is 100, and that many are there" {
		t.Errorf("after %d: %s", tokens, said)
	}
	atOnceDefault := atOnce * limit.Changes.Default()
	flaps := 0
	for said = ""; said == ""; flaps++ {
		said = refused(ada, graph.EditUser{User: ada.User, Name: new(fmt.Sprint(flaps))})
	}
	if flaps != atOnceDefault-limit.Tokens.Default()+1 ||
		!strings.HasPrefix(said, "too many changes: ada makes at most 5 a second") {
		t.Errorf("after %d: %s", flaps, said)
	}
	for _, other := range []graph.Actor{bob, root, operator} {
		if said := refused(other, graph.EditUser{User: max(other.User, 1), Name: new("y")}); said != "" {
			t.Errorf("%+v pays for Ada: %s", other, said)
		}
	}
	for i := range 2 * atOnceDefault {
		if said := refused(root, graph.EditUser{User: root.User, Name: new(fmt.Sprint(i))}); said != "" {
			t.Fatalf("an admin is held back: %s", said)
		}
	}
	c.now = c.now.Add(time.Minute)
	if said := refused(ada, graph.EditUser{User: ada.User, Name: new("x")}); said != "" {
		t.Errorf("a minute later: %s", said)
	}
	bytes, began := 0, c.now // that Bob writes in four hours
	for i := 0; c.now.Sub(began) < 4*time.Hour; i++ {
		if refused(bob, graph.EditUser{User: bob.User, Name: new(fmt.Sprintf("%01000d", i))}) == "" {
			bytes += 1000
		}
		c.now = c.now.Add(time.Second / time.Duration(limit.Changes.Default()))
	}
	if bytes < limit.Bytes.Default()/2 || bytes > limit.Bytes.Default()*5/4 {
		t.Errorf("%d bytes of changes were taken in four hours", bytes)
	}
}

// An admin raises a limit for one member, who may then add more at once; and lowers it below what there is, which
// takes nothing away.
func TestQuotasFollowTheLimitsOfTheUser(t *testing.T) {
	c := &taker{graph: graph.New(), now: time.Now()}
	q := WithQuotas(c, func() *graph.Graph { return c.graph })
	add := func(handle string, role graph.Role) graph.Actor {
		by := graph.Actor{Operator: true}
		out, err := q.Change(t.Context(), graph.Command{By: by, Op: graph.AddUser{Handle: handle, Role: role}})
		if err != nil {
			t.Fatal(err)
		}
		return graph.Actor{User: graph.UserID(out.Object)}
	}
	ada, root := add("ada", ""), add("root", graph.Admin)
	set := func(s limit.Set) {
		if _, err := q.Change(t.Context(), graph.Command{By: root, Op: graph.SetLimits{User: ada.User, Set: s}}); err != nil {
			t.Fatal(err)
		}
	}
	fill := func() (n int, err error) {
		for range 20 {
			group := graph.AddGroup{Name: fmt.Sprintf("g%d", c.graph.Index())}
			if _, err = q.Change(t.Context(), graph.Command{By: ada, Op: group}); err != nil {
				return n, err
			}
			n++
		}
		return n, nil
	}
	most := func(n uint32) *uint32 { return &n }
	for _, step := range []struct{ most, added uint32 }{{3, 3}, {5, 2}, {2, 0}} {
		set(limit.Set{Groups: most(step.most)})
		n, err := fill()
		want := fmt.Sprintf("the limit of memberships of groups for ada is %d, and that many are there", step.most)
		if n != int(step.added) || err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("with at most %d: %d were added, %v", step.most, n, err)
		}
	}
	groups := slices.Collect(c.graph.Groups())
	last := groups[len(groups)-1].ID
	leave := graph.RemoveGroup{Group: last}
	if _, err := q.Change(t.Context(), graph.Command{By: ada, Op: leave}); err != nil {
		t.Fatal(err)
	}
	ofRoot := func() graph.GroupID {
		t.Helper()
		add := graph.AddGroup{Name: fmt.Sprintf("r%d", c.graph.Index())}
		out, err := c.Change(t.Context(), graph.Command{By: root, Op: add})
		if err != nil {
			t.Fatal(err)
		}
		return graph.GroupID(out.Object)
	}
	set(limit.Set{Groups: most(5)}) // of which four are memberships
	for i, want := range []bool{true, false} {
		_, err := q.Change(t.Context(), graph.Command{By: ada, Op: graph.AskToJoin{Group: ofRoot()}})
		if (err == nil) != want {
			t.Errorf("request %d to join a group: %v", i+1, err)
		}
	}
	set(limit.Set{Groups: most(0), Changes: most(1)}) // sixty at once
	made := 0
	for ; made < 100; made++ {
		edit := graph.EditUser{User: ada.User, Name: new(fmt.Sprint(made))}
		if _, err := q.Change(t.Context(), graph.Command{By: ada, Op: edit}); err != nil {
			break
		}
	}
	if made != 60 {
		t.Errorf("%d changes at once, want 60", made)
	}
}
