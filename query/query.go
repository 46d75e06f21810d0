// Package query is the read side: what a viewer may see of the graph, the statistics and the logs, with names instead
// of numbers. Its answers are values of package view: the API and the pages show them and decide nothing themselves.
//
// # Invariant
//
// Nothing leaves this package that the graph.Viewer does not allow. What the viewer may not see does not exist: it is
// in no list, and looking it up is graph.ErrNotFound with the same words as for what was never there. No value holds a
// secret, a password hash or a token hash; the Resolve functions alone return the graph's own objects, for those who
// change them.
//
// # Concurrency
//
// Every method may be called from any goroutine and reads one version of the graph. What it returns is the caller's
// own.
//
// # Where things are
//
//	resolve.go                                          what a name stands for
//	users.go, groups.go, authkeys.go, shares.go, tokens.go  what is shown of the graph
//	messages.go, rights.go, count.go                    past messages, and who may read them
//	channels.go, visibility.go                          what package traffic counts, for whom
//	logs.go, cursors.go, entries.go, retained.go        refusals, durable subscriptions, the log itself
//	explain.go, redaction.go                            why, or why not, and for whom
//	preview.go                                          what a share would do
//	search.go, find.go                                  search
//	asof.go, access.go                                  points in time, and what could be seen then (package past)
//	auditevent.go, auditlist.go, auditreader.go         who changed what
//	audittrail.go                                       ... kept by whom it concerns
//	verifyaudit.go, check.go                            and that it is true
//
// # The past
//
// An event is told by the objects that it changed: users see those that concerned them at the event, those who see
// everything now see all of them. What somebody may see of an old graph goes by the role that they have now. Hashes and
// addresses of others are for those who see everything: with the hash of a change and of the one before it, what was
// left out could be guessed.
//
// Times are those of the commands, as their proposers' clocks stamped them. Lists select by them; the graph as of a
// time is that of the place in the history which the fewest of them contradict (package past). The marks of time in the
// audit never fall: they only tell where to begin to look.
package query

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/history"
	"hpfriends/query/past"
	"hpfriends/query/traffic"
	"hpfriends/query/trail"
)

// Live knows what is counted on this node and not reported to the log yet.
type Live interface {
	Usage(authkey uint64) entry.Usage
}

// Query answers questions. Make one with New.
type Query struct {
	*node
	audits
	channels
}

// node is what is asked.
type node struct {
	log     *eventlog.Log
	graph   func() *graph.Graph
	live    Live // nil: none
	traffic *traffic.Projection
	memo    history.Memo
}

// audits are the questions about the past of the graph.
type audits struct {
	*node
	history   *past.TimeTravel
	trail     *follower
	verifying sync.Mutex
}

// channels are the questions about who published how much.
type channels struct{ *node }

// New returns a Query on a log and the newest graph; live may be nil. There is one Query for a log, since it keeps the
// projection of channels there.
func New(log *eventlog.Log, newest func() *graph.Graph, live Live) *Query {
	n := &node{log: log, graph: newest, live: live, traffic: traffic.New(log, traffic.DefaultLimits())}
	travel := past.New(log, past.Config{Newest: newest})
	follower := &follower{Trail: trail.New(log), log: log, history: travel, behind: 1000, keep: 256}
	return &Query{node: n, audits: audits{node: n, history: travel, trail: follower}, channels: channels{n}}
}

// Run keeps the projections of channels and of the audit near the end of the log until ctx is done, so that whoever
// asks does not wait. While there is room, it keeps graphs of the past in memory.
func (q *Query) Run(ctx context.Context, room func() bool) error {
	var told sync.WaitGroup
	defer told.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	told.Go(func() { q.trail.run(ctx) })
	told.Go(func() { q.history.Survey(ctx, room) })
	return q.traffic.Run(ctx)
}

// Graph is the newest graph, for decisions that the graph itself takes.
func (n *node) Graph() *graph.Graph { return n.graph() }

// Viewer returns what somebody may see of the newest graph.
func (n *node) Viewer(a graph.Actor) graph.Viewer { return n.graph().Viewer(a) }

func refuse(code graph.Code, hint, format string, args ...any) error {
	return &graph.Error{Code: code, Msg: fmt.Sprintf(format, args...), Hint: hint}
}

// errEnough ends a walk over what there is more of.
var errEnough = errors.New("query: enough")

func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func handle(g *graph.Graph, id graph.UserID) string {
	if u, ok := g.User(id); ok {
		return u.Handle
	}
	return ""
}
