package graph

import (
	"cmp"
	"iter"
	"strings"

	"hpfriends/graph/due"
	"hpfriends/graph/tree"
)

// sharing holds the shares and the decisions on them. A decision exists only while its user is a receiver of its share.
type sharing struct {
	shares     tree.Map[uint64, *Share]
	byEdge     tree.Map[edge, *Share]
	toUser     tree.Index                // (user, share)
	toGroup    tree.Index                // (group, share)
	decided    tree.Map[tree.Pair, bool] // (share, user): enabled or not
	byReceiver tree.Map[tree.Pair, bool] // (user, share): the same, and some on shares that are gone; see sweep
}

// edge is what no two shares have in common.
type edge struct {
	owner   UserID
	channel Pattern
	user    UserID
	group   GroupID
}

func (s *Share) edge() edge { return edge{s.Owner, s.Channel, s.User, s.Group} }

func compareEdges(x, y edge) int {
	if c := cmp.Compare(x.owner, y.owner); c != 0 {
		return c
	}
	if c := strings.Compare(string(x.channel), string(y.channel)); c != 0 {
		return c
	}
	return cmp.Or(cmp.Compare(x.user, y.user), cmp.Compare(x.group, y.group))
}

func newSharing() sharing {
	return sharing{
		shares: tree.New[uint64, *Share](cmp.Compare), byEdge: tree.New[edge, *Share](compareEdges),
		toUser: tree.NewIndex(), toGroup: tree.NewIndex(),
		decided: tree.New[tree.Pair, bool](tree.ComparePairs), byReceiver: tree.New[tree.Pair, bool](tree.ComparePairs),
	}
}

// Share returns the share with this ID.
func (g *Graph) Share(id ShareID) (*Share, bool) { return g.shares.Find(uint64(id)) }

// Shares yields all shares in the order of their creation.
func (g *Graph) Shares() iter.Seq[*Share] { return values(g.shares) }

// SharesOf yields the shares a user makes, expired ones too, by channel.
func (g *Graph) SharesOf(user UserID) iter.Seq[*Share] {
	return func(yield func(*Share) bool) {
		for k, s := range g.byEdge.From(edge{owner: user}) {
			if k.owner != user || !yield(s) {
				return
			}
		}
	}
}

// SharesTo yields the shares with a group in the order of their creation.
func (g *Graph) SharesTo(group GroupID) iter.Seq[*Share] {
	return lookUp(g.toGroup.Of(uint64(group)), g.shares)
}

// SharesToUser yields the shares with this user directly.
func (g *sharing) SharesToUser(user UserID) iter.Seq[*Share] {
	return lookUp(g.toUser.Of(uint64(user)), g.shares)
}

// AcceptedBy yields the shares that a user has enabled.
func (g *sharing) AcceptedBy(user UserID) iter.Seq[*Share] {
	return lookUp(func(yield func(uint64) bool) {
		for p, enabled := range g.byReceiver.From(tree.Pair{A: uint64(user)}) {
			if p.A != uint64(user) || enabled && !yield(p.B) {
				return
			}
		}
	}, g.shares)
}

// SharesWith yields what is shared with a user, directly first and then by group, and whether they have enabled it. The
// user's own shares with their groups are not among them; expired shares are.
func (g *Graph) SharesWith(user UserID) iter.Seq2[*Share, bool] {
	return func(yield func(*Share, bool) bool) {
		for s := range g.SharesToUser(user) {
			if !yield(s, g.Accepted(s.ID, user)) {
				return
			}
		}
		for m := range g.GroupsOf(user) {
			for s := range g.SharesTo(m.Group) {
				if s.Owner != user && !yield(s, g.Accepted(s.ID, user)) {
					return
				}
			}
		}
	}
}

// Accepted reports whether the user has enabled the share.
func (g *Graph) Accepted(share ShareID, user UserID) bool {
	enabled, _ := g.Decision(share, user)
	return enabled
}

// Decision returns what the user has decided on the share: decided is false while they have not.
func (g *Graph) Decision(share ShareID, user UserID) (enabled, decided bool) {
	return g.decided.Find(tree.Pair{A: uint64(share), B: uint64(user)})
}

