package web

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"hpfriends/graph"
	"hpfriends/internal/secret"
	"hpfriends/query"
)

// Changer takes changes of the graph.
type Changer interface {
	// Change answers once this node has applied the command. A refusal is a *graph.Error; any other error means that
	// the node cannot take changes now, or cannot tell.
	Change(ctx context.Context, c graph.Command) (graph.Outcome, error)
}

// Config of a Server.
type Config struct {
	Changer Changer
	Query   *query.Query
	Key     *secret.DataKey
	Metrics prometheus.Gatherer
	Ready   func(context.Context) error
	Version string
	Logger  *slog.Logger
}

const (
	maxHeader = 16 << 10
	maxBody   = 1 << 20
)

// Server is the HTTP side of a node.
type Server struct {
	Config
	logins *logins

	mu      sync.Mutex
	servers []*http.Server
	closed  bool
}

// New returns a Server.
func New(c Config) *Server { return &Server{Config: c, logins: newLogins()} }

// Serve serves a TCP listener until Shutdown.
func (s *Server) Serve(l net.Listener) error { return s.serve(l, s.byToken) }

// ServeSocket serves the local socket until Shutdown: who can open it is the operator.
func (s *Server) ServeSocket(l net.Listener) error { return s.serve(l, s.bySocket) }

func (s *Server) serve(l net.Listener, who authenticator) error {
	srv := &http.Server{
		Handler: s.Handler(who), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(s.Logger.Handler(), slog.LevelDebug),
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return l.Close()
	}
	s.servers = append(s.servers, srv)
	s.mu.Unlock()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Shutdown stops accepting and waits for requests under way until ctx is done.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	servers := s.servers
	s.mu.Unlock()
	var err error
	for _, srv := range servers {
		err = errors.Join(err, srv.Shutdown(ctx))
	}
	return err
}

// Handler is everything that is served, with requests authenticated by who.
func (s *Server) Handler(who authenticator) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ip", serveIP)
	mux.HandleFunc("POST /ip", serveIP)
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "ok\n") })
	mux.HandleFunc("GET /readyz", s.serveReady)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte("{}"))
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.Metrics, promhttp.HandlerOpts{}))
	s.register(s.api(mux), who)
	protected := http.NewCrossOriginProtection().Handler(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'")
		h.Set("Cache-Control", "no-store")
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		if r.Method == http.MethodPost && r.URL.Path == "/ip" { // sensors post there, from anywhere, and it changes nothing
			mux.ServeHTTP(w, r)
			return
		}
		protected.ServeHTTP(w, r)
	})
}

func (s *Server) api(mux *http.ServeMux) huma.API {
	c := huma.DefaultConfig("hpfriends", s.Version)
	c.OpenAPIPath = "/api/openapi"
	c.DocsPath = "" // the generated page would load scripts from a third party
	c.SchemasPath = "/api/schemas"
	c.CreateHooks = nil // no "$schema" links in answers
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"token":    {Type: "http", Scheme: "bearer", Description: "an API token"},
		"password": {Type: "http", Scheme: "basic", Description: "handle and password"},
	}
	c.Security = []map[string][]string{{"token": {}}, {"password": {}}}
	return humago.New(mux, c)
}

func (s *Server) serveReady(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	if err := s.Ready(ctx); err != nil {
		plain(w, http.StatusServiceUnavailable, "not ready: "+err.Error()+"\n")
		return
	}
	plain(w, http.StatusOK, "ok\n")
}

// serveIP answers with the caller's address: dionaea's dynip_resolve posts here, follows no redirect, and drops its events
// when it gets no answer.
func serveIP(w http.ResponseWriter, r *http.Request) {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		plain(w, http.StatusBadRequest, "this connection has no IP address\n")
		return
	}
	if ip := net.ParseIP(host); ip != nil {
		host = ip.String() // an IPv4 address of a dual-stack listener as such
	}
	plain(w, http.StatusOK, host)
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text))
}
