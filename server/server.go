// Package server is one node of hpfriends: it opens the log, joins the cluster, and serves hpfeeds and HTTP until it is
// told to stop.
//
// Server.Run opens its parts from the log up and closes them in reverse, so that nothing is asked of a part that is
// gone: listeners first, then connections, the loops, the node and the log. Config says what can be set; the command
// line reads it from flags, environment and file. Nothing but the program imports this package.
package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"hpfriends/broker"
	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/internal/buildinfo"
	"hpfriends/internal/datadir"
	"hpfriends/internal/handshakes"
	"hpfriends/internal/secret"
	"hpfriends/query"
	"hpfriends/raftfsm"
	"hpfriends/raftfsm/restore"
	"hpfriends/router"
	"hpfriends/server/acme"
	"hpfriends/server/certs"
	"hpfriends/web"
	"hpfriends/web/geo"
	"hpfriends/web/replay"
	v1 "hpfriends/web/v1"
	"hpfriends/web/who"
	"hpfriends/wire"
)

// Server is one running node: everything from the log to the listeners. Parts are opened in the order of the fields and
// closed in reverse.
type Server struct {
	plan
	Logger   *slog.Logger
	events   *eventlog.Log
	node     *raftfsm.Node
	ingest   *raftfsm.Ingest
	recorder *raftfsm.Recorder
	cursors  *raftfsm.Cursors
	router   *router.Router
	calls    *broker.Calls
	broker   *broker.Broker
	upkeep
	wire  *wire.Server
	web   *web.Server
	loops loops
}

// upkeep is what goes on in the log all the time.
type upkeep struct {
	scrubber  *scrubber // nil: none
	compactor compactor
	backups   *backups
	traffic   traffic
}

// plan is what a server was told, and what it may use.
type plan struct {
	Config
	instruments
	budget budget
	places *geo.DB // nil: none
	certs  *certs.Store
	acme   *acme.Manager // nil: certificates are in files, if there are any
	// handshakes is of all ports with TLS.
	handshakes *handshakes.Gate
	// RecentLog has the newest lines of the server's own log; nil: nobody keeps them. It is set before Run.
	RecentLog io.WriterTo
}

// drainTimeout bounds each step of a shutdown.
const drainTimeout = 5 * time.Second

// New returns a server that has not begun. The Config is a valid one.
func New(c Config, l *slog.Logger) *Server {
	s := &Server{
		plan: plan{
			Config: c, instruments: newInstruments(), certs: certs.NewStore(l), handshakes: handshakes.New(),
		},
		Logger: l, calls: broker.NewCalls(), loops: loops{failed: make(chan error, 8)},
	}
	if c.Geo != "" {
		s.places = geo.New(c.Geo)
	}
	return s
}

// Reload reads again what is read from files beside the data directory. It may be called at any time.
func (s *Server) Reload() error { return errors.Join(s.readPlaces(), s.certs.Reload()) }

func (s *Server) readPlaces() error {
	if s.places == nil {
		return nil
	}
	if err := s.places.Read(); err != nil {
		return badConfig("--geoip: %v", err)
	}
	return nil
}

// Run serves until ctx is done, or until it cannot go on. It may be called once.
func (s *Server) Run(ctx context.Context) (err error) {
	if s.budget, err = newBudget(s.Config, openFiles(), processMemory()); err != nil {
		return err
	}
	narrowed, err := datadir.Make(s.DataDir)
	if err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	if narrowed {
		s.Logger.Warn("the data directory was open to other users: it is for its owner only now", "data", s.DataDir)
	}
	if err := s.readPlaces(); err != nil {
		return err
	}
	restored, err := restore.Read(s.DataDir)
	if err != nil {
		return err
	}
	cluster, err := s.clusterPart(ctx)
	if err != nil {
		return err
	}
	key, err := secret.LoadOrCreate(s.DataDir)
	if err != nil {
		return err
	}
	s.events, err = eventlog.Open(eventlog.Config{
		Dir: filepath.Join(s.DataDir, "log"), OpenFiles: s.budget.logFiles, ColdBytes: s.budget.blocks, Logger: s.Logger,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.events.Close()) }()
	keep, err := s.retention()
	if err != nil {
		return err
	}
	s.node, err = raftfsm.Open(raftfsm.Config{
		Dir: s.DataDir, NodeID: s.NodeID, Log: s.events, Logger: s.Logger, Fail: s.giveUp, Retention: keep, Cluster: cluster,
		Applied: s.applied, Wall: s.Wall,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.node.Close()) }()
	if err := s.awaitReady(ctx); err != nil {
		return err
	}
	if err := FitsDataKey(key, s.Graph()); err != nil {
		if restored == nil || !restored.NoKey {
			return fmt.Errorf("%w: put back the one that belongs to %s", err, s.DataDir)
		}
		s.Logger.Warn("this data directory was restored without its data key: no authkey of before can log in until its " +
			"secret is rotated")
	}
	return s.serve(ctx, key)
}