// Decisions yields the users who have decided on the share, and whether they have enabled it.
func (g *Graph) Decisions(share ShareID) iter.Seq2[UserID, bool] {
	return func(yield func(UserID, bool) bool) {
		for p, enabled := range g.decided.From(tree.Pair{A: uint64(share), B: 0}) {
			if p.A != uint64(share) || !yield(UserID(p.B), enabled) {
				return
			}
		}
	}
}

// Acceptances yields the users who have enabled the share.
func (g *Graph) Acceptances(share ShareID) iter.Seq[UserID] {
	return func(yield func(UserID) bool) {
		for u, enabled := range g.Decisions(share) {
			if enabled && !yield(u) {
				return
			}
		}
	}
}

// receives reports whether the share is with this user, directly or by a group.
func (g *Graph) receives(s *Share, user UserID) bool {
	if s.Group == 0 {
		return s.User == user
	}
	_, ok := g.Membership(s.Group, user)
	return ok
}

func (d *draft) putShare(s *Share) {
	id := uint64(s.ID)
	d.shares.Put(d.edit, id, s)
	d.byEdge.Put(d.edit, s.edge(), s)
	if s.Group != 0 {
		d.toGroup.Add(d.edit, uint64(s.Group), id)
	} else {
		d.toUser.Add(d.edit, uint64(s.User), id)
	}
	if !s.Expired {
		d.due(s.Expires, due.Share, id)
	}
}

func (d *draft) putDecision(share ShareID, user UserID, enabled bool) {
	d.decided.Put(d.edit, tree.Pair{A: uint64(share), B: uint64(user)}, enabled)
	d.byReceiver.Put(d.edit, tree.Pair{A: uint64(user), B: uint64(share)}, enabled)
}

// dropDecision forgets what a user has decided, and reports whether they had enabled the share.
func (d *draft) dropDecision(share ShareID, user UserID) (enabled bool) {
	enabled = d.Accepted(share, user)
	d.decided.Remove(d.edit, tree.Pair{A: uint64(share), B: uint64(user)})
	d.byReceiver.Remove(d.edit, tree.Pair{A: uint64(user), B: uint64(share)})
	return enabled
}

// dropDecisions forgets what a user has decided on the shares with a group, and reports whether they had enabled one.
// Of the two lists it goes through the shorter one.
func (d *draft) dropDecisions(user UserID, group GroupID) (enabled bool) {
	for share, ok := d.toGroup.Next(uint64(group), 0); ok; share, ok = d.toGroup.Next(uint64(group), share) {
		p, has := d.byReceiver.Next(tree.Pair{A: uint64(user), B: share})
		switch {
		case !has || p.A != uint64(user):
			return enabled
		case p.B == share:
			enabled = d.dropDecision(ShareID(share), user) || enabled
			share++
		default:
			share = p.B
		}
	}
	return enabled
}

// dropShare removes a share and all decisions on it. However many these are, it costs little: those in byReceiver are
// left to sweep.
func (d *draft) dropShare(s *Share) {
	id := uint64(s.ID)
	if d.decided.RemoveRange(d.edit, tree.Pair{A: id}, tree.Pair{A: id + 1}) > 0 {
		d.delta.shares = append(d.delta.shares, s)
	}
	d.shares.Remove(d.edit, id)
	d.byEdge.Remove(d.edit, s.edge())
	if s.Group != 0 {
		d.toGroup.Drop(d.edit, uint64(s.Group), id)
	} else {
		d.toUser.Drop(d.edit, uint64(s.User), id)
	}
	d.notDue(s.Expires, due.Share, id)
}

func (op AddShare) authorize(d *draft) error { return d.requireUser("a share needs an owner") }

