package query

import (
	"fmt"
	"testing"

	"hpfriends/graph"
)

// However many ask to join a group, its view has the first of them, and costs no more.
func TestGroupTellsOfSomeRequests(t *testing.T) {
	w := newQueryWorld(t, 1)
	user := func(handle string) graph.Actor {
		w.try(0, graph.AddUser{Handle: handle})
		u, ok := w.Graph.UserByHandle(handle)
		if !ok {
			t.Fatalf("%s is not added", handle)
		}
		return graph.Actor{User: u.ID}
	}
	ada := user("ada")
	w.try(ada.User, graph.AddGroup{Name: "lab"})
	lab, _ := w.Graph.GroupByName("lab")
	var last graph.Actor
	ask := func(count int) (cost float64) {
		for range count {
			last = user(fmt.Sprint("u", w.Index))
			w.try(last.User, graph.AskToJoin{Group: lab.ID})
		}
		return testing.AllocsPerRun(10, func() { _, _ = w.q.Group(ada, "lab") })
	}
	ask(maxAsking - 1)
	if g, err := w.q.Group(ada, "lab"); err != nil || len(g.Requests) != maxAsking-1 || g.More {
		t.Errorf("%d requests, more: %v, %v", len(g.Requests), g.More, err)
	}
	few, many := ask(2), ask(3*maxAsking)
	if g, err := w.q.Group(ada, "lab"); err != nil || len(g.Requests) != maxAsking || !g.More {
		t.Errorf("%d requests, more: %v, %v", len(g.Requests), g.More, err)
	}
	if many > few+10 {
		t.Errorf("four times as many requests cost %v allocations instead of %v", many, few)
	}
	g, err := w.q.Group(last, "lab")
	if u, _ := w.Graph.User(last.User); err != nil || len(g.Requests) != 1 || g.Requests[0].User != u.Handle {
		t.Errorf("who has asked last is told of %+v, %v", g.Requests, err)
	}
}
