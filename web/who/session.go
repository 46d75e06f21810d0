package who

import (
	"context"
	"net/http"
	"strings"
	"time"

	"hpfriends/graph"
	"hpfriends/internal/secret"
)

// Changer takes changes of the graph.
type Changer interface {
	// Change answers once this node has applied the command. A refusal is a *graph.Error.
	Change(ctx context.Context, c graph.Command) (graph.Outcome, error)
	// Now is the time by which sessions and tokens end.
	Now() time.Time
}

const (
	// sessionLife is how long a login session lasts. Its use does not extend it, which would be a change of the graph.
	sessionLife = 30 * 24 * time.Hour

	// The cookie of a session. Browsers take the first, which no other host and no plain HTTP can set, over TLS only.
	secureCookie = "__Host-hpfriends"
	plainCookie  = "hpfriends"

	maxAgent      = 200 // bytes of a user agent that are kept
	changeTimeout = 10 * time.Second
)

var errNoSession = unauthorized("you are not logged in", "log in")

// Session finds out whose login session the cookie of a request names: one lookup in the newest graph, by which a
// session counts on each node and ends on each at once. The actor has its address also where there is an error.
func (a *Authenticator) Session(r *http.Request) (graph.Actor, error) {
	actor, _ := a.anybody(r)
	c, err := r.Cookie(CookieName(r))
	if err != nil {
		return actor, errNoSession
	}
	g := a.Graph()
	t, ok := g.SessionByHash(secret.HashToken(secret.New(c.Value)))
	if !ok || !t.Expires.After(a.Changer.Now()) { // Expire may not have come yet
		return actor, errNoSession
	}
	u, ok := g.User(t.Owner)
	if !ok {
		return actor, errNoSession
	}
	actor.Session = t.ID
	return a.enabled(actor, u)
}

// Login checks a password, makes a login session and gives it to the browser as a cookie.
func (a *Authenticator) Login(w http.ResponseWriter, r *http.Request, handle string, password secret.Secret) (
	graph.Actor, error,
) {
	actor, addr := a.anybody(r)
	actor, err := a.password(r.Context(), actor, addr, handle, password)
	if err != nil {
		return actor, err
	}
	return a.begin(w, r, actor)
}

// begin makes a login session of the actor, who has proved to be who they are.
func (a *Authenticator) begin(w http.ResponseWriter, r *http.Request, actor graph.Actor) (graph.Actor, error) {
	ctx, cancel := context.WithTimeout(r.Context(), changeTimeout)
	defer cancel()
	value := secret.NewSession()
	out, err := a.Changer.Change(ctx, graph.Command{By: actor, Op: graph.AddSession{
		Hash: secret.HashToken(value), Agent: agent(r), Expires: a.Changer.Now().Add(sessionLife),
	}})
	if err != nil {
		return actor, err
	}
	actor.Session = graph.TokenID(out.Object)
	setCookie(w, r, value.Reveal(), int(sessionLife/time.Second))
	return actor, nil
}

// Logout ends the session of a request, if it has one, and takes back the cookie.
func (a *Authenticator) Logout(w http.ResponseWriter, r *http.Request) error {
	if actor, err := a.Session(r); err == nil {
		ctx, cancel := context.WithTimeout(r.Context(), changeTimeout)
		defer cancel()
		end := graph.RemoveSession{Session: actor.Session}
		if _, err := a.Changer.Change(ctx, graph.Command{By: actor, Op: end}); err != nil {
			return err
		}
	}
	setCookie(w, r, "", -1)
	return nil
}

func setCookie(w http.ResponseWriter, r *http.Request, value string, seconds int) {
	http.SetCookie(w, &http.Cookie{
		Name: CookieName(r), Value: value, Path: "/", MaxAge: seconds, Secure: OverTLS(r), HttpOnly: true,
		SameSite: http.SameSiteLaxMode,
	})
}

// CookieName is the name of the cookie of a session, for a request.
func CookieName(r *http.Request) string {
	if OverTLS(r) {
		return secureCookie
	}
	return plainCookie
}

// OverTLS reports whether the browser speaks TLS, to us or to a proxy. A browser cannot be made to say so by a page of
// another origin, and who says so of their own will gets no cookie: anybody is believed.
func OverTLS(r *http.Request) bool {
	return r.TLS != nil || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
}

// agent is what the user agent calls itself, as much of it as is kept.
func agent(r *http.Request) string {
	printable := strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' {
			return -1
		}
		return c
	}, r.UserAgent())
	return printable[:min(len(printable), maxAgent)]
}
