package web

import (
	"context"
	"encoding/base64"
	"errors"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"golang.org/x/time/rate"

	"hpfriends/graph"
	"hpfriends/internal/secret"
)

// asHeader names the user whom a request on the local socket acts as.
const asHeader = "X-Hpfriends-As"

// authenticator finds out who asks.
type authenticator func(ctx huma.Context) (graph.Actor, error)

var (
	errLogin    = errors.New("send an API token (Authorization: Bearer hpf_…), or handle and password (HTTP basic)")
	errTooOften = errors.New("too many failed logins: wait a minute")
)

type actorKey struct{}

// actor is who asks, in handlers.
func actor(ctx context.Context) graph.Actor {
	a, _ := ctx.Value(actorKey{}).(graph.Actor)
	return a
}

// bySocket takes the caller for the operator, or for the user named in asHeader.
func (s *Server) bySocket(ctx huma.Context) (graph.Actor, error) {
	as := ctx.Header(asHeader)
	if as == "" {
		return graph.Actor{Operator: true, From: "socket"}, nil
	}
	u, ok := s.Query.Graph().UserByHandle(as)
	if !ok {
		return graph.Actor{}, &graph.Error{Code: graph.NotFound, Msg: "there is no user " + as, Hint: "add one with `hpfriends user add`"}
	}
	return graph.Actor{User: u.ID, From: "socket"}, nil
}

// byToken takes a bearer token, or a password.
func (s *Server) byToken(ctx huma.Context) (graph.Actor, error) {
	addr, _, _ := net.SplitHostPort(ctx.RemoteAddr())
	if !s.logins.may(addr) {
		return graph.Actor{}, errTooOften
	}
	user, err := s.credentials(ctx.Header("Authorization"))
	if err != nil {
		s.logins.failed(addr)
		return graph.Actor{}, err
	}
	return graph.Actor{User: user.ID, From: addr}, nil
}

func (s *Server) credentials(header string) (*graph.User, error) {
	g := s.Query.Graph()
	scheme, value, _ := strings.Cut(header, " ")
	switch {
	case strings.EqualFold(scheme, "Bearer"):
		t, ok := g.TokenByHash(secret.HashToken(value))
		if !ok || !t.Expires.IsZero() && !time.Now().Before(t.Expires) {
			return nil, errLogin
		}
		if u, ok := g.User(t.Owner); ok && u.Enabled {
			return u, nil
		}
	case strings.EqualFold(scheme, "Basic"):
		raw, err := base64.StdEncoding.DecodeString(value)
		if err != nil {
			return nil, errLogin
		}
		handle, password, _ := strings.Cut(string(raw), ":")
		u, ok := g.UserByHandle(handle)
		stored := ""
		if ok && u.Enabled {
			stored = u.Password
		}
		if secret.VerifyPassword(stored, password) { // the same work when there is no such user
			return u, nil
		}
	}
	return nil, errLogin
}

// logins slows down guessing: five failures at once from an address, then one each twelve seconds.
type logins struct {
	mu   sync.Mutex
	from map[string]*rate.Limiter
}

const maxAddresses = 10_000

func newLogins() *logins { return &logins{from: make(map[string]*rate.Limiter)} }

func (l *logins) may(addr string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	lim := l.from[addr]
	return lim == nil || lim.Tokens() >= 1
}

func (l *logins) failed(addr string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	lim := l.from[addr]
	if lim == nil {
		if len(l.from) >= maxAddresses {
			clear(l.from) // forgetting is better than growing
		}
		lim = rate.NewLimiter(rate.Every(12*time.Second), 5)
		l.from[addr] = lim
	}
	lim.Allow()
}
