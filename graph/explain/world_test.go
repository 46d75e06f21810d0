package explain

import (
	"testing"
	"time"

	"hpfriends/graph"
)

// world is a graph that a test changes step by step.
type world struct {
	t     testing.TB
	g     *graph.Graph
	index uint64
}

func newWorld(t testing.TB) *world { return &world{t: t, g: graph.New(), index: 9} }

func operator() graph.Actor            { return graph.Actor{Operator: true, From: "system"} }
func user(id graph.UserID) graph.Actor { return graph.Actor{User: id, From: "192.0.2.1"} }
func at(i uint64) time.Time {
	return time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC).Add(time.Duration(i) * time.Minute)
}

func (w *world) try(by graph.Actor, op graph.Op) (uint64, error) {
	w.index++
	g, out, err := w.g.Apply(w.index, graph.Command{By: by, Time: at(w.index), Op: op})
	w.g = g
	return out.Object, err
}

func (w *world) do(by graph.Actor, op graph.Op) uint64 {
	w.t.Helper()
	id, err := w.try(by, op)
	if err != nil {
		w.t.Fatalf("%+v: %v", op, err)
	}
	return id
}

func (w *world) user(handle string) graph.UserID {
	w.t.Helper()
	return graph.UserID(w.do(operator(), graph.AddUser{Handle: handle}))
}

func (w *world) group(name string, members ...graph.UserID) graph.GroupID {
	w.t.Helper()
	id := graph.GroupID(w.do(user(members[0]), graph.AddGroup{Name: name}))
	for _, u := range members[1:] {
		w.do(operator(), graph.AddMember{Group: id, User: u})
	}
	return id
}

// share adds an accepted share: to is a user or a group; for a group, who accepts is named.
func (w *world) share(from graph.UserID, to any, s graph.AddShare, accept ...graph.UserID) graph.ShareID {
	w.t.Helper()
	switch to := to.(type) {
	case graph.UserID:
		s.User = to
		accept = append(accept, to)
	case graph.GroupID:
		s.Group = to
	}
	if s.Channel == "" {
		s.Channel = "c"
	}
	id := graph.ShareID(w.do(user(from), s))
	for _, u := range accept {
		w.do(user(u), graph.DecideShare{Share: id, Accept: true})
	}
	return id
}

func (w *world) key(owner graph.UserID, ident string, pub, sub []graph.Pattern) {
	w.t.Helper()
	w.do(user(owner), graph.AddAuthkey{Ident: ident, Secret: []byte("sealed"), Pub: pub, Sub: sub})
}