// hangUpTime is for the end of the clients' connections when the disk hangs.
const hangUpTime = time.Second

// giveUp ends the process at once. Only when the disk hangs, the clients go first, to the other nodes: the process then
// ends no sooner than its threads that wait for the disk in the kernel, and until then its sockets would stay.
func (s *Server) giveUp(err error) {
	s.Logger.Error("stopping: the state of this node cannot be trusted", "err", err)
	if errors.Is(err, raftfsm.ErrStuck) {
		select {
		case s.loops.failed <- err: // serve closes listeners and connections
			time.Sleep(hangUpTime)
		default:
		}
	}
	os.Exit(1)
}

// FitsDataKey refuses a data key that opens no secret of any authkey: it is of another directory, and nobody could log
// in. Without a secret every key fits. The error is secret.ErrSealed.
func FitsDataKey(key *secret.DataKey, g *graph.Graph) (err error) {
	tried := 0
	for k := range g.Authkeys() {
		if len(k.Secret) == 0 {
			continue
		}
		if _, err = key.Open(k.Secret, []byte(k.Ident)); err == nil || tried == 10 {
			return err
		}
		tried++
	}
	return err
}

func (s *Server) openUpkeep() error {
	every, errScrub := s.scrubInterval()
	after, errCold := s.coldAfter()
	if err := errors.Join(errScrub, errCold); err != nil {
		return err
	}
	s.compactor = compactor{log: s.events, after: after, slog: s.Logger}
	var err error
	if s.backups, err = newBackups(s.events, s.node, s.Logger); err != nil {
		return err
	}
	if every == 0 {
		return nil
	}
	s.scrubber, err = newScrubber(s.events, every, s.Logger)
	return err
}

// serve runs the loops and listeners on an open node.
func (s *Server) serve(ctx context.Context, key *secret.DataKey) error {
	s.ingest = raftfsm.NewIngest(s.node, s.committed)
	s.recorder = raftfsm.NewRecorder(s.node)
	s.cursors = raftfsm.NewCursors(s.node)
	s.router = router.New(s.events, s.node.Version(), router.Config{
		Busy: s.ingest.Busy, Undelivered: broker.TellPublishers(s.node, s.recorder), Memory: s.budget.memory,
	})
	conns := broker.NewConnections(s.node, s.recorder, s.budget.perUser, s.budget.perAuthkey)
	q := query.New(s.events, s.node.Graph, conns)
	s.broker = broker.New(broker.Config{
		Node: s.node, Events: s.events, Ingest: s.ingest, Recorder: s.recorder, Cursors: s.cursors,
		Router: s.router, Query: q,
		Connections: conns, Calls: s.calls, Key: key, Metrics: s.registry, Logger: s.Logger,
		Channels: s.MaxChannels,
	})
	if err := errors.Join(s.openUpkeep(), s.openACME(key)); err != nil {
		return err
	}
	if err := s.build(key, q); err != nil {
		return err
	}
	listeners, where, err := s.bind(ctx)
	if err != nil {
		return err
	}
	ending, stopLoops := context.WithCancel(context.Background())
	drain, stopDrain := context.WithCancel(context.Background())
	defer stopDrain()
	s.loops.run(ending, "router", s.router.Run)
	s.loops.run(ending, "certificates", s.certs.Watch)
	if s.acme != nil {
		s.acme.Listen(s.challenged(where))
		s.loops.run(ending, "acme", s.acme.Run)
	}
	s.loops.run(ending, "channels", s.countChannels(q))
	if s.compactor.after > 0 {
		s.loops.run(ending, "compact", s.compactor.run)
	}
	if s.scrubber != nil {
		s.loops.run(ending, "scrub", s.scrubber.run)
	}
	s.loops.Go(func() { s.ingest.Run(ending, drain) })
	s.loops.Go(func() { s.recorder.Run(ending) })
	s.loops.Go(func() { s.cursors.Run(ending) })
	s.loops.Go(func() { s.broker.Run(ending) })
	s.loops.Go(func() { s.followDrain(ending) })
	s.loops.Go(func() { s.measureTraffic(ending) })
	for _, l := range listeners {
		s.loops.run(ending, "listener "+l.Addr().String(), l.serve)
	}
	s.firstAdmin(ctx, where.URL)
	s.Logger.Info("serving", "hpfeeds", where.Hpfeeds, "http", where.HTTP, "pages", where.URL,
		"data", s.DataDir, "node", s.node.ID())
	if err = datadir.WriteAddresses(s.DataDir, where); err == nil {
		s.tellSupervisor(daemon.SdNotifyReady)
		s.loops.run(ending, "watchdog", s.watchdog)
		select {
		case <-ctx.Done():
		case err = <-s.loops.failed:
		case <-s.node.Members().Removed():
			err = s.node.Members().Why()
		}
	}
	s.Logger.Info("stopping")
	s.tellSupervisor(daemon.SdNotifyStopping)
	err = errors.Join(err, s.closeListeners())
	time.AfterFunc(drainTimeout, stopDrain)
	stopLoops()
	s.loops.Wait()
	last, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	s.recorder.Flush(last)
	s.cursors.Flush(last)
	return err
}

