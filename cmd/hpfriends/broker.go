package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/internal/secret"
	"hpfriends/query"
	"hpfriends/raftfsm"
	"hpfriends/router"
	"hpfriends/wire"
)

// broker joins the hpfeeds server with the node: it looks up authkeys, asks the graph for every right, and ends the
// connections whose right is gone.
type broker struct {
	node     *raftfsm.Node
	events   *eventlog.Log
	ingest   *raftfsm.Ingest
	recorder *raftfsm.Recorder
	cursors  *raftfsm.Cursors
	router   *router.Router
	query    *query.Query
	key      *secret.DataKey
	metrics  *metrics
	log      *slog.Logger
	presence *presence

	mu    sync.Mutex
	conns map[*conn]struct{}
}

// Secret implements wire.Broker.
func (b *broker) Secret(ident string, addr netip.Addr) ([]byte, error) {
	g := b.node.Graph()
	key, ok := g.AuthkeyByIdent(ident)
	if !ok {
		return nil, wire.ErrUnknownIdent
	}
	if err := g.MayLogin(key, addr, time.Now()); err != nil {
		return nil, fmt.Errorf("%w: %w", wire.ErrKeyDisabled, err)
	}
	s, err := b.key.Open(key.Secret, []byte(key.Ident))
	if err != nil {
		b.log.Error("the secret of an authkey cannot be read: is data.key the one of this data directory?", "ident", key.Ident, "err", err)
		return nil, fmt.Errorf("%w: %w", wire.ErrKeyDisabled, err)
	}
	return s, nil
}

// Open implements wire.Broker: one authenticated connection.
func (b *broker) Open(s *wire.Session, ident string, previous wire.Conn) (wire.Conn, error) {
	key, ok := b.node.Graph().AuthkeyByIdent(ident)
	if !ok {
		return nil, wire.ErrUnknownIdent
	}
	if old, ok := previous.(*conn); ok && old.user != key.Owner {
		return nil, wire.ErrKeyDisabled // a connection stays with one owner
	}
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
	c.subscriber = b.router.Join(c, key.Owner, c.limit)
	c.subscriptions = newSubscriptions(s.Context())
	b.mu.Lock()
	b.conns[c] = struct{}{}
	b.node.SetClients(len(b.conns))
	b.mu.Unlock()
	b.metrics.opened(ident, b.handle(key.Owner))
	return c, nil
}

// Refused implements wire.Broker: a row in the Logs of the authkey's owner, or of the admins.
func (b *broker) Refused(r wire.Refusal) {
	message := r.Reason.LogMessage()
	g := b.node.Graph()
	row := entry.Refusal{Ident: r.Ident, Message: message, Channel: r.Channel, Addr: r.Remote.Addr().Unmap().String()}
	ident := r.Ident
	if r.AuthenticatedIdent != "" {
		ident = r.AuthenticatedIdent
	}
	label := ""
	if key, ok := g.AuthkeyByIdent(ident); ok {
		row.Authkey, row.Owner, label = uint64(key.ID), uint64(key.Owner), ident
	}
	b.metrics.refused(label, r.Reason.String())
	if message != "" {
		b.recorder.Refuse(row)
	}
}

func (b *broker) handle(id graph.UserID) string {
	if u, ok := b.node.Graph().User(id); ok {
		return u.Handle
	}
	return ""
}

// Usage is what is counted of an authkey on this node and not reported yet. It implements query.Live.
func (b *broker) Usage(authkey uint64) entry.Usage {
	for _, c := range b.connections() {
		if uint64(c.authkey) == authkey {
			c.count()
		}
	}
	return b.recorder.Usage(authkey)
}

func (b *broker) connections() []*conn {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := make([]*conn, 0, len(b.conns))
	for c := range b.conns {
		all = append(all, c)
	}
	return all
}

// revokePause is how long changes are collected before all connections are looked at again: a burst of changes costs one
// look, and a revocation still takes effect well within a second.
const revokePause = 100 * time.Millisecond

// watch ends what the newest graph no longer allows, until ctx is done.
func (b *broker) watch(ctx context.Context) {
	v := b.node.Version()
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
			for _, c := range b.connections() {
				c.recheck(newest.Graph)
			}
		}
		v = newest
	}
}

// count collects what every connection did, until ctx is done.
func (b *broker) count(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			for _, c := range b.connections() {
				c.count()
			}
		case <-ctx.Done():
			return
		}
	}
}

// errRevoked is why a connection is closed whose authkey may no longer be used.
//
//lint:ignore ST1005 it is the text of an ERROR frame, in the style of the others
var errRevoked = errors.New("Authkey was removed, disabled or has expired.")
