package graph

import (
	"iter"
	"slices"

	"hpfriends/graph/tree"
)

// requests are who asks to become a member of which group, until that is answered. Who is a member asks for nothing.
type requests struct {
	asked   tree.Map[tree.Pair, JoinRequest] // (group, user)
	askedBy tree.Index                       // (user, group)
}

func newRequests() requests {
	return requests{asked: tree.New[tree.Pair, JoinRequest](tree.ComparePairs), askedBy: tree.NewIndex()}
}

// JoinRequest returns the request of a user to join a group.
func (t *requests) JoinRequest(group GroupID, user UserID) (*JoinRequest, bool) {
	r, ok := t.asked.Find(tree.Pair{A: uint64(group), B: uint64(user)})
	return &r, ok
}

// JoinRequests yields the requests to join a group, in the order in which the users were created.
func (t *requests) JoinRequests(group GroupID) iter.Seq[*JoinRequest] {
	return func(yield func(*JoinRequest) bool) {
		for k, r := range t.asked.From(tree.Pair{A: uint64(group)}) {
			if k.A != uint64(group) || !yield(&r) {
				return
			}
		}
	}
}

// JoinRequestsOf yields the requests that a user has made, by group.
func (t *requests) JoinRequestsOf(user UserID) iter.Seq[*JoinRequest] {
	return func(yield func(*JoinRequest) bool) {
		for group := range t.askedBy.Of(uint64(user)) {
			if r, ok := t.JoinRequest(GroupID(group), user); ok && !yield(r) {
				return
			}
		}
	}
}

func (t *requests) put(e *tree.Edit, r *JoinRequest) {
	t.asked.Put(e, tree.Pair{A: uint64(r.Group), B: uint64(r.User)}, *r)
	t.askedBy.Add(e, uint64(r.User), uint64(r.Group))
}

func (t *requests) drop(e *tree.Edit, r *JoinRequest) {
	t.asked.Remove(e, tree.Pair{A: uint64(r.Group), B: uint64(r.User)})
	t.askedBy.Drop(e, uint64(r.User), uint64(r.Group))
}

// dropAll removes those to join a group, or of a user, who are gone.
func (t *requests) dropAll(e *tree.Edit, all iter.Seq[*JoinRequest]) {
	for _, r := range slices.Collect(all) {
		t.drop(e, r)
	}
}

func (op AskToJoin) authorize(d *draft) error { return d.requireUser("somebody has to ask to join") }

func (op AskToJoin) apply(d *draft) (uint64, error) {
	gr, ok := d.Group(op.Group)
	if !ok {
		return 0, noSuch("group", uint64(op.Group))
	}
	if _, ok := d.Membership(gr.ID, d.by.User); ok {
		return 0, refuse(Conflict, "", "%s is a member of %q already", d.handle(d.by.User), gr.Name)
	}
	if _, ok := d.JoinRequest(gr.ID, d.by.User); ok {
		return 0, refuse(Conflict, "wait for one of its admins", "%s asks to join %q already", d.handle(d.by.User), gr.Name)
	}
	if err := checkText("note", op.Note, maxText); err != nil {
		return 0, err
	}
	d.requests.put(d.edit, &JoinRequest{Group: gr.ID, User: d.by.User, Note: op.Note, Created: d.at})
	return uint64(gr.ID), nil
}

// A request is taken back by who made it, and declined by an admin of the group.
func (op RemoveRequest) authorize(d *draft) error {
	if op.User == d.by.User {
		return nil
	}
	return d.requireGroupAdmin(op.Group)
}

func (op RemoveRequest) apply(d *draft) (uint64, error) {
	r, err := pending(d, op.Group, op.User)
	if err != nil {
		return 0, err
	}
	d.requests.drop(d.edit, r)
	return uint64(op.Group), nil
}

// pending is a request that has to be there.
func pending(d *draft, group GroupID, user UserID) (*JoinRequest, error) {
	gr, ok := d.Group(group)
	if !ok {
		return nil, noSuch("group", uint64(group))
	}
	r, ok := d.JoinRequest(group, user)
	if !ok {
		return nil, refuse(NotFound, "", "%s does not ask to join %q, or no longer", d.handle(user), gr.Name)
	}
	return r, nil
}
