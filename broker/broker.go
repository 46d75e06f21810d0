package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/internal/secret"
	"hpfriends/query"
	"hpfriends/raftfsm"
	"hpfriends/router"
	"hpfriends/wire"
)

// Config holds the parts of a node that the broker joins.
type Config struct {
	Node        *raftfsm.Node
	Events      *eventlog.Log
	Ingest      *raftfsm.Ingest
	Recorder    *raftfsm.Recorder
	Cursors     *raftfsm.Cursors
	Router      *router.Router
	Query       *query.Query
	Connections *Connections
	Calls       *Calls // which the cluster port has known since before there was a node
	Key         *secret.DataKey
	Metrics     prometheus.Registerer
	Logger      *slog.Logger
	Channels    int // that a member publishes on in a day; 0: DefaultChannels
}

// Broker joins the hpfeeds server with the node: it looks up authkeys, asks the graph for every right, and ends the
// connections whose right is gone.
type Broker struct {
	Config
	metrics *metrics
	names   *channelNames
	asked   *requests
	streams sync.WaitGroup // of what connections have begun: acks, audit, presence, durable subscriptions
}

// New returns a broker that has registered its metrics and answers other nodes about presence.
func New(c Config) *Broker {
	c.Calls.Presence.begin(c.Node.Graph)
	c.Calls.connections.Store(c.Connections)
	return &Broker{Config: c, metrics: newMetrics(c.Metrics), names: newChannelNames(c.Channels), asked: newRequests()}
}

// Published is the number of messages taken from clients since the start.
func (b *Broker) Published() uint64 { return b.metrics.taken.Load() }

// Run watches over the connections until ctx is done, and waits for what they have begun. All connections must be
// closed by then.
func (b *Broker) Run(ctx context.Context) {
	var loops sync.WaitGroup
	loops.Go(func() { b.watch(ctx) })
	loops.Go(func() { b.count(ctx) })
	loops.Go(func() { b.Calls.Presence.run(ctx, b) })
	loops.Go(func() { b.Calls.Presence.tell(ctx) })
	loops.Wait()
	b.streams.Wait()
}

// Secret implements wire.Broker.
func (b *Broker) Secret(ident string, addr netip.Addr) ([]byte, error) {
	g := b.Node.Graph()
	key, ok := g.AuthkeyByIdent(ident)
	if !ok {
		return nil, wire.ErrUnknownIdent
	}
	if err := g.MayLogin(key, addr, b.Node.Now()); err != nil {
		return nil, fmt.Errorf("%w: %w", wire.ErrKeyDisabled, err)
	}
	s, err := b.Key.Open(key.Secret, []byte(key.Ident))
	if err != nil {
		b.Logger.Error(
			"the secret of an authkey cannot be read: is data.key the one of this data directory?", "ident", key.Ident, "err",
			err,
		)
		return nil, fmt.Errorf("%w: %w", wire.ErrKeyDisabled, err)
	}
	return s, nil
}

// OldSecret implements wire.Broker.
func (b *Broker) OldSecret(ident string) []byte {
	key, ok := b.Node.Graph().AuthkeyByIdent(ident)
	if !ok || !key.OldSecretGood(b.Node.Now()) {
		return nil
	}
	s, err := b.Key.Open(key.Old.Secret, []byte(key.Ident))
	if err != nil {
		return nil // Secret has said so of the other one
	}
	return s
}

