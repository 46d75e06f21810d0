package graph

import (
	"errors"
	"slices"
	"testing"
)

// session logs a user in and returns who they are then.
func (w *world) session(of UserID, secret byte) Actor {
	w.t.Helper()
	id := w.do(user(of), AddSession{Hash: hash(secret), Agent: "Mozilla", Expires: at(9000)})
	return Actor{User: of, Session: TokenID(id), From: "192.0.2.1"}
}

func (w *world) sessions(of UserID) (ids []TokenID) {
	for s := range w.g.SessionsOf(of) {
		ids = append(ids, s.ID)
	}
	return ids
}

// A login session and an API token are both found by the hash of their secret, and neither passes for the other.
func TestSessionIsNoTokenAndATokenNoSession(t *testing.T) {
	w := newWorld(t)
	ada := w.user("ada")
	session, token := w.session(ada, 1), TokenID(w.do(user(ada), AddToken{Hash: hash(2), Expires: at(9000), Grant: reads}))
	if _, ok := w.g.TokenByHash(hash(1)); ok {
		t.Error("the session is an API token")
	}
	if _, ok := w.g.SessionByHash(hash(2)); ok {
		t.Error("the API token is a session")
	}
	s, ok := w.g.SessionByHash(hash(1))
	if !ok || s.ID != session.Session || s.Owner != ada || s.From != "192.0.2.1" || s.Agent != "Mozilla" {
		t.Errorf("the session is %+v, %v", s, ok)
	}
	if n := len(slices.Collect(w.g.TokensOf(ada))); n != 1 {
		t.Errorf("%d API tokens", n)
	}
	for _, op := range []Op{
		RemoveToken{Token: session.Session}, RemoveSession{Session: token},
		AddSession{Hash: hash(2), Expires: at(9000)}, AddToken{Hash: hash(1), Expires: at(9000), Grant: reads},
		AddSession{Hash: hash(3)}, // it would never end
	} {
		if id, err := w.try(user(ada), op); err == nil {
			t.Errorf("%s %+v made #%d", opName(op), op, id)
		}
	}
}

// What ends login sessions, and which of them: of ada's, one makes the change.
func TestWhatEndsSessions(t *testing.T) {
	for _, tt := range []struct {
		what string
		by   func(ada Actor) Actor
		op   func(ada Actor) Op
		want int
	}{
		{"logging out", same, func(a Actor) Op { return RemoveSession{Session: a.Session} }, 2},
		{"all others", same, func(a Actor) Op { return ClearSessions{User: a.User} }, 1},
		{"all of them", system, func(a Actor) Op { return ClearSessions{User: a.User} }, 0},
		{"her own password", same, func(a Actor) Op { return EditUser{User: a.User, Password: ptr("$2")} }, 1},
		{"her password, by an admin", system, func(a Actor) Op { return EditUser{User: a.User, Password: ptr("$2")} }, 0},
		{"her name", same, func(a Actor) Op { return EditUser{User: a.User, Name: ptr("Ada")} }, 3},
		{"disabling her", system, func(a Actor) Op { return EditUser{User: a.User, Enabled: ptr(false)} }, 0},
		{"her removal", same, func(a Actor) Op { return RemoveUser{User: a.User} }, 0},
	} {
		w := newWorld(t)
		ada, bob := w.user("ada"), w.user("bob")
		w.session(ada, 1)
		w.session(bob, 2)
		acting := w.session(ada, 3)
		w.session(ada, 4)
		w.do(tt.by(acting), tt.op(acting))
		left := w.sessions(ada)
		if len(left) != tt.want || tt.want == 1 && left[0] != acting.Session {
			t.Errorf("%s: %v are left, want %d", tt.what, left, tt.want)
		}
		if len(w.sessions(bob)) != 1 {
			t.Errorf("%s: it ended bob's", tt.what)
		}
	}
}

func same(a Actor) Actor { return a }

func system(Actor) Actor { return operator() }

// A change that its session has sent is refused once the session has ended, also on its way through the log.
func TestEndedSessionChangesNothing(t *testing.T) {
	w := newWorld(t)
	ada, bob := w.user("ada"), w.user("bob")
	s := w.session(ada, 1)
	w.do(s, EditUser{User: ada, Name: ptr("Ada")})
	if _, err := w.try(Actor{User: bob, Session: s.Session}, AddGroup{Name: "g"}); !errors.Is(err, ErrDenied) {
		t.Errorf("bob by ada's session: %v", err)
	}
	if _, err := w.try(user(bob), RemoveSession{Session: s.Session}); !errors.Is(err, ErrDenied) {
		t.Errorf("bob ends ada's session: %v", err)
	}
	w.do(operator(), RemoveSession{Session: s.Session})
	if _, err := w.try(s, EditUser{User: ada, Name: ptr("Eve")}); !errors.Is(err, ErrDenied) {
		t.Errorf("after the end: %v", err)
	}
}

// Who logs in again and again ends their own oldest sessions, and nobody else's.
func TestSessionsOfAUserAreBounded(t *testing.T) {
	w := newWorld(t)
	ada, bob := w.user("ada"), w.user("bob")
	w.session(bob, 255)
	w.do(user(ada), AddToken{Hash: hash(254), Expires: at(9000), Grant: reads})
	first := w.session(ada, 0)
	for i := range maxSessions {
		w.session(ada, byte(i+1))
	}
	all := w.sessions(ada)
	if len(all) != maxSessions || slices.Contains(all, first.Session) {
		t.Errorf("%d sessions, with the first: %v", len(all), slices.Contains(all, first.Session))
	}
	if _, ok := w.g.SessionByHash(hash(0)); ok || len(w.sessions(bob)) != 1 {
		t.Error("the oldest is found by its hash, or bob's has ended")
	}
}

// A session ends with Expire, as tokens do.
func TestSessionExpires(t *testing.T) {
	w := newWorld(t)
	ada := w.user("ada")
	w.do(user(ada), AddSession{Hash: hash(1), Expires: at(w.index + 2)})
	if due, ok := w.g.NextExpiry(); !ok || !due.Equal(at(w.index+1)) {
		t.Errorf("due at %v, %v", due, ok)
	}
	w.do(operator(), Expire{})
	if len(w.sessions(ada)) != 0 {
		t.Error("it is there yet")
	}
}
