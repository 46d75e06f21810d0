package who

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/internal/secret"
)

// setupLife is how long the secret of a Setup is good.
const setupLife = time.Hour

// Setup makes the first admin, for who has the secret that this process has made and that its log tells. It is over for
// this process as soon as there is an admin. That of two on two nodes one becomes the first is decided by the graph.
type Setup struct {
	Config
	token  secret.Secret
	began  time.Time // by the monotonic clock
	closed atomic.Bool
}

func newSetup(c Config) *Setup {
	return &Setup{Config: c, token: secret.NewSession(), began: time.Now()}
}

var (
	errNoSetup = api.NewProblem(http.StatusNotFound, api.NotFound, "there is nothing to set up here",
		"ask the operator of this server for an account")
	errNotSetUp = api.NewProblem(http.StatusNotFound, api.NotFound,
		"this server is not set up yet, and this is not the link to do it",
		"its log has the link; or run `hpfriends user add NAME --role admin --password-file FILE` there")
	errSetupOver = api.NewProblem(http.StatusGone, api.Denied, "the setup link has expired",
		"restart the server for another one, or run `hpfriends user add NAME --role admin --password-file FILE` there")
)

// Open reports whether the server has no admin yet.
func (s *Setup) Open() bool {
	if !s.closed.Load() && s.Graph().HasAdmin() {
		s.closed.Store(true)
	}
	return !s.closed.Load()
}

// Token is the secret of the setup link.
func (s *Setup) Token() secret.Secret { return s.token }

// Check returns nil if the token is good now. Who has another learns where the link is, and nothing of it.
func (s *Setup) Check(token secret.Secret) error {
	switch {
	case !s.Open():
		return errNoSetup
	case !s.token.Equal(token):
		return errNotSetUp
	case time.Since(s.began) >= setupLife:
		return errSetupOver
	}
	return nil
}

// Create makes the first admin, as the operator from an address, or "system". It asks for no token.
func (s *Setup) Create(ctx context.Context, from string, admin Account) error {
	add := graph.AddUser{Handle: admin.Handle, Name: admin.Name, Password: unhashed, Role: graph.Admin, First: true}
	c := graph.Command{Time: s.Changer.Now(), By: graph.Actor{Operator: true, From: from}, Op: add}
	err := admin.faults(s.Graph(), c)
	if err != nil {
		return err
	}
	if add.Password, err = admin.hash(ctx, s.Hasher); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, changeTimeout)
	defer cancel()
	_, err = s.Changer.Change(ctx, graph.Command{By: c.By, Op: add})
	return err
}

// CreateAdmin makes the first admin for a request with the token of the setup link. The password then logs them in.
func (a *Authenticator) CreateAdmin(r *http.Request, token secret.Secret, admin Account) error {
	if err := a.Setup.Check(token); err != nil {
		return err
	}
	actor, _ := a.anybody(r)
	return a.Setup.Create(r.Context(), actor.From, admin)
}
