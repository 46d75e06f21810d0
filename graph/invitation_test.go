package graph

import (
	"errors"
	"slices"
	"testing"

	"hpfriends/graph/limit"
)

// invited is a world in which root is an admin, ada one of the group lab, bob its member, and cleo has nothing to do
// with it.
type invited struct {
	*world
	root, ada, bob, cleo UserID
	lab                  GroupID
}

func newInvited(t *testing.T) invited {
	w := newWorld(t)
	i := invited{world: w, ada: w.user("ada"), bob: w.user("bob"), cleo: w.user("cleo")}
	i.root = UserID(w.do(operator(), AddUser{Handle: "root", Role: Admin}))
	i.lab = w.group("lab", i.ada, i.bob)
	return i
}

func invite(role Role, group GroupID) AddInvitation {
	return AddInvitation{Hash: hash(1), Role: role, Group: group, Uses: 1, Expires: at(9000)}
}

// Admins invite new users, and admins of a group users into it.
func TestWhoMayInvite(t *testing.T) {
	w := newInvited(t)
	long := invite(Member, 0)
	long.Uses = MaxInvitationUses + 1
	endless := invite(Member, 0)
	endless.Expires = at(0)
	for _, tt := range []struct {
		what string
		op   AddInvitation
		want [5]error // of root, ada, bob, cleo and the operator
	}{
		{"a user", invite(Member, 0), [5]error{nil, ErrDenied, ErrDenied, ErrDenied, nil}},
		{"an admin", invite(Admin, 0), [5]error{nil, ErrDenied, ErrDenied, ErrDenied, nil}},
		{"a user into a group", invite(Member, w.lab), [5]error{nil, ErrDenied, ErrDenied, ErrDenied, nil}},
		{"into a group", invite("", w.lab), [5]error{nil, nil, ErrDenied, ErrDenied, nil}},
		{"into everyone", invite("", Everyone), [5]error{ErrInvalid, ErrInvalid, ErrInvalid, ErrInvalid, ErrInvalid}},
		{"to nothing", invite("", 0), [5]error{ErrInvalid, ErrInvalid, ErrInvalid, ErrInvalid, ErrInvalid}},
		{"a king", invite("king", 0), [5]error{ErrInvalid, ErrDenied, ErrDenied, ErrDenied, ErrInvalid}},
		{"too many", long, [5]error{ErrInvalid, ErrDenied, ErrDenied, ErrDenied, ErrInvalid}},
		{"yesterday", endless, [5]error{ErrInvalid, ErrDenied, ErrDenied, ErrDenied, ErrInvalid}},
	} {
		before := w.g
		for i, by := range []Actor{user(w.root), user(w.ada), user(w.bob), user(w.cleo), operator()} {
			if _, err := w.try(by, tt.op); !errors.Is(err, tt.want[i]) {
				t.Errorf("%s, by %d: %v, want %v", tt.what, i, err, tt.want[i])
			}
			w.g = before
		}
	}
}

// Accepting makes the user, joins the group and counts the use, or does nothing at all.
func TestAcceptingIsOneChange(t *testing.T) {
	w := newInvited(t)
	op := invite(Auditor, w.lab)
	op.Uses = 2
	w.do(user(w.root), op)
	for _, handle := range []string{"BOB", "", "no handle"} {
		if _, err := w.try(operator(), AcceptInvitation{Hash: hash(1), Handle: handle}); err == nil {
			t.Errorf("as %q", handle)
		}
	}
	if _, err := w.try(user(w.cleo), AcceptInvitation{Hash: hash(1), Handle: "new"}); !errors.Is(err, ErrInvalid) {
		t.Errorf("by a user: %v", err)
	}
	dora := UserID(w.do(operator(), AcceptInvitation{Hash: hash(1), Handle: "dora", Name: "D.", Password: "$"}))
	u, _ := w.g.User(dora)
	if _, member := w.g.Membership(w.lab, dora); !member || u.Handle != "dora" || u.Name != "D." || u.Password != "$" ||
		u.Role != Auditor || !u.Enabled {
		t.Errorf("dora is %+v, a member: %v", u, member)
	}
	if v, ok := w.g.InvitationByHash(hash(1)); !ok || v.Uses != 1 {
		t.Errorf("what is left is %+v", v)
	}
	w.do(operator(), AcceptInvitation{Hash: hash(1), Handle: "emil"})
	if _, err := w.try(operator(), AcceptInvitation{Hash: hash(1), Handle: "frida"}); !errors.Is(err, ErrNotFound) {
		t.Errorf("a third time: %v", err)
	}
	if n := len(slices.Collect(w.g.Invitations())); n != 0 {
		t.Errorf("%d invitations are left", n)
	}
}