func (op AddShare) apply(d *draft) (uint64, error) {
	s := &Share{
		ID: ShareID(d.at.Index), Owner: d.by.User, Channel: op.Channel, User: op.User, Group: op.Group,
		Type: cmp.Or(op.Type, Own), History: cmp.Or(op.History, FromShare), Note: op.Note,
		Expires: canonical(op.Expires), Created: d.at,
	}
	if err := firstError(s.check(), d.checkExpires(s.Expires), d.checkReceiver(s)); err != nil {
		return 0, err
	}
	if old, ok := d.byEdge.Find(s.edge()); ok {
		hint := "use that one, or remove it first"
		if old.Expired {
			hint = "it has expired: remove it first"
		}
		return 0, refuse(Conflict, hint, "you share %s with them already: share #%d", old.Channel, old.ID)
	}
	d.putShare(s)
	return uint64(s.ID), nil
}

func (s *Share) check() error {
	if s.Type != Own && s.Type != All {
		return refuse(Invalid, "use own or all", "there is no share type %q", Clip(string(s.Type)))
	}
	if s.History != FromShare && s.History != Full {
		return refuse(Invalid, "use from-share or full", "there is no history right %q", Clip(string(s.History)))
	}
	return firstError(s.Channel.Validate(), checkText("note", s.Note, maxText))
}

func (d *draft) checkReceiver(s *Share) error {
	if (s.User == 0) == (s.Group == 0) {
		return refuse(Invalid, "name one receiver", "a share is with one user or with one group")
	}
	if s.Group != 0 {
		if _, ok := d.Group(s.Group); !ok {
			return noSuch("group", uint64(s.Group))
		}
		return nil
	}
	if s.User == s.Owner {
		return refuse(Invalid, "name somebody else", "you always receive what you publish")
	}
	if _, ok := d.User(s.User); !ok {
		return noSuch("user", uint64(s.User))
	}
	return nil
}

// requireShareOwner refuses to change a share of somebody else.
func (d *draft) requireShareOwner(id ShareID) error {
	s, ok := d.Share(id)
	if !ok {
		return noSuch("share", uint64(id))
	}
	return d.requireOwner(s.Owner, "a share of "+d.handle(s.Owner))
}

func (op EditShare) authorize(d *draft) error { return d.requireShareOwner(op.Share) }

func (op EditShare) apply(d *draft) (uint64, error) {
	old, _ := d.Share(op.Share)
	s := *old
	set(&s.Note, op.Note)
	if op.Expires != nil {
		if s.Expired {
			return 0, refuse(Conflict, "remove it and share again", "share #%d has expired", s.ID)
		}
		s.Expires = canonical(*op.Expires)
		if err := d.checkExpires(s.Expires); err != nil {
			return 0, err
		}
	}
	if err := s.check(); err != nil {
		return 0, err
	}
	d.notDue(old.Expires, due.Share, uint64(s.ID))
	d.putShare(&s)
	return uint64(s.ID), nil
}

func (op RemoveShare) authorize(d *draft) error { return d.requireShareOwner(op.Share) }

func (op RemoveShare) apply(d *draft) (uint64, error) {
	s, _ := d.Share(op.Share)
	d.dropShare(s)
	return uint64(s.ID), nil
}

func (op DecideShare) authorize(d *draft) error {
	s, ok := d.Share(op.Share)
	if !ok {
		return noSuch("share", uint64(op.Share))
	}
	if err := d.requireUser("only a receiver decides on a share"); err != nil {
		return err
	}
	if d.by.User == s.Owner {
		return refuse(Invalid, "", "share #%d is your own: you always receive what you publish", s.ID)
	}
	if !d.receives(s, d.by.User) {
		return refuse(Denied, "", "share #%d is not with you", s.ID)
	}
	return nil
}

func (op DecideShare) apply(d *draft) (uint64, error) {
	s, _ := d.Share(op.Share)
	user := d.by.User
	if op.Accept && s.Expired {
		return 0, refuse(Conflict, "ask "+d.handle(s.Owner)+" to share again", "share #%d has expired", s.ID)
	}
	was := d.Accepted(s.ID, user)
	d.putDecision(s.ID, user, op.Accept)
	if was != op.Accept {
		d.delta.users, d.delta.channel = append(d.delta.users, user), s.Channel
	}
	return uint64(s.ID), nil
}
