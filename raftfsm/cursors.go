package raftfsm

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/raftfsm/apply"
)

const (
	advanceEvery = time.Second
	// finishPause is how long the ends of connections are collected before they are proposed.
	finishPause = 50 * time.Millisecond
	// maxCursorOps bounds the operations of one entry, so that it stays well below 256 KiB.
	maxCursorOps = 1000
)

// Cursors claims and moves the cursors of durable subscriptions for this node's connections. Every connection's
// progress is collected in memory and proposed together, at most once a second: the load of the log does not depend on
// how much is delivered. What is lost with the node is delivered again.
//
// A connection claims its cursor, advances it as its peer acknowledges, watches Ended, and finishes. All methods may be
// called from any goroutine.
type Cursors struct {
	node *Node
	wake chan struct{} // a connection has finished

	mu      sync.Mutex
	claims  map[apply.CursorKey]*claim         // by connections of this node that live
	pending map[apply.CursorKey]entry.CursorOp // newest progress that is not known to be applied
	told    *apply.Ending                      // claims know of the endings up to it
}

// claim is a live connection's hold on a cursor.
type claim struct {
	epoch uint64
	last  entry.CursorOp // what it advanced to last
	ended chan struct{}  // closed when the epoch is over
}

// NewCursors returns a Cursors; Run must run for progress to be proposed and for Ended to be told.
func NewCursors(n *Node) *Cursors {
	return &Cursors{
		node: n, wake: make(chan struct{}, 1), told: n.fsm.CursorEndings(),
		claims: make(map[apply.CursorKey]*claim), pending: make(map[apply.CursorKey]entry.CursorOp),
	}
}

// Claim takes the cursor for a connection that subscribes to channel, and makes it at start if there is none. The
// connection reads from the result's Safe on, and is its Epoch: the connection that held the cursor before, on whatever
// node, can move it no more. What is pending here of the same cursor is applied first, so that a client that comes back
// to its node goes on exactly where it was. Errors are a *graph.Error, ErrUnavailable and ErrUnknownOutcome; after the
// last it may be claimed again.
func (c *Cursors) Claim(
	ctx context.Context, authkey uint64, name, channel string, start eventlog.Position,
) (eventlog.Cursor, error) {
	if err := apply.CheckCursor(name, channel); err != nil {
		return eventlog.Cursor{}, err
	}
	key := apply.CursorKey{Authkey: authkey, Name: name}
	since := c.node.fsm.CursorEndings() // what ends our epoch comes after it
	c.mu.Lock()
	before, moved := c.pending[key]
	c.mu.Unlock()
	var ops []entry.CursorOp
	if moved {
		ops = append(ops, before)
	}
	ops = append(ops, entry.CursorOp{Verb: entry.ClaimCursor, Authkey: authkey, Name: name, Channel: channel,
		Start: start})
	cursor, err := c.change(ctx, ops)
	if err != nil {
		return eventlog.Cursor{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if p, ok := c.pending[key]; ok && p.Epoch < cursor.Epoch {
		delete(c.pending, key)
	}
	c.register(key, cursor.Epoch, since)
	return cursor, nil
}

// register keeps the claim of a live connection, unless it is over already: by an ending after since. c.mu is held.
func (c *Cursors) register(key apply.CursorKey, epoch uint64, since *apply.Ending) {
	for e := since.Next(); e != nil; e = e.Next() {
		if e.Key == key && e.Index > epoch {
			return
		}
	}
	if old := c.claims[key]; old != nil {
		if old.epoch > epoch {
			return
		}
		close(old.ended)
	}
	c.claims[key] = &claim{epoch: epoch, ended: make(chan struct{})}
}

// Advance says how far a connection got. What belongs to an epoch that is over is ignored.
func (c *Cursors) Advance(authkey uint64, name string, epoch uint64, acked, safe eventlog.Position) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.advance(apply.CursorKey{Authkey: authkey, Name: name}, epoch, acked, safe, false)
}

// Finish is the last Advance of a connection. It is proposed at once, nearly.
func (c *Cursors) Finish(authkey uint64, name string, epoch uint64, acked, safe eventlog.Position) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := apply.CursorKey{Authkey: authkey, Name: name}
	if !c.advance(key, epoch, acked, safe, true) {
		return
	}
	delete(c.claims, key)
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// advance is false for an epoch that is over. c.mu is held.
func (c *Cursors) advance(key apply.CursorKey, epoch uint64, acked, safe eventlog.Position, final bool) bool {
	held := c.claims[key]
	if held == nil || held.epoch != epoch {
		return false
	}
	op := entry.CursorOp{
		Verb: entry.AdvanceCursor, Authkey: key.Authkey, Name: key.Name, Epoch: epoch, Acked: acked, Safe: safe, Final: final,
	}
	if op != held.last {
		held.last, c.pending[key] = op, op
	}
	return true
}

// over is what Ended returns for an epoch that is not a live one of this node.
var over = func() <-chan struct{} { c := make(chan struct{}); close(c); return c }()

// Ended is closed when the epoch of a connection of this node is over: its cursor was claimed by another connection on
// any node, was reset or removed, or went with its authkey. The connection must end then: what it delivers is not
// remembered.
func (c *Cursors) Ended(authkey uint64, name string, epoch uint64) <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if held := c.claims[apply.CursorKey{Authkey: authkey, Name: name}]; held != nil && held.epoch == epoch {
		return held.ended
	}
	return over
}

