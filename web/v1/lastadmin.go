package v1

import "hpfriends/graph"

// endsAdmin returns whom a change removes, disables, or makes less than an admin; 0: nobody.
func endsAdmin(op graph.Op) graph.UserID {
	switch op := op.(type) {
	case graph.RemoveUser:
		return op.User
	case graph.EditUser:
		if op.Role != nil && *op.Role != graph.Admin || op.Enabled != nil && !*op.Enabled {
			return op.User
		}
	}
	return 0
}

// keepsAdmin refuses to end the only admin who is left, without whom nobody could run the server by pages or API. The
// operator may, who can add another. It is a node's own check, as quotas are: what two admins do to each other at two
// nodes at once is for the operator to mend.
func keepsAdmin(g *graph.Graph, by graph.Actor, user graph.UserID) error {
	u, ok := g.User(user)
	if who, is := g.User(by.User); by.Operator || !ok || !u.Enabled || u.Role != graph.Admin || !is ||
		who.Role != graph.Admin { // the graph refuses others, and says why
		return nil
	}
	for other := range g.Users() {
		if other.ID != user && other.Role == graph.Admin && other.Enabled {
			return nil
		}
	}
	return &graph.Error{
		Code: graph.Conflict, Msg: u.Handle + " is the only admin: nobody could run this server.",
		Hint: "make somebody else an admin first",
	}
}
