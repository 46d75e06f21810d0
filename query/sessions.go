package query

import (
	"fmt"
	"iter"

	"hpfriends/graph"
	"hpfriends/query/view"
)

// Sessions are the login sessions of a user that the viewer may see, or all of them if user is 0.
func Sessions(v graph.Viewer, user graph.UserID) []view.Session {
	all := []view.Session{}
	for t := range sessionsOf(v, user) {
		if v.CanSeeToken(t) {
			all = append(all, viewSession(v, t))
		}
	}
	return all
}

// sessionsOf yields what Sessions looks through.
func sessionsOf(v graph.Viewer, user graph.UserID) iter.Seq[*graph.Token] {
	switch {
	case user != 0:
		return v.Graph().SessionsOf(user)
	case v.CanSeeAll():
		return v.Graph().Sessions()
	}
	return v.Graph().SessionsOf(v.User)
}

func viewSession(v graph.Viewer, t *graph.Token) view.Session {
	return view.Session{
		ID: t.ID, User: handle(v.Graph(), t.Owner), From: t.From, Agent: t.Agent, Current: t.ID == v.Session,
		Created: t.Created.Time, Expires: t.Expires,
	}
}

// ResolveSession finds a login session by number.
func ResolveSession(v graph.Viewer, id graph.TokenID) (*graph.Token, error) {
	if t, ok := v.Graph().Session(id); ok && v.CanSeeToken(t) {
		return t, nil
	}
	return nil, missing("session", fmt.Sprintf("#%d", id))
}