// Reset moves a cursor to a position, for who may edit its authkey. A connection that reads by it is ended.
func (c *Cursors) Reset(ctx context.Context, by graph.Actor, authkey uint64, name string, to eventlog.Position) error {
	_, err := c.change(ctx, []entry.CursorOp{{
		Verb: entry.ResetCursor, Authkey: authkey, Name: name, Start: to, User: uint64(by.User), Operator: by.Operator,
	}})
	return err
}

// Remove removes a cursor, for who may edit its authkey. A connection that reads by it is ended.
func (c *Cursors) Remove(ctx context.Context, by graph.Actor, authkey uint64, name string) error {
	_, err := c.change(ctx, []entry.CursorOp{{
		Verb: entry.RemoveCursor, Authkey: authkey, Name: name, User: uint64(by.User), Operator: by.Operator,
	}})
	return err
}

// change proposes operations and returns the result of the last one.
func (c *Cursors) change(ctx context.Context, ops []entry.CursorOp) (eventlog.Cursor, error) {
	if err := c.node.Full(); err != nil {
		return eventlog.Cursor{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	for i := range ops {
		if len(ops[i].Name) > entry.MaxCursorName { // what cannot be encoded cannot be there either
			return eventlog.Cursor{}, apply.CheckCursor(ops[i].Name, "")
		}
	}
	e := entry.Cursors{Time: c.node.clock.Now(), Ops: ops}
	r, err := c.node.propose(ctx, e.Encode())
	if err != nil {
		return eventlog.Cursor{}, err
	}
	results, ok := r.([]apply.CursorResult)
	if !ok || len(results) != len(ops) {
		return eventlog.Cursor{}, ErrUnknownOutcome
	}
	last := results[len(results)-1]
	return last.Cursor, last.Err
}

// Run proposes progress and tells of endings until ctx is done.
func (c *Cursors) Run(ctx context.Context) {
	var told sync.WaitGroup
	defer told.Wait()
	told.Go(func() { c.tell(ctx) })
	tick := time.NewTicker(advanceEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-c.wake:
			select {
			case <-time.After(finishPause):
			case <-ctx.Done():
				return
			}
		case <-ctx.Done():
			return
		}
		c.Flush(ctx)
	}
}

// Flush proposes what is pending. It stays pending until it is known to be applied: to advance twice does no harm.
func (c *Cursors) Flush(ctx context.Context) {
	if c.node.Full() != nil {
		return
	}
	c.mu.Lock()
	ops := make([]entry.CursorOp, 0, len(c.pending))
	for _, op := range c.pending {
		ops = append(ops, op)
	}
	c.mu.Unlock()
	for len(ops) > 0 {
		n := min(len(ops), maxCursorOps)
		e := entry.Cursors{Time: c.node.clock.Now(), Ops: ops[:n]}
		if _, err := c.node.propose(ctx, e.Encode()); err != nil {
			if !errors.Is(err, ErrClosed) {
				c.node.slog.Debug("the progress of durable subscriptions is proposed again", "err", err)
			}
			return
		}
		c.settle(ops[:n])
		ops = ops[n:]
	}
}

// settle forgets what was applied, where nothing newer is pending.
func (c *Cursors) settle(ops []entry.CursorOp) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, op := range ops {
		key := apply.CursorKey{Authkey: op.Authkey, Name: op.Name}
		if c.pending[key] == op {
			delete(c.pending, key)
		}
	}
}

// tell follows the endings.
func (c *Cursors) tell(ctx context.Context) {
	for {
		c.mu.Lock()
		for e := c.told.Next(); e != nil; e = e.Next() {
			c.told = e
			c.endBelow(e.Key, e.Index)
		}
		more := c.told.Followed()
		c.mu.Unlock()
		select {
		case <-more:
		case <-ctx.Done():
			return
		}
	}
}

// endBelow ends what belongs to epochs of the cursor below index. c.mu is held.
func (c *Cursors) endBelow(key apply.CursorKey, index uint64) {
	if held := c.claims[key]; held != nil && held.epoch < index {
		close(held.ended)
		delete(c.claims, key)
	}
	if p, ok := c.pending[key]; ok && p.Epoch < index {
		delete(c.pending, key)
	}
}
