package graph

import (
	"errors"
	"testing"
	"time"

	"hpfriends/graph/scope"
)

func grant(channel, authkey string, scopes ...scope.Scope) scope.Grant {
	return scope.Grant{Scopes: scopes, Channel: channel, Authkey: authkey}
}

// TestTokenIsLimited: which tokens there can be, by whom, and for how long.
func TestTokenIsLimited(t *testing.T) {
	w := newSmall(t)
	year := base.Add(scope.MaxLife)
	for name, tt := range map[string]struct {
		by      UserID
		grant   scope.Grant
		expires time.Time
		want    error
	}{
		"a member's":                 {w.alice, reads, year, nil},
		"a member's without an end":  {w.alice, reads, time.Time{}, ErrDenied},
		"a member's for two years":   {w.alice, reads, base.Add(2 * scope.MaxLife), ErrDenied},
		"an admin's without an end":  {w.root, grant("", "", scope.Admin), time.Time{}, nil},
		"no scope":                   {w.alice, scope.Grant{}, year, ErrInvalid},
		"an unknown scope":           {w.alice, grant("", "", "write"), year, ErrInvalid},
		"a scope twice":              {w.alice, grant("", "", scope.Read, scope.Read), year, ErrInvalid},
		"a channel":                  {w.alice, grant("c*", "", scope.Read), year, nil},
		"what is no channel":         {w.alice, grant("$audit", "", scope.Read), year, ErrInvalid},
		"a channel and an authkey":   {w.alice, grant("c*", "sensor", scope.Read), year, ErrInvalid},
		"an admin's for one authkey": {w.root, grant("", "sensor", scope.Admin), year, ErrInvalid},
		"a control character":        {w.alice, grant("", "a\x1b", scope.Read), year, ErrInvalid},
	} {
		before := w.g
		_, err := w.try(user(tt.by), AddToken{Hash: hash(99), Expires: tt.expires, Grant: tt.grant})
		w.g = before
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
}

// TestTokenDoesNoMoreThanItsGrant: an admin's token is an admin's only with the scope, and no token makes one that is
// good for more than itself, or for longer.
func TestTokenDoesNoMoreThanItsGrant(t *testing.T) {
	w := newSmall(t)
	token := func(g scope.Grant, n byte, ends time.Time) Actor {
		id := w.do(user(w.root), AddToken{Hash: hash(n), Grant: g, Expires: ends})
		return Actor{User: w.root, Token: TokenID(id)}
	}
	manage := token(grant("", "", scope.Manage), 90, at(9000))
	admin := token(grant("", "", scope.Admin), 91, time.Time{})
	narrow := token(grant("c.*", "", scope.Manage), 92, at(9000))
	key := token(grant("", "sensor", scope.Manage), 93, at(9000))
	read := grant("", "", scope.Read)
	session := w.session(w.root, 70).Session
	add := func(n byte, g scope.Grant, ends time.Time) AddToken {
		return AddToken{Hash: hash(n), Grant: g, Expires: ends}
	}
	for name, tt := range map[string]struct {
		by   Actor
		op   Op
		want error
	}{
		"adds a user without the scope":    {manage, AddUser{Handle: "new"}, ErrDenied},
		"adds a user":                      {admin, AddUser{Handle: "new"}, nil},
		"another's share":                  {manage, RemoveShare{w.toBob}, ErrDenied},
		"another's share, as an admin":     {admin, RemoveShare{w.toBob}, nil},
		"more scopes":                      {manage, add(80, grant("", "", scope.Admin), at(99)), ErrDenied},
		"fewer scopes":                     {manage, add(81, read, at(99)), nil},
		"longer":                           {manage, add(82, read, at(9001)), ErrDenied},
		"without an end":                   {manage, add(83, read, time.Time{}), ErrDenied},
		"more channels":                    {narrow, add(84, grant("c*", "", scope.Read), at(99)), ErrDenied},
		"without a channel":                {narrow, add(84, read, at(99)), ErrDenied},
		"fewer channels":                   {narrow, add(85, grant("c.d", "", scope.Read), at(99)), nil},
		"another authkey":                  {key, add(86, grant("", "reader", scope.Read), at(99)), ErrDenied},
		"the same authkey":                 {key, add(87, grant("", "sensor", scope.Read), at(99)), nil},
		"for somebody else":                {manage, AddToken{Owner: w.bob, Hash: hash(88), Grant: read}, ErrDenied},
		"with the token of somebody else":  {Actor{User: w.bob, Token: admin.Token}, AddGroup{Name: "g"}, ErrDenied},
		"with a token that is not there":   {Actor{User: w.root, Token: 1}, AddGroup{Name: "g"}, ErrDenied},
		"with a login session for a token": {Actor{User: w.root, Token: session}, AddGroup{Name: "g"}, ErrDenied},
	} {
		before := w.g
		_, err := w.try(tt.by, tt.op)
		w.g = before
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
	for by, want := range map[Actor]bool{user(w.root): true, admin: true, manage: false, {User: w.root, Token: 1}: false} {
		if got := w.g.Viewer(by).CanRevealSecret(w.key); got != want {
			t.Errorf("%+v reveals another's secret: %v", by, got)
		}
		if got := w.g.MayRunCluster(by) == nil; got != want {
			t.Errorf("%+v runs the cluster: %v", by, got)
		}
	}
}

// TestPasswordEndsTokens: with another password end all tokens but the one that asks.
func TestPasswordEndsTokens(t *testing.T) {
	w := newSmall(t)
	own := TokenID(w.do(user(w.alice), AddToken{Hash: hash(90), Grant: grant("", "", scope.Manage), Expires: at(99)}))
	w.do(Actor{User: w.alice, Token: own}, EditUser{User: w.alice, Name: ptr("A")})
	if _, ok := w.g.Token(w.token); !ok {
		t.Fatal("another name ended it")
	}
	w.do(Actor{User: w.alice, Token: own}, EditUser{User: w.alice, Password: ptr("$other")})
	if _, ok := w.g.Token(w.token); ok {
		t.Error("the other token is there yet")
	}
	if _, ok := w.g.Token(own); !ok {
		t.Error("the token that asked has ended")
	}
	w.do(user(w.root), EditUser{User: w.alice, Password: ptr("$third")})
	if _, ok := w.g.Token(own); ok {
		t.Error("it outlives a password that an admin set")
	}
}
