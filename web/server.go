package web

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/internal/crowd"
	"hpfriends/internal/handshakes"
	"hpfriends/internal/passwords"
	"hpfriends/internal/secret"
	"hpfriends/query"
	"hpfriends/query/view"
	"hpfriends/web/assets"
	"hpfriends/web/help"
	"hpfriends/web/live"
	"hpfriends/web/pages"
	"hpfriends/web/pages/attack"
	"hpfriends/web/ration"
	"hpfriends/web/replay"
	v1 "hpfriends/web/v1"
	"hpfriends/web/who"
)

// Config of a Server.
type Config struct {
	Changer v1.Changer
	Cursors v1.Cursors
	Cluster v1.Cluster // nil: the API has no part about it
	Query   *query.Query
	Key     *secret.DataKey
	Metrics *prometheus.Registry // where a Server also adds what it measures
	Ready   func(context.Context) error
	Lag     func() (entries uint64, behind time.Duration) // of this node behind its cluster; nil: it is alone
	Scrub   func() view.ScrubStatus                       // nil: there is none
	// Refused is told of each wrong password; user is 0 if nobody is called so.
	Refused func(user graph.UserID, handle, address string)
	Logger  *slog.Logger
	Node
	Network
}

// Network is how requests come in.
type Network struct {
	// Certificates are those by which listeners speak TLS; nil: none.
	Certificates v1.Certificates
	// Handshakes bounds the work that handshakes of TLS are, and whatever comes; nil: nothing does.
	Handshakes *handshakes.Gate
	// TrustedProxies are the networks whose X-Forwarded-For is believed; empty: none.
	TrustedProxies []netip.Prefix
	// AllowedHosts are the names of this server; empty: any, where it is asked from another machine.
	AllowedHosts []string
	// MaxConns bounds the connections of all TCP listeners together; 8,192. When there are more, the longest idle one of
	// the most crowded address is closed.
	MaxConns int
	// Challenge answers a certificate authority on a listener without TLS; false: the request is for somebody else. nil:
	// none asks.
	Challenge func(http.ResponseWriter, *http.Request) bool
}

// Node is which node it is, and what it does for pages.
type Node struct {
	Version string
	Name    string          // for people
	Hpfeeds func() []string // addresses that sensors connect to; nil: unknown
	Guests  []who.Guest     // of a demo
	// Outlet publishes with an authkey; nil: nothing can be replayed.
	Outlet func(authkey graph.AuthkeyID, from string) (replay.Outlet, error)
	Places attack.Places // where addresses are on the earth; nil: unknown
	Kiosk  *who.Kiosk    // the map that everybody may see; nil: none
	v1.Local
}

// Limits of a request (reliability.md 4.3).
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 30 * time.Second
	writeTimeout  = 60 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 16 << 10
	maxStreams    = 64       // of one connection with HTTP/2
	maxFrame      = 16 << 10 // of HTTP/2, the least that is allowed: a connection keeps a buffer as large as what came
)

// Server is the HTTP side of a node.
type Server struct {
	Config
	who    *who.Authenticator
	v1     *v1.Service
	assets *assets.Set
	pages  *pages.Pages
	live   *live.Streams
	replay *replay.Replays
	seats
	turns  *ration.Rations
	ready  *readiness
	timing requests

	mu      sync.Mutex
	servers []*http.Server
	closed  bool
}

