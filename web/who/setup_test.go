package who

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/internal/secret"
)

var root = Account{Handle: "root", Name: "R.", Password: secret.New("correct-horse")}

// The first admin is made with the token that the server printed, once, within an hour. A stranger learns nothing.
func TestSetup(t *testing.T) {
	d := newDoor(t)
	token := d.Setup.Token()
	status := func(token secret.Secret, admin Account) int {
		t.Helper()
		before := d.graph
		err := d.CreateAdmin(ask("192.0.2.7", "", ""), token, admin)
		if (err == nil) != (d.graph != before) {
			t.Errorf("%v, but the graph has changed: %v", err, d.graph != before)
		}
		var p *api.Problem
		switch {
		case err == nil:
			return http.StatusOK
		case errors.As(err, &p):
			return p.Status
		case errors.Is(err, graph.ErrInvalid):
			return http.StatusUnprocessableEntity
		}
		t.Fatal(err)
		return 0
	}
	for what, tt := range map[string]struct {
		token secret.Secret
		admin Account
		want  int
	}{
		"no token": {secret.Secret{}, root, 404}, "another": {secret.New(token.Reveal() + "x"), root, 404},
		"no password":      {token, Account{Handle: "root"}, 422},
		"a short password": {token, Account{Handle: "root", Password: secret.New("short")}, 422},
		"no handle":        {token, Account{Password: root.Password}, 422},
	} {
		if got := status(tt.token, tt.admin); got != tt.want {
			t.Errorf("with %s: %d, want %d", what, got, tt.want)
		}
	}
	d.Setup.began = d.Setup.began.Add(-setupLife)
	if got := status(token, root); got != http.StatusGone {
		t.Errorf("after an hour: %d", got)
	}
	if got := status(secret.New("x"), root); got != http.StatusNotFound {
		t.Errorf("a stranger after an hour: %d", got)
	}
	d.Setup.began = time.Now()
	if got := status(token, root); got != http.StatusOK || d.Setup.Open() {
		t.Errorf("%d, and it is open: %v", got, d.Setup.Open())
	}
	if _, err := d.login(ask("192.0.2.7", "", ""), "root", "correct-horse"); err != nil {
		t.Errorf("the new admin: %v", err)
	}
	d.do(graph.EditUser{User: 3, Role: new(graph.Member)})
	if got := status(token, Account{Handle: "eve", Password: root.Password}); got != http.StatusNotFound {
		t.Errorf("once over, it is open again: %d", got)
	}
}

// Of two nodes on which somebody begins at the same time, the log takes one.
func TestSetupOnTwoNodes(t *testing.T) {
	d := newDoor(t)
	before := d.graph
	other := newSetup(d.Config)
	other.Graph = func() *graph.Graph { return before } // it lags
	if err := d.Setup.Create(t.Context(), "system", root); err != nil {
		t.Fatal(err)
	}
	if err := other.Check(other.Token()); err != nil {
		t.Fatal(err)
	}
	eve := Account{Handle: "eve", Password: root.Password}
	if err := other.Create(t.Context(), "192.0.2.9", eve); !errors.Is(err, graph.ErrConflict) {
		t.Errorf("a second first admin: %v", err)
	}
}
