package web

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hpfriends/graph"
	"hpfriends/internal/secret"
	"hpfriends/query"
	"hpfriends/web/who"
)

// Changer takes changes of the graph.
type Changer interface {
	// Change answers once this node has applied the command. A refusal is a *graph.Error. An error with a method
	// Temporary that returns true means that nothing was changed; after any other it may have been.
	Change(ctx context.Context, c graph.Command) (graph.Outcome, error)
}

// Cursors moves and removes the cursors of durable subscriptions. Errors are as Changer's.
type Cursors interface {
	Reset(ctx context.Context, by graph.Actor, authkey uint64, name string, to query.Position) error
	Remove(ctx context.Context, by graph.Actor, authkey uint64, name string) error
}

// Config of a Server.
type Config struct {
	Changer Changer
	Cursors Cursors
	Cluster Cluster // nil: the API has no part about it
	Query   *query.Query
	Key     *secret.DataKey
	Metrics prometheus.Gatherer
	Ready   func(context.Context) error
	Lag     func() (entries uint64, behind time.Duration) // of this node behind its cluster; nil: it is alone
	Scrub   func() query.ScrubStatus                      // nil: there is none
	Version string
	Logger  *slog.Logger
	// TrustedProxies are the networks whose X-Forwarded-For is believed; empty: none.
	TrustedProxies []netip.Prefix
}

// Limits of a request (reliability.md 4.3).
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 30 * time.Second
	writeTimeout  = 60 * time.Second
	idleTimeout   = 2 * time.Minute
	changeTimeout = 10 * time.Second
	maxHeader     = 16 << 10
	maxBody       = 1 << 20
)

// Server is the HTTP side of a node.
type Server struct {
	Config
	hasher *secret.Hasher
	who    *who.Authenticator
	// chunkTimeout is how long a reader of a stream may take for one chunk.
	chunkTimeout time.Duration

	mu      sync.Mutex
	servers []*http.Server
	closed  bool
}

// New returns a Server.
func New(c Config) *Server {
	hasher := secret.NewHasher()
	return &Server{
		Config: c, hasher: hasher, chunkTimeout: chunkTimeout,
		who: who.New(who.Config{Graph: c.Query.Graph, Hasher: hasher, Logger: c.Logger, TrustedProxies: c.TrustedProxies}),
	}
}

// Serve serves a TCP listener until Shutdown.
func (s *Server) Serve(l net.Listener) error { return s.serve(l, s.Handler()) }

// ServeSocket serves the local socket until Shutdown: who can open it is the operator. The caller sees to it that only the
// owner of the data directory can.
func (s *Server) ServeSocket(l net.Listener) error { return s.serve(l, s.SocketHandler()) }

func (s *Server) serve(l net.Listener, h http.Handler) error {
	srv := &http.Server{
		Handler: h, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(s.Logger.Handler(), slog.LevelDebug),
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

// Shutdown stops accepting and waits for requests under way until ctx is done; then it breaks their connections.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	servers := s.servers
	s.mu.Unlock()
	var err error
	for _, srv := range servers {
		if e := srv.Shutdown(ctx); e != nil {
			err = errors.Join(err, e, srv.Close())
		}
	}
	return err
}
