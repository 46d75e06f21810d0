package who

import (
	"errors"
	"testing"
	"time"

	"hpfriends/graph"
	"hpfriends/internal/secret"
)

// Who has the link becomes a user, and can log in; a link that is no good costs no hash and says no more than that.
func TestJoin(t *testing.T) {
	d := newDoor(t)
	link := secret.NewSession()
	d.do(graph.AddInvitation{
		Hash: secret.HashToken(link), Role: graph.Auditor, Uses: 1, Expires: time.Now().Add(time.Hour),
	})
	dora := Account{Handle: "dora", Name: "D.", Password: secret.New("correct-horse")}
	r := ask("192.0.2.7", "", "")
	if err := d.Join(r, secret.New(link.Reveal()+"x"), dora); !errors.Is(err, graph.ErrNotFound) {
		t.Errorf("with another link: %v", err)
	}
	if err := d.Join(r, link, Account{Handle: "dora"}); !errors.Is(err, graph.ErrInvalid) {
		t.Errorf("without a password: %v", err)
	}
	if v, err := d.Invitation(link); err != nil || v.Role != graph.Auditor {
		t.Fatalf("the invitation is %+v, %v", v, err)
	}
	if err := d.Join(r, link, dora); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Invitation(link); !errors.Is(err, graph.ErrNotFound) {
		t.Errorf("it is open yet: %v", err)
	}
	if _, err := d.login(r, "dora", "correct-horse"); err != nil {
		t.Error(err)
	}
	if u, _ := d.graph.UserByHandle("dora"); u.Role != graph.Auditor || u.Name != "D." {
		t.Errorf("she is %+v", u)
	}
}