// countChannels keeps the projection of channels. Damage of an old entry is no reason to stop: what is sound is served,
// and who asks for channels is told.
func (s *Server) countChannels(q *query.Query) func(context.Context) error {
	return func(ctx context.Context) error {
		err := q.Run(ctx, s.budget.roomy)
		if eventlog.IsDamage(err) {
			s.Logger.Error("channels are no longer counted: run `hpfriends check`", "err", err)
			return nil
		}
		return err
	}
}

// build makes the hpfeeds and HTTP servers.
func (s *Server) build(key *secret.DataKey, q *query.Query) error {
	compat, err := wire.ParseCompat(s.Compat)
	if err != nil {
		return err
	}
	s.wire, err = wire.NewServer(wire.Config{
		Name: s.Name, Compat: compat, Limits: wire.Limits{MaxPayload: int(s.MaxMessage)}, Logger: s.Logger,
		MaxConns: s.budget.connections, FrameMemory: s.budget.frames, TLS: s.tlsConfig, Handshakes: s.handshakes,
	}, s.broker)
	if err != nil {
		return err
	}
	if drained, until := s.node.Members().Drained(); drained {
		_ = s.wire.Drain(until, 0) // before the first client comes
	}
	proxies, err := s.trustedProxies()
	if err != nil {
		return err
	}
	guests, err := s.guests()
	if err != nil {
		return err
	}
	c := web.Config{
		Changer: changer{s.node}, Cluster: clusterAdmin{s.node.Members(), s.certs, s.node.Now}, Cursors: s.cursors,
		Query: q, Key: key,
		Network: web.Network{
			MaxConns: s.budget.requests, TrustedProxies: proxies, AllowedHosts: s.Hosts, Certificates: s.certs,
			Handshakes: s.handshakes,
		},
		Metrics: s.registry, Ready: s.ready, Logger: s.Logger,
		Refused: func(user graph.UserID, handle, address string) {
			s.recorder.Refuse(entry.Refusal{
				Owner: uint64(user), Ident: handle, Message: entry.PasswordIncorrect, Addr: address, Count: 1,
			})
		},
		Node: web.Node{
			Version: buildinfo.Version(), Name: s.node.ID(), Guests: guests,
			Hpfeeds: func() []string {
				where, _ := datadir.ReadAddresses(s.DataDir) // there are none before it listens
				return where.Hpfeeds
			},
			Local: v1.Local{
				Backup: s.backups.open, Compact: s.compactor.all, Connections: s.broker,
				Diagnostics: s.diagnostics(s.registry),
				Traffic:     s.traffic.Now, LastBackup: s.backups.Last,
			},
			Outlet: func(k graph.AuthkeyID, from string) (replay.Outlet, error) { return s.broker.Outlet(k, from) },
		},
	}
	if s.acme != nil {
		c.Network.Challenge = s.acme.Answer
	}
	if c.Kiosk, err = who.ParseKiosk(s.Config.Kiosk); err != nil {
		return badConfig("--kiosk: %v", err)
	}
	if s.places != nil {
		c.Places = s.places
	}
	if s.Cluster != "" {
		c.Lag = func() (uint64, time.Duration) {
			standing, _ := s.node.Members().Standing()
			return standing.Lag, standing.Behind
		}
	}
	if s.scrubber != nil {
		c.Scrub = s.scrubStatus
	}
	s.web = web.New(c)
	watch(s.registry, s)
	watchCluster(s.registry, s.node)
	return nil
}

// Graph returns the sharing graph as it is now.
func (s *Server) Graph() *graph.Graph { return s.node.Graph() }
