package graph

import (
	"cmp"
	"iter"
	"slices"

	"hpfriends/graph/limit"
	"hpfriends/graph/tree"
)

type users struct {
	byID     tree.Map[uint64, *User]
	byHandle tree.Map[string, *User] // folded
}

func newUsers() users {
	return users{tree.New[uint64, *User](cmp.Compare), tree.New[string, *User](cmp.Compare)}
}

// User returns the user with this ID.
func (g *Graph) User(id UserID) (*User, bool) { return g.users.byID.Find(uint64(id)) }

// UserByHandle returns the user with this handle, in any case.
func (g *Graph) UserByHandle(handle string) (*User, bool) { return g.users.byHandle.Find(fold(handle)) }

// Users yields all users in the order of their creation.
func (g *Graph) Users() iter.Seq[*User] { return values(g.users.byID) }

func values[K, V any](t tree.Map[K, V]) iter.Seq[V] {
	return func(yield func(V) bool) {
		for _, v := range t.All() {
			if !yield(v) {
				return
			}
		}
	}
}

// HasAdmin reports whether any user is an admin.
func (u *users) HasAdmin() bool {
	for _, one := range u.byID.All() {
		if one.Role == Admin {
			return true
		}
	}
	return false
}

// enabled reports whether the user exists and counts.
func (g *Graph) enabled(id UserID) bool {
	u, ok := g.User(id)
	return ok && u.Enabled
}

// handle names a user in messages.
func (g *Graph) handle(id UserID) string {
	if u, ok := g.User(id); ok {
		return u.Handle
	}
	return "(removed user)"
}

func (d *draft) putUser(u *User) {
	d.users.byID.Put(d.edit, uint64(u.ID), u)
	d.users.byHandle.Put(d.edit, fold(u.Handle), u)
}

func (op AddUser) authorize(d *draft) error { return d.requireAdmin("add users") }

func (op AddUser) apply(d *draft) (uint64, error) {
	if op.Role == "" {
		op.Role = Member
	}
	if err := firstError(ValidateHandle(op.Handle), checkProfile(op.Name, op.Password, op.Role)); err != nil {
		return 0, err
	}
	if op.First && op.Role != Admin {
		return 0, refuse(Invalid, "", "the first admin would be %s", op.Role)
	}
	if op.First && d.HasAdmin() {
		return 0, refuse(Conflict, "log in, or ask an admin", "there is an admin already")
	}
	if old, ok := d.UserByHandle(op.Handle); ok {
		return 0, refuse(Conflict, "choose another handle", "there is a user %s already", old.Handle)
	}
	u := &User{
		ID: UserID(d.at.Index), Handle: op.Handle, Name: op.Name, Password: op.Password,
		Role: op.Role, Enabled: true, Created: d.at,
	}
	d.putUser(u)
	d.delta.users = append(d.delta.users, u.ID) // a view may have been asked about them before
	return uint64(u.ID), nil
}

func checkProfile(name, password string, role Role) error {
	if role != Member && role != Auditor && role != Admin {
		return refuse(Invalid, "use member, auditor or admin", "there is no role %q", Clip(string(role)))
	}
	return firstError(checkText("name", name, maxText), checkText("password hash", password, maxText))
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (op EditUser) authorize(d *draft) error {
	if op.Role != nil || op.Enabled != nil {
		if _, ok := d.User(op.User); !ok {
			return noSuch("user", uint64(op.User))
		}
		if err := d.requireAdmin("change roles, and enable or disable users"); err != nil {
			return err
		}
	}
	return d.requireSelf(op.User)
}

// requireSelf refuses to change the account of somebody else.
func (d *draft) requireSelf(id UserID) error {
	u, ok := d.User(id)
	if !ok {
		return noSuch("user", uint64(id))
	}
	return d.requireOwner(id, "user "+u.Handle)
}

func (op EditUser) apply(d *draft) (uint64, error) {
	old, _ := d.User(op.User)
	u := *old
	set(&u.Name, op.Name)
	set(&u.Password, op.Password)
	set(&u.Role, op.Role)
	set(&u.Enabled, op.Enabled)
	if err := checkProfile(u.Name, u.Password, u.Role); err != nil {
		return 0, err
	}
	if ends := !u.Enabled || u.Role != Admin; ends && op.KeepAdmin {
		if err := d.keepAdmin(old); err != nil {
			return 0, err
		}
	}
	d.putUser(&u)
	if !u.Enabled {
		d.dropSessions(u.ID, 0)
	} else if op.Password != nil {
		d.dropSessions(u.ID, d.by.Session)
		for _, t := range slices.Collect(d.TokensOf(u.ID)) {
			if t.ID != d.by.Token {
				d.dropToken(t)
			}
		}
	}
	if u.Enabled != old.Enabled {
		d.delta.users = append(d.delta.users, u.ID)
	}
	return uint64(u.ID), nil
}

// keepAdmin refuses to end the last enabled admin, without whom nobody could run the server by pages or API. The
// operator may, who can add another.
func (d *draft) keepAdmin(u *User) error {
	if d.by.Operator || u.Role != Admin || !u.Enabled {
		return nil
	}
	for other := range d.Users() {
		if other.ID != u.ID && other.Role == Admin && other.Enabled {
			return nil
		}
	}
	return refuse(Conflict, "make another admin first", "%s is the only admin: nobody could run this server", u.Handle)
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

func (op SetLimits) authorize(d *draft) error {
	if _, ok := d.User(op.User); !ok {
		return noSuch("user", uint64(op.User))
	}
	return d.requireAdmin("change the limits of users")
}

func (op SetLimits) apply(d *draft) (uint64, error) {
	old, _ := d.User(op.User)
	u, ok := *old, false
	if u.Limits, ok = op.Apply(old.Limits); !ok {
		return 0, refuse(Invalid, "", "a limit is at most %d", limit.Max)
	}
	d.putUser(&u)
	return uint64(u.ID), nil
}

func (op RemoveUser) authorize(d *draft) error { return d.requireSelf(op.User) }

func (op RemoveUser) apply(d *draft) (uint64, error) {
	u, _ := d.User(op.User)
	if op.KeepAdmin {
		if err := d.keepAdmin(u); err != nil {
			return 0, err
		}
	}
	if err := d.leaveAllGroups(u); err != nil {
		return 0, err
	}
	for _, k := range slices.Collect(d.AuthkeysOf(u.ID)) {
		d.dropAuthkey(k)
	}
	for _, t := range slices.Collect(lookUp(d.tokensOf.Of(uint64(u.ID)), d.tokens)) {
		d.dropToken(t)
	}
	d.dropInvitations(&d.invitesOf, uint64(u.ID))
	d.requests.dropAll(d.edit, d.JoinRequestsOf(u.ID))
	for _, s := range slices.Collect(d.SharesOf(u.ID)) {
		d.dropShare(s)
	}
	for _, s := range slices.Collect(d.SharesToUser(u.ID)) {
		d.dropShare(s)
	}
	d.dropDecisions(u.ID, Everyone)
	d.users.byID.Remove(d.edit, uint64(u.ID))
	d.users.byHandle.Remove(d.edit, fold(u.Handle))
	// Their shares need no mention of their own: they end with the user, from whom all of them start.
	d.delta = delta{users: []UserID{u.ID}}
	return uint64(u.ID), nil
}
