package web

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"hpfriends/graph"
	"hpfriends/internal/secret"
)

// asHeader names the user whom a request on the local socket acts as.
const asHeader = "X-Hpfriends-As"

// authenticator finds out who asks. The actor that it returns has no From yet.
type authenticator func(r *http.Request) (graph.Actor, error)

var (
	errLogin    = errors.New("no valid API token")
	errPassword = errors.New("handle or password is wrong")
	errTooOften = errors.New("too many logins")
)

type actorKey struct{}

// actor is who asks, in handlers.
func actor(ctx context.Context) graph.Actor {
	a, _ := ctx.Value(actorKey{}).(graph.Actor)
	return a
}

// authenticate lets nobody unknown to the API. The other routes know nobody.
func (s *Server) authenticate(next http.Handler, who authenticator, from func(*http.Request) string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, base+"/") {
			next.ServeHTTP(w, r)
			return
		}
		a, err := who(r)
		a.From = from(r)
		if err != nil {
			s.Logger.Warn("a request was not admitted", "err", err, "from", a.From, "method", r.Method, "path", r.URL.Path)
			p := s.refusal(err)
			if p.Status == http.StatusUnauthorized {
				w.Header().Add("WWW-Authenticate", `Bearer realm="hpfriends"`)
				if takesPassword(r) {
					w.Header().Add("WWW-Authenticate", `Basic realm="hpfriends", charset="UTF-8"`)
				}
			}
			p.write(w)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), actorKey{}, a)))
	})
}

// bySocket takes the caller for the operator, or for the user named in asHeader.
func (s *Server) bySocket(r *http.Request) (graph.Actor, error) {
	as := r.Header.Get(asHeader)
	if as == "" {
		return graph.Actor{Operator: true}, nil
	}
	u, ok := s.Query.Graph().UserByHandle(as)
	if !ok {
		return graph.Actor{}, &graph.Error{Code: graph.NotFound, Msg: "there is no user " + graph.Clip(as), Hint: "add one with `hpfriends user add`"}
	}
	return s.enabled(u)
}

// byCredentials takes an API token, and where the first one is made also a password.
func (s *Server) byCredentials(r *http.Request) (graph.Actor, error) {
	if r.Header.Get(asHeader) != "" {
		return graph.Actor{}, &graph.Error{Code: graph.Denied, Msg: asHeader + " is for the local socket", Hint: "use a token of that user"}
	}
	scheme, value, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch {
	case strings.EqualFold(scheme, "Bearer"):
		return s.byToken(secret.New(strings.TrimSpace(value)))
	case strings.EqualFold(scheme, "Basic") && takesPassword(r):
		return s.byPassword(r)
	}
	return graph.Actor{}, errLogin
}

// byToken is not rate limited: 256 random bits are not guessed, and one client must not lock out those behind its address.
func (s *Server) byToken(token secret.Secret) (graph.Actor, error) {
	g := s.Query.Graph()
	t, ok := g.TokenByHash(secret.HashToken(token))
	if !ok || !t.Expires.IsZero() && !t.Expires.After(time.Now()) { // Expire may not have come yet
		return graph.Actor{}, errLogin
	}
	u, ok := g.User(t.Owner)
	if !ok {
		return graph.Actor{}, errLogin
	}
	return s.enabled(u)
}

func (s *Server) byPassword(r *http.Request) (graph.Actor, error) {
	handle, password, ok := r.BasicAuth()
	addr, _ := s.client(r)
	if !ok || !s.logins.allow(handle, addr, time.Now()) {
		return graph.Actor{}, errTooOften
	}
	u, known := s.Query.Graph().UserByHandle(handle)
	hash := ""
	if known {
		hash = u.Password
	}
	ok, err := s.hasher.Verify(r.Context(), hash, secret.New(password)) // the same work if there is no such user
	if err != nil {
		return graph.Actor{}, err
	}
	if !ok || !known {
		return graph.Actor{}, errPassword
	}
	s.Logger.Info("login with a password", "user", u.Handle, "from", addr)
	return s.enabled(u)
}

// takesPassword is whether a request may be made with a password: to add a token.
func takesPassword(r *http.Request) bool {
	return r.Method == http.MethodPost && r.URL.Path == base+"/tokens"
}

// enabled makes a user the actor, if the graph lets them in at all.
func (s *Server) enabled(u *graph.User) (graph.Actor, error) {
	a := graph.Actor{User: u.ID}
	if !s.Query.Graph().CanSeeUser(a, u) {
		return a, &graph.Error{Code: graph.Denied, Msg: "user " + u.Handle + " is disabled", Hint: "ask an admin"}
	}
	return a, nil
}
