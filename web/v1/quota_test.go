package v1

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"hpfriends/api"
	"hpfriends/graph"
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
		return err.Error()
	}
	tokens, said := 0, ""
	for ; said == ""; tokens++ {
		said = refused(ada, graph.AddToken{
			Hash: []byte(fmt.Sprintf("%032d", tokens)), Expires: time.Now().Add(time.Hour),
			Grant: scope.Grant{Scopes: []scope.Scope{scope.Read}},
		})
	}
	if tokens != mostTokens+1 || said != "there are 100 API tokens of yours already, and a member adds no more" {
		t.Errorf("after %d: %s", tokens, said)
	}
	flaps := 0
	for said = ""; said == ""; flaps++ {
		said = refused(ada, graph.EditUser{User: ada.User, Name: new(fmt.Sprint(flaps))})
	}
	if flaps != changesAtOnce-mostTokens+1 || !strings.HasPrefix(said, "too many changes: a member makes at most 300") {
		t.Errorf("after %d: %s", flaps, said)
	}
	for _, other := range []graph.Actor{bob, root, operator} {
		if said := refused(other, graph.EditUser{User: max(other.User, 1), Name: new("y")}); said != "" {
			t.Errorf("%+v pays for Ada: %s", other, said)
		}
	}
	for i := range 2 * changesAtOnce {
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
		c.now = c.now.Add(time.Second / changesPerSecond)
	}
	if bytes < changeBytes/2 || bytes > changeBytes*5/4 {
		t.Errorf("%d bytes of changes were taken in four hours", bytes)
	}
}
