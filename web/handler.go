package web

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/graph/scope"
	"hpfriends/web/assets"
	"hpfriends/web/scopes"
	v1 "hpfriends/web/v1"
	"hpfriends/web/who"
)

// Handler is what is served on TCP.
func (s *Server) Handler() http.Handler { return s.handler(s.who.Credentials, s.who.Session) }

// SocketHandler is what is served on the local socket.
func (s *Server) SocketHandler() http.Handler { return s.handler(s.who.Socket, s.who.Socket) }

// handler serves the API to whom ask knows, and pages to whom person knows.
func (s *Server) handler(ask, person who.Authenticate) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ip", s.serveIP)
	mux.HandleFunc("POST /ip", s.serveIP)
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "ok\n") })
	mux.HandleFunc("GET /readyz", s.serveReady)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte("{}"))
	})
	person = s.scoped(person)
	mux.Handle("GET /metrics", s.forScrapers(promhttp.HandlerFor(s.Metrics, promhttp.HandlerOpts{}), s.scoped(ask)))
	mux.Handle("GET "+assets.Base, s.assets.Handler())
	s.v1.Register(mux)
	s.pages.Register(mux, person)
	s.live.Register(mux, person, s.pages.Refuse)
	origins := http.NewCrossOriginProtection()
	origins.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		api.NewProblem(http.StatusForbidden, api.Denied, "a page of another origin may not change anything here", "").Write(w)
	}))
	origins.AddInsecureBypassPattern("POST /ip") // sensors post there from anywhere, and it changes nothing
	found := find(mux, s.pages.Lost(person))
	all := s.timing.measure(mux, s.knownHosts(s.admitLag(origins.Handler(s.admit(found, ask)))))
	return harden(s.bound(all, s.who))
}

// find is mux, but for whoever looks at an address where nothing is, outside of the API. A route for all of these would
// have mux say of each address that it can be looked at.
func find(mux *http.ServeMux, lost http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && !strings.HasPrefix(r.URL.Path, api.Base+"/") {
			if _, route := mux.Handler(r); route == "" {
				lost.ServeHTTP(w, r)
				return
			}
		}
		mux.ServeHTTP(w, r)
	})
}

// admit lets nobody unknown to the API. The other routes know nobody.
func (s *Server) admit(next http.Handler, ask who.Authenticate) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, api.Base+"/") {
			next.ServeHTTP(w, r)
			return
		}
		a, err := ask(r)
		if err == nil {
			s.tellEnd(w, a)
			next.ServeHTTP(w, r.WithContext(who.With(r.Context(), a)))
			return
		}
		s.refuse(w, r, a, err)
	})
}

// scoped lets nobody further by an API token that is not good for the route. The API asks with what was sent.
func (s *Server) scoped(ask who.Authenticate) who.Authenticate {
	return func(r *http.Request) (graph.Actor, error) {
		a, err := ask(r)
		if err == nil {
			err = scopes.Permit(s.Query.Graph(), a, r.Pattern)
		}
		if err == nil {
			err = scopes.Within(s.Query.Graph(), a, r.Pattern, nil)
		}
		return a, err
	}
}

// tellEnd says in each answer to a token that ends soon when that is.
func (s *Server) tellEnd(w http.ResponseWriter, a graph.Actor) {
	t, ok := s.Query.Graph().Token(a.Token)
	if ok && !t.Expires.IsZero() && t.Expires.Sub(s.Changer.Now()) < scope.WarnBefore {
		w.Header().Set(api.TokenEndsHeader, t.Expires.Format(time.RFC3339))
	}
}

// refuse answers who has not proved who they are.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, a graph.Actor, err error) {
	// At any other level a stranger would fill the log.
	s.Logger.Debug("a request was not admitted", "err", err, "from", a.From, "method", r.Method, "path", r.URL.Path)
	p := s.v1.Refusal(err)
	if p.Status == http.StatusUnauthorized {
		w.Header().Add("WWW-Authenticate", `Bearer realm="hpfriends"`)
		if who.TakesPassword(r) {
			w.Header().Add("WWW-Authenticate", `Basic realm="hpfriends", charset="UTF-8"`)
		}
	}
	p.Write(w)
}

// Headers of an answer by a node that is behind its cluster: what it does not know yet.
const (
	lagEntries = "X-Hpfriends-Lag-Entries"
	lagSeconds = "X-Hpfriends-Lag-Seconds"
)

// admitLag says of each answer how far the node is behind, when it is.
func (s *Server) admitLag(next http.Handler) http.Handler {
	if s.Lag == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if entries, behind := s.Lag(); entries > 0 {
			w.Header().Set(lagEntries, strconv.FormatUint(entries, 10))
			w.Header().Set(lagSeconds, strconv.FormatFloat(behind.Seconds(), 'f', 1, 64))
		}
		next.ServeHTTP(w, r)
	})
}

// strictTransport keeps browsers from plain HTTP, by which a link or a typed name would begin, for a year. It is for
// names only; browsers that do not know the certificate's authority do not heed it (RFC 6797).
const strictTransport = "max-age=31536000"

// harden sets the headers that every answer has, and bounds the body.
func harden(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'")
		h.Set("Cache-Control", "no-store")
		if r.TLS != nil {
			h.Set("Strict-Transport-Security", strictTransport)
		}
		r.Body = http.MaxBytesReader(w, r.Body, v1.MaxBody)
		next.ServeHTTP(w, r)
	})
}

// serveReady answers whether the node takes changes; with ?verbose it says why not.
func (s *Server) serveReady(w http.ResponseWriter, r *http.Request) {
	err := s.ready.ask(r.Context())
	var b strings.Builder
	if r.URL.Query().Has("verbose") {
		if err != nil {
			b.WriteString("[-] node: " + err.Error() + "\n")
		} else {
			b.WriteString("[+] node takes changes\n")
		}
		b.WriteString("version " + s.Version + "\n")
	}
	if err != nil {
		plain(w, http.StatusServiceUnavailable, b.String()+"not ready\n")
		return
	}
	plain(w, http.StatusOK, b.String()+"ok\n")
}

// serveIP answers with the caller's address and nothing else: dionaea's dynip_resolve posts here, follows no redirect,
// and drops its events when it gets no answer.
func (s *Server) serveIP(w http.ResponseWriter, r *http.Request) {
	addr, ok := s.who.Address(r)
	if !ok {
		plain(w, http.StatusBadRequest, "this connection has no IP address\n")
		return
	}
	plain(w, http.StatusOK, addr.String())
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text))
}