// Open implements wire.Broker: one authenticated connection.
func (b *Broker) Open(s *wire.Session, ident string, previous wire.Conn) (wire.Conn, error) {
	key, ok := b.Node.Graph().AuthkeyByIdent(ident)
	if !ok {
		return nil, wire.ErrUnknownIdent
	}
	if old, ok := previous.(*conn); ok && old.user != key.Owner {
		return nil, wire.ErrKeyDisabled // a connection stays with one owner
	}
	s.ChargeTo(uint64(key.Owner))
	c := &conn{
		broker: b, session: s, authkey: key.ID, user: key.Owner, ident: ident,
		source: &raftfsm.Source{Authkey: uint64(key.ID), Origin: uint64(key.Owner), Remote: s.Remote().Addr()},
	}
	if previous != nil { // what this connection moved before was the other authkey's
		c.counted.BytesReceived, c.counted.BytesSent = s.BytesIn(), s.BytesOut()
	}
	if c.limit = key.MaxMessage; c.limit == 0 {
		c.limit = graph.DefaultMaxMessage
	}
	c.subscriber = b.Router.Join(router.Peer{Conn: s, Events: c}, key.Owner, c.limit)
	c.subscriptions = newSubscriptions(s.Context())
	if err := b.Connections.add(c, previous != nil); err != nil {
		c.end()
		return nil, err
	}
	if s.OldSecret() {
		c.usedOldSecret()
	}
	b.metrics.opened(ident, b.handle(key.Owner))
	b.Logger.Debug("logged in", "ident", ident, "connection", s.Number, "remote", s.Remote())
	return c, nil
}

// Refused implements wire.Broker: a row in the Logs of the authkey's owner, or of the admins.
func (b *Broker) Refused(r wire.Refusal) {
	message := r.Reason.LogMessage()
	g := b.Node.Graph()
	row := entry.Refusal{Ident: r.Ident, Message: message, Channel: r.Channel, Addr: r.Remote.Addr().Unmap().String(),
		Count: uint64(r.Count)}
	switch {
	case r.Limit > 0:
		row.Detail = sizes(r.Size, r.Limit)
	case r.Reason == wire.ReasonBadQuery:
		row.Detail = shortly(r.Why)
	case r.Reason == wire.ReasonTooManyChannels: // made-up names make one row, with the newest
		row.Channel, row.Detail = "", shortly(r.Channel)
	}
	ident := r.Ident
	if r.AuthenticatedIdent != "" {
		ident = r.AuthenticatedIdent
	}
	label := ""
	if key, ok := g.AuthkeyByIdent(ident); ok {
		row.Authkey, row.Owner, label = uint64(key.ID), uint64(key.Owner), ident
	}
	b.metrics.refused(label, r.Reason.String())
	b.Logger.Debug("refused", "reason", r.Reason.String(), "ident", r.Ident, "channel", r.Channel, "connection", r.Session,
		"remote", r.Remote)
	if message != "" {
		b.Recorder.Refuse(row)
	}
}

// maxWhy bounds what a row of Logs says of why, in bytes.
const maxWhy = 200

// shortly is why a subscription was refused, without the forms that there are, which the client has been told.
func shortly(why string) string {
	why, _, _ = strings.Cut(strings.TrimPrefix(why, "bad subscription: "), ": want ")
	if len(why) > maxWhy {
		why = strings.ToValidUTF8(why[:maxWhy], "") + "…"
	}
	return why
}

func (b *Broker) handle(id graph.UserID) string {
	if u, ok := b.Node.Graph().User(id); ok {
		return u.Handle
	}
	return ""
}

// revokePause is how long changes are collected before all connections are looked at again: a burst of changes costs
// one look, and a revocation still takes effect well within a second.
const revokePause = 100 * time.Millisecond

// watch ends what the newest graph no longer allows, until ctx is done.
func (b *Broker) watch(ctx context.Context) {
	v := b.Node.Version()
	for {
		select {
		case <-v.Changed():
		case <-ctx.Done():
			return
		}
		select {
		case <-time.After(revokePause):
		case <-ctx.Done():
			return
		}
		newest := v.Newest()
		if newest.RevokesSince(v) {
			for _, c := range b.Connections.all() {
				c.recheck(newest.Graph)
			}
		}
		v = newest
	}
}

// count collects what every connection did, until ctx is done.
func (b *Broker) count(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			for _, c := range b.Connections.all() {
				c.count()
			}
			b.asked.forget()
		case <-ctx.Done():
			return
		}
	}
}

// errRevoked is why a connection is closed whose authkey may no longer be used.
//
//lint:ignore ST1005 it is the text of an ERROR frame, in the style of the others
var errRevoked = errors.New("Authkey was removed, disabled or has expired.")
