package graph

import (
	"errors"
	"testing"

	"hpfriends/graph/limit"
)

// Admins set the limits of a user; the user themselves and auditors do not. What was set is part of the graph, what is
// not named stays, and 0 is the default again.
func TestAdminsSetLimits(t *testing.T) {
	w := newWorld(t)
	ada := w.user("ada")
	eve := UserID(w.do(operator(), AddUser{Handle: "eve", Role: Auditor}))
	root := UserID(w.do(operator(), AddUser{Handle: "root", Role: Admin}))
	before := encode(t, w.g)
	set := func(authkeys, shares *uint32) SetLimits {
		return SetLimits{User: ada, Set: limit.Set{Authkeys: authkeys, Shares: shares}}
	}
	for _, by := range []UserID{ada, eve} {
		if _, err := w.try(user(by), set(ptr(uint32(5)), nil)); !errors.Is(err, ErrDenied) {
			t.Errorf("user %d sets limits: %v", by, err)
		}
	}
	for _, bad := range []SetLimits{{User: 9999}, set(ptr(uint32(limit.Max+1)), nil)} {
		if _, err := w.try(user(root), bad); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
	of := func(k limit.Kind) int { u, _ := w.g.User(ada); return u.Limits.Of(k) }
	for _, step := range []struct {
		op               SetLimits
		authkeys, shares int
	}{
		{set(ptr(uint32(5)), nil), 5, 1000}, {set(nil, ptr(uint32(7))), 5, 7}, {set(ptr(uint32(0)), nil), 1000, 7},
	} {
		old := w.g
		w.do(user(root), step.op)
		if of(limit.Authkeys) != step.authkeys || of(limit.Shares) != step.shares {
			t.Errorf("%d authkeys, %d shares, want %+v", of(limit.Authkeys), of(limit.Shares), step)
		}
		changes := 0
		for d := range Diff(old, w.g) {
			if changes++; d.Kind != KindUser || UserID(d.ID) != ada || !d.Concerns(old, w.g, ada) {
				t.Errorf("it changes %+v", d.Ref)
			}
		}
		if changes != 1 {
			t.Errorf("%d differences", changes)
		}
	}
	if b := encode(t, w.g); b[len(snapshotMagic)] != 2 || before[len(snapshotMagic)] != 1 {
		t.Errorf("stored as version %d, and %d without limits", b[len(snapshotMagic)], before[len(snapshotMagic)])
	}
}
