package who

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"hpfriends/graph"
	"hpfriends/internal/guessable"
	"hpfriends/internal/handshakes"
	"hpfriends/internal/passwords"
	"hpfriends/internal/secret"
)

// HashPassword checks and hashes a password; an empty one stays empty. Errors are graph.ErrInvalid and ctx's.
func HashPassword(ctx context.Context, h *passwords.Hasher, password secret.Secret, handle string) (string, error) {
	if password.Empty() {
		return "", nil
	}
	if err := guessable.CheckPassword(password, handle); err != nil {
		return "", weak(err)
	}
	handshakes.Rest(ctx) // hashing has a queue of its own
	hash, err := h.Hash(ctx, password)
	return hash, busy(err)
}

var errNoPassword = &graph.Error{Code: graph.Invalid, Msg: "the password is empty", Hint: "choose one"}

func weak(err error) error {
	return &graph.Error{Code: graph.Invalid, Msg: err.Error(), Hint: "longer is better than stranger"}
}

// unhashed stands for the hash of a password in a change that is only decided.
const unhashed = "unhashed"

// MaySet decides a change that sets a password before anything is spent on its hash: the graph has to take the change,
// and from where the actor asks there are not too many others, as with logins. An admin asks as often as they like.
func (a *Authenticator) MaySet(c graph.Command, handle string) error {
	g := a.Graph()
	if _, _, err := g.Apply(g.Index()+1, c); err != nil {
		return err
	}
	u, ok := g.User(c.By.User)
	if ok && u.Role == graph.Admin {
		return nil
	}
	addr, err := netip.ParseAddr(c.By.From)
	if err != nil { // who is on the machine has no address
		return nil
	}
	if !a.logins.allow(handle, addr, ok && a.knows(u.ID, addr), time.Now()) {
		return errTooOften
	}
	return nil
}

// Guest is somebody whom everybody may be: the password is no secret.
type Guest struct{ Handle, About, Password string }

// Account is that of somebody new.
type Account struct {
	Handle, Name string
	Password     secret.Secret
}

// faults are all that is wrong with an account as it was typed: what the graph does not take of the change that makes
// it, and what is wrong with its password. The first must not hide the other.
func (n Account) faults(g *graph.Graph, c graph.Command) error {
	_, _, err := g.Apply(g.Index()+1, c)
	faults := []error{err}
	if n.Password.Empty() {
		faults = append(faults, errNoPassword)
	} else if err := guessable.CheckPassword(n.Password, n.Handle); err != nil {
		faults = append(faults, weak(err))
	}
	return errors.Join(faults...)
}

// hash is that of the password, which must not be empty.
func (n Account) hash(ctx context.Context, h *passwords.Hasher) (string, error) {
	if n.Password.Empty() {
		return "", errNoPassword
	}
	return HashPassword(ctx, h, n.Password, n.Handle)
}
