package graph

import (
	"cmp"
	"iter"
	"slices"

	"hpfriends/graph/tree"
)

type groups struct {
	byID     tree.Map[uint64, *Group]
	byName   tree.Map[string, *Group]    // folded
	members  tree.Map[tree.Pair, member] // (group, user); everyone's are not stored, they are the users
	admins   tree.Index                  // (group, user)
	memberOf tree.Index                  // (user, group), and some of groups that are gone; see sweep
}

type member struct {
	admin  bool
	joined Mark
}

func newGroups() groups {
	return groups{
		byID: tree.New[uint64, *Group](cmp.Compare), byName: tree.New[string, *Group](cmp.Compare),
		members: tree.New[tree.Pair, member](tree.ComparePairs), admins: tree.NewIndex(), memberOf: tree.NewIndex(),
	}
}

// Group returns the group with this ID.
func (g *Graph) Group(id GroupID) (*Group, bool) { return g.groups.byID.Find(uint64(id)) }

// GroupByName returns the group with this name, in any case of the letters a-z.
func (g *Graph) GroupByName(name string) (*Group, bool) { return g.groups.byName.Find(fold(name)) }

// Groups yields all groups in the order of their creation, everyone first.
func (g *Graph) Groups() iter.Seq[*Group] { return values(g.groups.byID) }

// Membership returns the membership of a user in a group. Every user is in Everyone since their creation.
func (g *Graph) Membership(group GroupID, user UserID) (Membership, bool) {
	if group == Everyone {
		u, ok := g.User(user)
		if !ok {
			return Membership{}, false
		}
		return Membership{Group: Everyone, User: user, Joined: u.Created}, true
	}
	m, ok := g.groups.members.Find(tree.Pair{A: uint64(group), B: uint64(user)})
	return Membership{Group: group, User: user, Admin: m.admin, Joined: m.joined}, ok
}

// Members yields the members of a group in the order in which the users were created, disabled users too.
func (g *Graph) Members(group GroupID) iter.Seq[Membership] {
	return func(yield func(Membership) bool) {
		if group == Everyone {
			for u := range g.Users() {
				if !yield(Membership{Group: Everyone, User: u.ID, Joined: u.Created}) {
					return
				}
			}
			return
		}
		for k, m := range g.groups.members.From(tree.Pair{A: uint64(group), B: 0}) {
			if k.A != uint64(group) || !yield(Membership{group, UserID(k.B), m.admin, m.joined}) {
				return
			}
		}
	}
}

// GroupsOf yields the memberships of a user, in everyone first.
func (g *Graph) GroupsOf(user UserID) iter.Seq[Membership] {
	return func(yield func(Membership) bool) {
		m, ok := g.Membership(Everyone, user)
		if !ok || !yield(m) {
			return
		}
		for id := range g.groups.memberOf.Of(uint64(user)) {
			if m, ok := g.Membership(GroupID(id), user); ok && !yield(m) {
				return
			}
		}
	}
}

func (d *draft) putGroup(gr *Group) {
	d.groups.byID.Put(d.edit, uint64(gr.ID), gr)
	d.groups.byName.Put(d.edit, fold(gr.Name), gr)
}

func (d *draft) putMember(m Membership) {
	group, user := uint64(m.Group), uint64(m.User)
	d.groups.members.Put(d.edit, tree.Pair{A: group, B: user}, member{m.Admin, m.Joined})
	d.groups.memberOf.Add(d.edit, user, group)
	if m.Admin {
		d.groups.admins.Add(d.edit, group, user)
	} else {
		d.groups.admins.Drop(d.edit, group, user)
	}
}

func (op AddGroup) authorize(d *draft) error { return d.requireUser("a group needs a first admin") }

func (op AddGroup) apply(d *draft) (uint64, error) {
	if err := ValidateGroupName(op.Name); err != nil {
		return 0, err
	}
	if old, ok := d.GroupByName(op.Name); ok {
		return 0, refuse(Conflict, "choose another name", "there is a group %q already", old.Name)
	}
	gr := &Group{ID: GroupID(d.at.Index), Name: op.Name, Created: d.at}
	if gr.ID == Everyone {
		return 0, refuse(Invalid, "", "change #%d cannot add a group: its number is that of everyone", d.at.Index)
	}
	d.putGroup(gr)
	d.putMember(Membership{gr.ID, d.by.User, true, d.at})
	return uint64(gr.ID), nil
}

// requireGroupAdmin refuses what only the admins of a group may do.
func (d *draft) requireGroupAdmin(id GroupID) error {
	gr, ok := d.Group(id)
	if !ok {
		return noSuch("group", uint64(id))
	}
	if id == Everyone {
		return refuse(Invalid, "", "the group everyone holds all users and cannot be changed")
	}
	if d.privileged || d.groups.admins.Holds(uint64(id), uint64(d.by.User)) {
		return nil
	}
	return refuse(Denied, "ask one of its admins", "only admins of the group %q may do that", gr.Name)
}

func (op RemoveGroup) authorize(d *draft) error { return d.requireGroupAdmin(op.Group) }