// An invitation into a group is for who is a user, once.
func TestAcceptingIntoAGroup(t *testing.T) {
	w := newInvited(t)
	op := invite("", w.lab)
	op.Uses = 5
	w.do(user(w.ada), op)
	if _, err := w.try(operator(), AcceptInvitation{Hash: hash(1), Handle: "new"}); !errors.Is(err, ErrInvalid) {
		t.Errorf("by nobody: %v", err)
	}
	if _, err := w.try(user(w.bob), AcceptInvitation{Hash: hash(1)}); !errors.Is(err, ErrConflict) {
		t.Errorf("by a member: %v", err)
	}
	w.do(user(w.cleo), AcceptInvitation{Hash: hash(1)})
	if m, ok := w.g.Membership(w.lab, w.cleo); !ok || m.Admin {
		t.Errorf("cleo is %+v, %v", m, ok)
	}
}

// What ends an invitation, besides its uses: what it is to is gone, or who made it may not invite any more.
func TestWhatEndsAnInvitation(t *testing.T) {
	for what, tt := range map[string]struct {
		do   func(w invited)
		want error
		left bool
	}{
		"its removal":         {func(w invited) { w.do(user(w.root), RemoveInvitation{w.first()}) }, ErrNotFound, false},
		"removal by an admin": {func(w invited) { w.do(operator(), RemoveInvitation{w.first()}) }, ErrNotFound, false},
		"the group's end":     {func(w invited) { w.do(operator(), RemoveGroup{w.lab}) }, ErrNotFound, false},
		"the inviter's end":   {func(w invited) { w.do(operator(), RemoveUser{User: w.root}) }, ErrNotFound, false},
		"their fall": {func(w invited) {
			w.do(operator(), EditUser{User: w.root, Role: ptr(Member)})
		}, ErrDenied, true},
		"their rest": {func(w invited) {
			w.do(operator(), EditUser{User: w.root, Enabled: ptr(false)})
		}, ErrDenied, true},
		"its time":            {func(w invited) { w.index += 9000 }, ErrDenied, true},
		"its time, when seen": {func(w invited) { w.index += 9000; w.do(operator(), Expire{}) }, ErrNotFound, false},
	} {
		w := newInvited(t)
		w.do(user(w.root), invite(Member, w.lab))
		if _, err := w.try(user(w.bob), RemoveInvitation{w.first()}); !errors.Is(err, ErrDenied) {
			t.Errorf("bob removes it: %v", err)
		}
		tt.do(w)
		if _, err := w.try(operator(), AcceptInvitation{Hash: hash(1), Handle: "new"}); !errors.Is(err, tt.want) {
			t.Errorf("after %s: %v, want %v", what, err, tt.want)
		}
		if _, ok := w.g.InvitationByHash(hash(1)); ok != tt.left {
			t.Errorf("after %s it is there: %v", what, ok)
		}
	}
}

func (w invited) first() InvitationID {
	for v := range w.g.Invitations() {
		return v.ID
	}
	return 0
}

func TestInvitationsAreBounded(t *testing.T) {
	w := newInvited(t)
	op := invite("", w.lab)
	for i := range limit.Invitations.Default() {
		op.Hash = hash(byte(i))
		w.do(user(w.ada), op)
	}
	op.Hash = hash(byte(limit.Invitations.Default()))
	if _, err := w.try(user(w.ada), op); !errors.Is(err, ErrConflict) {
		t.Errorf("one more: %v", err)
	}
	w.do(user(w.root), op)
}
