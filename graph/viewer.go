package graph

// Viewer is somebody who looks at a graph. What they may not see does not exist for them.
type Viewer struct {
	Actor
	graph   *Graph
	enabled bool // they may see something
	all     bool // they see everything
}

// Viewer returns what the actor may see of the graph. Users see what concerns them; the operator, admins and auditors
// see everything; a disabled user and nobody see nothing.
func (g *Graph) Viewer(a Actor) Viewer {
	v := Viewer{Actor: a, graph: g}
	if a.Operator {
		v.enabled, v.all = true, true
	} else if u, ok := g.User(a.User); ok && u.Enabled {
		v.enabled, v.all = true, u.Role == Admin || u.Role == Auditor
	}
	return v
}

// At returns what the viewer may see of an earlier graph, by the rights that they have now: an earlier role neither
// gives nor takes anything. Those who see only what concerns them see what concerned them then, and nothing of a time
// before they were there.
func (v Viewer) At(then *Graph) Viewer {
	if _, there := then.User(v.User); !v.all && !there {
		v.enabled = false
	}
	v.graph = then
	return v
}

// Graph returns the graph that the viewer looks at.
func (v Viewer) Graph() *Graph { return v.graph }

// CanSeeAnything reports whether the viewer is there and enabled.
func (v Viewer) CanSeeAnything() bool { return v.enabled }

// CanSeeAll reports whether the viewer sees everything: the operator, admins and auditors.
func (v Viewer) CanSeeAll() bool { return v.all }

// CanSeeUser reports whether the viewer may know that u exists: handle and display name. Every enabled user may, to
// share.
func (v Viewer) CanSeeUser(u *User) bool { return v.enabled && u != nil }

// CanSeeGroup reports whether the viewer may know that gr exists: its name. Every enabled user may, to share.
func (v Viewer) CanSeeGroup(gr *Group) bool { return v.enabled && gr != nil }

// CanSeeMembers reports whether the viewer may see who is in gr: its members, and those who see everything.
func (v Viewer) CanSeeMembers(gr *Group) bool {
	if !v.enabled || gr == nil || v.all {
		return v.enabled && gr != nil
	}
	_, ok := v.graph.Membership(gr.ID, v.User)
	return ok
}

// CanSeeRequest reports whether the viewer may see that r asks to join a group: who asks, and who may see its members.
func (v Viewer) CanSeeRequest(r *JoinRequest) bool {
	if !v.enabled || r == nil || r.User == v.User {
		return v.enabled && r != nil
	}
	gr, _ := v.graph.Group(r.Group)
	return v.CanSeeMembers(gr)
}

// CanSeeAuthkey reports whether the viewer may see k without its secret: its owner, and those who see everything.
func (v Viewer) CanSeeAuthkey(k *Authkey) bool {
	return v.enabled && k != nil && (v.all || k.Owner == v.User)
}

// CanRevealSecret reports whether the viewer may see the secret of k: its owner, admins and the operator, but no
// auditor.
func (v Viewer) CanRevealSecret(k *Authkey) bool {
	d := draft{Graph: v.graph, by: v.Actor}
	return k != nil && d.admit() == nil && RevealAuthkey{k.ID}.authorize(&d) == nil
}

// CanSeeShare reports whether the viewer may see s: its owner, its receivers, and those who see everything.
func (v Viewer) CanSeeShare(s *Share) bool {
	return v.enabled && s != nil && (v.all || s.Owner == v.User || v.graph.receives(s, v.User))
}

// CanSeeAcceptance reports whether the viewer may see if user has enabled s: that user, the owner, and those who see
// everything.
func (v Viewer) CanSeeAcceptance(s *Share, user UserID) bool {
	return v.enabled && s != nil && (v.all || s.Owner == v.User || user == v.User)
}

// CanSeeInvitation reports whether the viewer may see that v exists: who made it, the admins of its group if it is to
// nothing else, and those who see everything.
func (v Viewer) CanSeeInvitation(i *Invitation) bool {
	if !v.enabled || i == nil || v.all {
		return v.enabled && i != nil
	}
	return i.By == v.User || i.Role == "" && v.graph.admins.Holds(uint64(i.Group), uint64(v.User))
}

// CanSeeToken reports whether the viewer may see that t exists: its owner, and those who see everything.
func (v Viewer) CanSeeToken(t *Token) bool {
	return v.enabled && t != nil && (v.all || t.Owner == v.User)
}