// New returns a Server.
func New(c Config) *Server {
	hasher, most := passwords.NewHasher(c.Logger), cmp.Or(c.MaxConns, 1<<13)
	scripts := built()
	if missing := scripts.Missing(); missing != "" {
		c.Logger.Info(missing)
	}
	replays := replay.New(replay.Config{Query: c.Query, Open: c.Outlet, Node: c.Name, Logger: c.Logger})
	people := who.New(who.Config{
		Graph: c.Query.Graph, Changer: c.Changer, Hasher: hasher, Logger: c.Logger, TrustedProxies: c.TrustedProxies,
		Refused: c.Refused,
	})
	turns := ration.New()
	s := &Server{
		Config: c, turns: turns, assets: scripts, replay: replays, who: people, ready: newReadiness(c.Ready),
		timing: newRequests(c.Metrics), seats: seats{underway: newUnderway(c.Handshakes)},
		v1: v1.New(v1.Config{
			Changer: v1.WithQuotas(c.Changer, c.Query.Graph),
			Cursors: c.Cursors, Cluster: c.Cluster, Query: c.Query, Key: c.Key, Hasher: hasher,
			MaySet: people.MaySet, Prove: people.Prove,
			Replays: replays, Local: c.Local, Version: c.Version, Logger: c.Logger,
			Health: v1.Health{Ready: c.Ready, Scrub: c.Scrub, Certificates: c.Certificates},
		}, turns),
	}
	operations := http.NewServeMux() // for who was admitted
	s.v1.Register(operations)
	s.pages = pages.New(pages.Config{
		API: api.InProcess(operations), Query: c.Query, Who: s.who, Refusal: s.v1.Refusal,
		Node: c.Name, Places: c.Places, Kiosk: c.Kiosk, Hpfeeds: c.Hpfeeds, Lag: c.Lag,
		Version: c.Version, Guests: c.Guests, Assets: scripts, Reference: sync.OnceValue(s.reference), Logger: c.Logger,
	}, turns)
	s.live = live.New(live.Config{Query: c.Query, Places: c.Places, Kiosk: c.Kiosk, Address: s.who.Address, Turns: turns})
	perAddress := max(most/4, 1)
	if len(c.TrustedProxies) > 0 { // behind one there are many
		perAddress = 0
	}
	s.crowd = crowd.New(most, perAddress)
	return s
}

// reference is made when somebody reads it: it takes as long as a start otherwise does.
func (s *Server) reference() *help.Reference {
	document, err := s.v1.Document()
	if err != nil {
		panic(err) // it is made of types
	}
	r, err := help.ReadReference(document)
	if err != nil {
		panic(err)
	}
	return r
}

// Setup makes the first admin.
func (s *Server) Setup() *who.Setup { return s.who.Setup }

// Serve serves a TCP listener until Shutdown.
func (s *Server) Serve(l net.Listener) error { return s.ServeTLS(l, nil) }

// ServeTLS is Serve with TLS; nil is none.
func (s *Server) ServeTLS(l net.Listener, tc *tls.Config) error {
	return s.serve(&seatedListener{l, s.crowd, s.Logger, s.Handshakes}, tc, s.Handler())
}

// ServeSocket serves the local socket until Shutdown: who can open it is the operator. The caller sees to it that only
// the owner of the data directory can.
func (s *Server) ServeSocket(l net.Listener) error { return s.serve(l, nil, s.SocketHandler()) }

func (s *Server) serve(l net.Listener, tc *tls.Config, h http.Handler) error {
	srv := &http.Server{
		Handler: h, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(s.Logger.Handler(), slog.LevelDebug),
		ConnState: setSeat, TLSConfig: tc,
		HTTP2: http2Limits(),
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return l.Close()
	}
	s.servers = append(s.servers, srv)
	s.mu.Unlock()
	serve := srv.Serve
	if tc != nil {
		serve = func(l net.Listener) error { return srv.ServeTLS(l, "", "") }
	}
	if err := serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// http2Limits bound a connection with HTTP/2. More requests than a page makes at once would make the seats of
// connections worth less.
func http2Limits() *http.HTTP2Config {
	return &http.HTTP2Config{
		MaxConcurrentStreams: maxStreams, MaxReceiveBufferPerConnection: maxReceived,
		MaxReceiveBufferPerStream: maxReceived, MaxReadFrameSize: maxFrame,
	}
}

// Shutdown stops accepting and waits for requests under way until ctx is done; then it breaks their connections.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	servers := s.servers
	s.mu.Unlock()
	s.live.Close()
	s.replay.Close()
	var err error
	for _, srv := range servers {
		if e := srv.Shutdown(ctx); e != nil {
			err = errors.Join(err, e, srv.Close())
		}
	}
	s.who.Hasher.Close()
	return err
}