func (op RemoveGroup) apply(d *draft) (uint64, error) {
	gr, _ := d.Group(op.Group)
	d.dropGroup(gr)
	return uint64(gr.ID), nil
}

// dropGroup removes a group, the shares with it, and all its memberships.
func (d *draft) dropGroup(gr *Group) {
	for _, s := range slices.Collect(d.SharesTo(gr.ID)) {
		d.dropShare(s)
	}
	id := uint64(gr.ID)
	d.groups.members.RemoveRange(d.edit, tree.Pair{A: id}, tree.Pair{A: id + 1})
	d.groups.admins.RemoveRange(d.edit, tree.Pair{A: id}, tree.Pair{A: id + 1})
	d.dropInvitations(&d.invitesTo, id)
	d.requests.dropAll(d.edit, d.JoinRequests(gr.ID))
	d.groups.byID.Remove(d.edit, id)
	d.groups.byName.Remove(d.edit, fold(gr.Name))
}

func (d *draft) dropMember(m Membership) {
	group, user := uint64(m.Group), uint64(m.User)
	d.groups.members.Remove(d.edit, tree.Pair{A: group, B: user})
	d.groups.admins.Drop(d.edit, group, user)
	d.groups.memberOf.Drop(d.edit, user, group)
	if d.dropDecisions(m.User, m.Group) {
		d.delta.users = append(d.delta.users, m.User)
	}
}

func (op AddMember) authorize(d *draft) error { return d.requireGroupAdmin(op.Group) }

func (op AddMember) apply(d *draft) (uint64, error) {
	gr, _ := d.Group(op.Group)
	u, ok := d.User(op.User)
	if !ok {
		return 0, noSuch("user", uint64(op.User))
	}
	if _, ok := d.Membership(gr.ID, u.ID); ok {
		return 0, refuse(Conflict, "", "%s is a member of %q already", u.Handle, gr.Name)
	}
	if op.Asked {
		if _, err := pending(d, gr.ID, u.ID); err != nil {
			return 0, err
		}
	}
	if r, ok := d.JoinRequest(gr.ID, u.ID); ok {
		d.requests.drop(d.edit, r)
	}
	d.putMember(Membership{Group: gr.ID, User: u.ID, Joined: d.at})
	return uint64(gr.ID), nil
}

func (op RemoveMember) authorize(d *draft) error {
	if op.Group != Everyone && op.User == d.by.User {
		return nil // anybody may leave
	}
	return d.requireGroupAdmin(op.Group)
}

func (op RemoveMember) apply(d *draft) (uint64, error) {
	gr, m, err := d.membership(op.Group, op.User)
	if err != nil {
		return 0, err
	}
	if m.Admin && d.lastAdmin(m) {
		if d.lastMember(gr.ID) {
			return 0, refuse(Conflict, "remove the group instead", "%s is the last member of %q", d.handle(m.User), gr.Name)
		}
		return 0, d.needsSuccessor(gr, m.User)
	}
	d.dropMember(m)
	return uint64(gr.ID), nil
}

// membership returns a group and the membership of a user in it.
func (d *draft) membership(group GroupID, user UserID) (*Group, Membership, error) {
	gr, ok := d.Group(group)
	if !ok {
		return nil, Membership{}, noSuch("group", uint64(group))
	}
	m, ok := d.Membership(group, user)
	if !ok {
		return nil, m, refuse(NotFound, "", "%s is not a member of %q", d.handle(user), gr.Name)
	}
	return gr, m, nil
}

func (d *draft) needsSuccessor(gr *Group, user UserID) error {
	return refuse(Conflict, "make another member admin first", "%s is the last admin of %q", d.handle(user), gr.Name)
}

func (d *draft) lastAdmin(m Membership) bool {
	for id := range d.groups.admins.Of(uint64(m.Group)) {
		if UserID(id) != m.User {
			return false
		}
	}
	return true
}

func (d *draft) lastMember(group GroupID) bool {
	n := 0
	for range d.Members(group) {
		if n++; n > 1 {
			return false
		}
	}
	return true
}

func (op SetGroupAdmin) authorize(d *draft) error { return d.requireGroupAdmin(op.Group) }

func (op SetGroupAdmin) apply(d *draft) (uint64, error) {
	gr, m, err := d.membership(op.Group, op.User)
	if err != nil {
		return 0, err
	}
	if m.Admin && !op.Admin && d.lastAdmin(m) {
		return 0, d.needsSuccessor(gr, op.User)
	}
	m.Admin = op.Admin
	d.putMember(m)
	return uint64(gr.ID), nil
}

// leaveAllGroups takes a user who is removed out of their groups. Groups of which they are the only member go with
// them; one that they alone administer for others needs a successor first.
func (d *draft) leaveAllGroups(u *User) error {
	for _, m := range slices.Collect(d.GroupsOf(u.ID)) {
		if m.Group == Everyone {
			continue
		}
		gr, _ := d.Group(m.Group)
		switch {
		case d.lastMember(m.Group):
			d.dropGroup(gr)
		case m.Admin && d.lastAdmin(m):
			return d.needsSuccessor(gr, u.ID)
		default:
			d.dropMember(m)
		}
	}
	return nil
}
