package who

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/internal/crowd"
	"hpfriends/internal/handshakes"
	"hpfriends/internal/passwords"
	"hpfriends/internal/secret"
)

// Config of an Authenticator.
type Config struct {
	Graph   func() *graph.Graph // the newest
	Changer Changer
	Hasher  *passwords.Hasher
	Logger  *slog.Logger
	// Refused is told of each wrong password; user is 0 if nobody is called so. nil: nobody is told.
	Refused func(user graph.UserID, handle, address string)
	// TrustedProxies are the networks whose X-Forwarded-For is believed; empty: none.
	TrustedProxies []netip.Prefix
}

// Authenticator finds out who asks.
type Authenticator struct {
	Config
	Setup  *Setup
	logins *logins
}

// New returns an Authenticator.
func New(c Config) *Authenticator {
	return &Authenticator{Config: c, Setup: newSetup(c), logins: newLogins()}
}

var (
	errLogin    = unauthorized("no valid API token", "send an API token: Authorization: Bearer hpf_…")
	errPassword = unauthorized("handle or password is wrong",
		"an authkey's ident and secret are not a login: use the user's")
	errTooOften = api.NewProblem(http.StatusTooManyRequests, api.Unavailable, "too many logins", "wait a minute")
	errBusy     = api.NewProblem(http.StatusTooManyRequests, api.Unavailable, "too many passwords are being checked",
		"try again in some seconds")
)

func unauthorized(detail, hint string) *api.Problem {
	return api.NewProblem(http.StatusUnauthorized, api.Unauthorized, detail, hint)
}

// Socket takes the caller for the operator, for the user whom api.AsHeader names, or for the operator who acts for the
// user whom api.ForHeader names. The actor is good for the audit also where there is an error.
func (a *Authenticator) Socket(r *http.Request) (graph.Actor, error) {
	actor := graph.Actor{From: "socket"}
	as := r.Header.Get(api.AsHeader)
	if as == "" {
		actor.Operator = true
		if as = r.Header.Get(api.ForHeader); as == "" {
			return actor, nil
		}
	}
	u, ok := a.Graph().UserByHandle(as)
	if !ok {
		return actor, &graph.Error{
			Code: graph.NotFound, Msg: "there is no user " + graph.Clip(as), Hint: "add one with `hpfriends user add`",
		}
	}
	return a.enabled(actor, u)
}

// Credentials takes an API token, and where the first one is made also a password. The actor has its address also where
// there is an error.
func (a *Authenticator) Credentials(r *http.Request) (graph.Actor, error) {
	actor, addr := a.anybody(r)
	for _, header := range []string{api.AsHeader, api.ForHeader} {
		if r.Header.Get(header) != "" {
			return actor, &graph.Error{
				Code: graph.Denied, Msg: header + " is for the local socket", Hint: "use a token of that user",
			}
		}
	}
	scheme, value := authorization(r)
	switch {
	case strings.EqualFold(scheme, "Bearer"):
		return a.token(actor, value)
	case strings.EqualFold(scheme, "Basic") && TakesPassword(r):
		handle, password, ok := r.BasicAuth()
		if !ok {
			return actor, errLogin
		}
		return a.password(r.Context(), actor, addr, handle, secret.New(password))
	}
	return actor, errLogin
}

// Proves reports whether a request has a session or an API token that is good. It says nothing of rights.
func (a *Authenticator) Proves(r *http.Request) bool {
	if _, err := a.Session(r); err == nil {
		return true
	}
	scheme, value := authorization(r)
	if !strings.EqualFold(scheme, "Bearer") {
		return false
	}
	_, err := a.token(graph.Actor{}, value)
	return err == nil
}

// authorization is the scheme of a request's header of that name, and what stands behind it.
func authorization(r *http.Request) (scheme string, value secret.Secret) {
	scheme, rest, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return scheme, secret.New(strings.TrimSpace(rest))
}

