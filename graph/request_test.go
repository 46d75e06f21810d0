package graph

import (
	"errors"
	"slices"
	"testing"
)

// TestJoinRequestIsAnsweredOnce: by whatever makes its user a member, by a refusal, by its end or that of its group.
func TestJoinRequestIsAnsweredOnce(t *testing.T) {
	w := newSmall(t)
	waits := func(what string, want int) {
		t.Helper()
		n := len(slices.Collect(w.g.JoinRequests(w.red)))
		if of := len(slices.Collect(w.g.JoinRequestsOf(w.carol))); n != want || of != want {
			t.Errorf("%s: %d requests with the group and %d of carol, want %d", what, n, of, want)
		}
	}
	ask := func() {
		t.Helper()
		w.do(user(w.carol), AskToJoin{Group: w.red, Note: "n"})
		waits("asked", 1)
	}
	answer := func(by Actor, op Op, member bool) {
		t.Helper()
		ask()
		w.do(by, op)
		waits(opName(op), 0)
		if _, ok := w.g.Membership(w.red, w.carol); ok != member {
			t.Errorf("after %s carol is a member: %v", opName(op), ok)
		}
		if member {
			w.do(user(w.carol), RemoveMember{w.red, w.carol})
		}
	}
	ask()
	if _, err := w.try(user(w.carol), AskToJoin{Group: w.red}); !errors.Is(err, ErrConflict) {
		t.Errorf("asked twice: %v", err)
	}
	w.do(user(w.carol), RemoveRequest{w.red, w.carol})
	waits("taken back", 0)
	if _, err := w.try(user(w.alice), AddMember{Group: w.red, User: w.carol, Asked: true}); !errors.Is(err, ErrNotFound) {
		t.Errorf("accepted after it was taken back: %v", err)
	}
	answer(user(w.alice), AddMember{Group: w.red, User: w.carol, Asked: true}, true)
	answer(user(w.alice), AddMember{Group: w.red, User: w.carol}, true)
	answer(user(w.alice), RemoveRequest{w.red, w.carol}, false)
	w.do(user(w.alice), AddInvitation{Hash: hash(9), Group: w.red, Uses: 1, Expires: at(900)})
	answer(user(w.carol), AcceptInvitation{Hash: hash(9)}, true)
	answer(user(w.carol), RemoveUser{User: w.carol}, false)
	w.carol = w.user("carol")
	answer(user(w.alice), RemoveGroup{Group: w.red}, false)
}
