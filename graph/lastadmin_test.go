package graph

import (
	"errors"
	"testing"
)

// Of two admins one may go, by their own hand or the other's, but not both: one who is disabled runs nothing.
func TestTheLastAdminStays(t *testing.T) {
	w := newWorld(t)
	admin := func(handle string) UserID { return UserID(w.do(operator(), AddUser{Handle: handle, Role: Admin})) }
	root, eve := admin("root"), admin("eve")
	ends := []Op{
		RemoveUser{User: root, KeepAdmin: true}, EditUser{User: root, Role: ptr(Member), KeepAdmin: true},
		EditUser{User: root, Enabled: ptr(false), KeepAdmin: true},
	}
	both := w.g
	for _, op := range ends {
		for _, by := range []UserID{root, eve} {
			w.g = both
			if _, err := w.try(user(by), op); err != nil {
				t.Errorf("%#v with another admin there: %v", op, err)
			}
		}
	}
	w.g = both
	w.do(user(root), EditUser{User: eve, Enabled: ptr(false), KeepAdmin: true})
	w.do(user(root), EditUser{User: root, Name: ptr("R"), Role: ptr(Admin), Enabled: ptr(true), KeepAdmin: true})
	alone := w.g
	for _, op := range ends {
		w.g = alone
		if _, err := w.try(user(root), op); !errors.Is(err, ErrConflict) {
			t.Errorf("%#v of the last admin: %v", op, err)
		}
		if _, err := w.try(operator(), op); err != nil {
			t.Errorf("%#v by the operator: %v", op, err)
		}
	}
	w.g = alone // what was accepted before there was this rule stays accepted
	w.do(user(root), RemoveUser{User: root})
}

// Two admins who end each other at two nodes at once: both commands are in the log, and each node takes the first.
func TestOfTwoAdminsWhoEndEachOtherOneStays(t *testing.T) {
	w := newWorld(t)
	ada := UserID(w.do(operator(), AddUser{Handle: "ada", Role: Admin}))
	eve := UserID(w.do(operator(), AddUser{Handle: "eve", Role: Admin}))
	both := w.g
	for name, end := range map[string]func(UserID) Op{
		"remove":  func(u UserID) Op { return RemoveUser{User: u, KeepAdmin: true} },
		"demote":  func(u UserID) Op { return EditUser{User: u, Role: ptr(Member), KeepAdmin: true} },
		"disable": func(u UserID) Op { return EditUser{User: u, Enabled: ptr(false), KeepAdmin: true} },
		"leave":   nil,
	} {
		w.g = both
		first, second := Command{By: user(ada)}, Command{By: user(eve)}
		if end == nil { // each removes themselves
			first.Op, second.Op = RemoveUser{User: ada, KeepAdmin: true}, RemoveUser{User: eve, KeepAdmin: true}
		} else {
			first.Op, second.Op = end(eve), end(ada)
		}
		for _, c := range []Command{first, second} { // both are decided by the graph that their node has, and taken
			if _, _, err := both.Apply(w.index+1, c); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		w.do(first.By, first.Op)
		if _, err := w.try(second.By, second.Op); err == nil {
			t.Errorf("%s: both went", name)
		}
		left := 0
		for u := range w.g.Users() {
			if u.Role == Admin && u.Enabled {
				left++
			}
		}
		if left != 1 {
			t.Errorf("%s: %d admins are left", name, left)
		}
	}
}