// token is not rate limited: 256 random bits are not guessed, and one client must not lock out those behind its
// address.
func (a *Authenticator) token(actor graph.Actor, token secret.Secret) (graph.Actor, error) {
	g := a.Graph()
	t, ok := g.TokenByHash(secret.HashToken(token))
	if !ok || !t.Expires.IsZero() && !t.Expires.After(a.Changer.Now()) { // Expire may not have come yet
		return actor, errLogin
	}
	u, ok := g.User(t.Owner)
	if !ok {
		return actor, errLogin
	}
	actor.Token = t.ID
	return a.enabled(actor, u)
}

// anybody is who sends a request before they have proved who they are, and their address.
func (a *Authenticator) anybody(r *http.Request) (graph.Actor, netip.Addr) {
	addr, ok := a.Address(r)
	if !ok {
		return graph.Actor{From: "unknown"}, addr
	}
	return graph.Actor{From: addr.String()}, addr
}

// password takes the same time for a wrong password, for a user who has none, and for one who is not there.
func (a *Authenticator) password(
	ctx context.Context, actor graph.Actor, addr netip.Addr, handle string, password secret.Secret,
) (graph.Actor, error) {
	u, known := a.Graph().UserByHandle(handle)
	here := known && a.knows(u.ID, addr)
	if !a.logins.allow(handle, addr, here, time.Now()) {
		return actor, errTooOften
	}
	hash := ""
	if known {
		hash = u.Password
	}
	ctx = passwords.WithClaim(ctx, passwords.Claim{
		Known: here, Account: strings.ToLower(graph.Clip(handle)), Address: crowd.Address(addr),
	})
	handshakes.Rest(ctx)                            // hashing has a queue of its own
	ok, err := a.Hasher.Verify(ctx, hash, password) // the same work if there is no such user
	if err != nil {
		return actor, busy(err)
	}
	if !ok || !known {
		a.tellRefused(u, handle, actor.From)
		return actor, errPassword
	}
	a.Logger.Info("login with a password", "user", u.Handle, "from", addr)
	return a.enabled(actor, u)
}

// tellRefused makes a wrong password a row of the account's Logs, or of the admins' if there is no such account.
func (a *Authenticator) tellRefused(u *graph.User, handle, from string) {
	switch {
	case a.Refused == nil:
	case u == nil:
		a.Refused(0, graph.Clip(handle), from)
	default:
		a.Refused(u.ID, u.Handle, from)
	}
}

// knows reports whether a user is logged in from an address: guesses from elsewhere must not keep them waiting.
func (a *Authenticator) knows(id graph.UserID, addr netip.Addr) bool {
	for s := range a.Graph().SessionsOf(id) {
		if from, err := netip.ParseAddr(s.From); err == nil && crowd.Address(from) == crowd.Address(addr) {
			return true
		}
	}
	return false
}

// busy tells passwords.ErrBusy as people are told.
func busy(err error) error {
	if errors.Is(err, passwords.ErrBusy) {
		return errBusy
	}
	return err
}

// errPresent says that somebody who is logged in does not know the password.
var errPresent = api.NewProblem(http.StatusUnprocessableEntity, api.Invalid, "Your present password is another one.",
	"Type the one that you log in with.")

// Prove checks the password of somebody who is logged in already, for what would be worth more than an open browser or
// a token. Who has none proves nothing.
func (a *Authenticator) Prove(ctx context.Context, actor graph.Actor, password secret.Secret) error {
	u, ok := a.Graph().User(actor.User)
	if !ok || u.Password == "" {
		return nil
	}
	addr, _ := netip.ParseAddr(actor.From) // who is on the machine has none
	_, err := a.password(ctx, actor, addr, u.Handle, password)
	if errors.Is(err, errPassword) {
		return errPresent
	}
	return err
}

// TakesPassword reports whether a request may be made with a password: to add a token.
func TakesPassword(r *http.Request) bool {
	return r.Method+" "+r.URL.Path == strings.Replace(api.AddToken.Route, " ", " "+api.Base, 1)
}

// enabled makes a user the actor, if the graph lets them in at all.
func (a *Authenticator) enabled(actor graph.Actor, u *graph.User) (graph.Actor, error) {
	actor.User = u.ID
	if !a.Graph().Viewer(actor).CanSeeUser(u) {
		return actor, &graph.Error{Code: graph.Denied, Msg: "user " + u.Handle + " is disabled", Hint: "ask an admin"}
	}
	return actor, nil
}
