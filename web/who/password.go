package who

import (
	"context"

	"hpfriends/graph"
	"hpfriends/internal/secret"
)

// HashPassword checks and hashes a password; an empty one stays empty. Errors are graph.ErrInvalid and ctx's.
func HashPassword(ctx context.Context, h *secret.Hasher, password secret.Secret, handle string) (string, error) {
	if password.Empty() {
		return "", nil
	}
	if err := secret.CheckPassword(password, handle); err != nil {
		return "", &graph.Error{Code: graph.Invalid, Msg: err.Error(), Hint: "longer is better than stranger"}
	}
	return h.Hash(ctx, password)
}

// Account is that of somebody new.
type Account struct {
	Handle, Name string
	Password     secret.Secret
}

// hash is that of the password, which must not be empty.
func (n Account) hash(ctx context.Context, h *secret.Hasher) (string, error) {
	if n.Password.Empty() {
		return "", &graph.Error{Code: graph.Invalid, Msg: "the password is empty", Hint: "choose one"}
	}
	return HashPassword(ctx, h, n.Password, n.Handle)
}
