package router

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/graph/version"
	"hpfriends/internal/turns"
)

// Config of a Router.
type Config struct {
	// Undelivered is told of messages that somebody who is subscribed does not get, in time and on this node. It must not
	// block. Nil where nobody wants to know.
	Undelivered func(Undelivered)
	OutboxBytes int         // bounds what waits in memory for one connection; one larger frame passes alone. 0: 4 MiB
	Memory      int64       // bounds what waits for all of them, but for 32 KiB a connection. 0: 256 MiB
	Busy        func() bool // reports whether the node has more to do than it can: history is then read slowly. nil: never
}

const (
	defaultOutboxBytes = 4 << 20
	defaultMemory      = 256 << 20
)

// viewEntries bounds the reaches that are kept up to date at the tail.
const viewEntries = 1 << 16

// Router follows the log. Make one with New and keep Run running.
type Router struct {
	log    *eventlog.Log
	config Config
	memory memory
	turns  *turns.Turns[graph.UserID] // of those that read history

	view  *graph.View                                            // of Run
	reach func(origin graph.UserID, channel string) *graph.Reach // by the view

	mu      priorityLock // guards all below; held while one entry is routed, once its reaches are known
	next    uint64       // first entry not routed yet
	version *version.Version
	table   table
	routes  routes

	delivered atomic.Uint64
	lags      atomic.Uint64
	lagging   atomic.Int64 // subscribers
}

// New returns a router that begins after the newest applied entry. version is any version of the graph at or before it.
func New(log *eventlog.Log, version *version.Version, c Config) *Router {
	c.OutboxBytes, c.Memory = cmp.Or(c.OutboxBytes, defaultOutboxBytes), cmp.Or(c.Memory, defaultMemory)
	next := log.Applied() + 1
	v, readers := version.At(next-1), max(1, runtime.GOMAXPROCS(0)/2)
	shown := graph.NewView(v.Graph, viewEntries)
	return &Router{
		log: log, config: c, next: next, version: v, view: shown, reach: shown.Reach,
		table: newTable(), routes: newRoutes(),
		memory: newMemory(c.Memory), turns: turns.New[graph.UserID](readers, readers),
	}
}

// Run routes until ctx is done or the log is closed. An error means that the log cannot be read: the caller must stop
// the process, since subscribers would silently miss messages.
func (r *Router) Run(ctx context.Context) error {
	for {
		applied, err := r.log.Wait(ctx, r.next-1) // only this goroutine changes next
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, eventlog.ErrClosed) {
				return nil
			}
			return err
		}
		for r.next <= applied {
			if err := r.route(r.next); err != nil {
				return fmt.Errorf("router: entry %d: %w", r.next-1, err)
			}
		}
	}
}

// route hands out the runs of one entry.
func (r *Router) route(index uint64) error {
	b, err := r.prepare(index)
	r.mu.LockFirst()
	defer r.mu.UnlockFirst()
	r.next = index + 1
	r.switchVersion(index)
	if r.table.empty() {
		return nil
	}
	if b == nil && err == nil { // somebody has subscribed since then
		b, err = r.log.Batch(index)
	}
	switch {
	case errors.Is(err, eventlog.ErrNotBatch):
		return nil
	case errors.Is(err, eventlog.ErrBelowFloor):
		r.skip(index)
		return nil
	case err != nil:
		return err
	}
	size := 0
	for i := range b.Runs {
		size += len(b.Runs[i].Frames)
	}
	for i := range b.Runs {
		run := &b.Runs[i]
		to, large := r.receivers(routeKey{graph.UserID(run.Origin), run.Channel}), false
		for _, s := range to {
			s.offer(index, run, size)
			large = large || len(run.Frames)+maxChannel > s.limit // a form lengthens a frame by less
		}
		if large && r.config.Undelivered != nil {
			r.tellUndelivered(run, to)
		}
	}
	r.relieve()
	return nil
}

// prepare reads an entry and computes the reaches that it needs, while others may have the lock. Without subscribers
// there is nothing to do.
func (r *Router) prepare(index uint64) (*entry.Batch, error) {
	r.view.Advance(r.version.At(index).Graph)
	if r.nobody() {
		return nil, nil
	}
	b, err := r.log.Batch(index)
	if err != nil {
		return nil, err
	}
	for _, k := range r.unknown(b, index) {
		r.reach(k.origin, k.channel)
	}
	return b, nil
}

// nobody reports whether there are no subscribers.
func (r *Router) nobody() bool {
	r.mu.LockFirst()
	defer r.mu.UnlockFirst()
	return r.table.empty()
}

// unknown are the routes of a batch that are not remembered.
func (r *Router) unknown(b *entry.Batch, index uint64) (all []routeKey) {
	r.mu.LockFirst()
	defer r.mu.UnlockFirst()
	forgotten := r.version.At(index) != r.version
	for i := range b.Runs {
		k := routeKey{graph.UserID(b.Runs[i].Origin), b.Runs[i].Channel}
		if _, known := r.routes.find(k); !known || forgotten {
			all = append(all, k)
		}
	}
	return all
}

// skip goes on at the floor, which has passed the tail: a snapshot was installed, or retention was faster. The
// subscribers read the log from index on, and so are told what is gone. The caller holds mu.
func (r *Router) skip(index uint64) {
	r.table.each(func(s *Subscriber) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.catchUpFrom(eventlog.Position{Index: index})
	})
	r.next = max(r.next, r.log.Floor())
}

// switchVersion takes the changes up to index into force.
func (r *Router) switchVersion(index uint64) {
	v := r.version.At(index)
	if v == r.version {
		return
	}
	revokes := v.RevokesSince(r.version)
	r.version = v
	r.routes.forget()
	if revokes {
		r.table.each(func(s *Subscriber) { s.takeBack() })
	}
}

// receivers returns the live subscribers of an origin and channel. Prepare has computed their reach, but for
// what was forgotten meanwhile.
func (r *Router) receivers(k routeKey) []*Subscriber {
	if t, ok := r.routes.find(k); ok {
		return t
	}
	var t []*Subscriber
	reach := r.reach(k.origin, k.channel)
	r.table.matching(k.channel, reach.Has, func(s *Subscriber) { t = append(t, s) })
	r.routes.add(k, t)
	return t
}

// Delivered is the number of messages written to all subscribers since the start.
func (r *Router) Delivered() uint64 { return r.delivered.Load() }

// Lags is how often a subscriber fell behind its outbox since the start.
func (r *Router) Lags() uint64 { return r.lags.Load() }

// Lagging is how many subscribers go on from the log now: they have asked for what is past, or have fallen behind.
func (r *Router) Lagging() int64 { return r.lagging.Load() }

// Position is the first entry that is not routed yet.
func (r *Router) Position() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.next
}
