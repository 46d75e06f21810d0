// Package query is the read side: what a viewer may see of the graph, the statistics and the logs, with names instead of
// numbers. The API and the pages show what it returns and decide nothing themselves.
//
// # Invariant
//
// Nothing leaves this package that the graph's CanSee predicates do not allow the viewer. What the viewer may not see does
// not exist: it is in no list, and looking it up is graph.ErrNotFound with the same words as for what was never there. No
// value holds a secret, a password hash or a token hash; Authkey also returns the graph's object, for who changes it.
//
// # Concurrency
//
// Every method may be called from any goroutine and reads one version of the graph. What it returns is the caller's own.
//
// # Where things are
//
//	query.go    what is shown                          messages.go, rights.go, count.go  past messages, and who may read them
//	views.go    lists and lookups of the graph         channels.go, visibility.go  what package traffic counts, for whom
//	logs.go     refusals, the Logs page
//	totals.go   statistics together                    explain.go, redaction.go why, or why not, and for whom
//	cursors.go  durable subscriptions                  search.go, find.go, match.go  search
//	point.go    times and positions as people write them
//	timetravel.go            the graph as of any time  asof.go, access.go      what could be seen then
//	auditevent.go, auditlist.go, auditreader.go         who changed what        verifyaudit.go  and that it is true
//
// # The past
//
// An event is told by the objects that it changed: to users those that concerned them at the event, to who sees everything
// now all of them. What somebody may see of an old graph goes by the role that they have now. Hashes and addresses of others
// are for who sees everything: with the hash of a change and of the one before it, what was left out could be guessed.
package query

import (
	"context"
	"errors"
	"sync"
	"time"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/query/traffic"
)

// Live knows what is counted on this node and not reported to the log yet.
type Live interface {
	Usage(authkey uint64) entry.Usage
}

// Query answers questions. Make one with New.
type Query struct {
	log   *eventlog.Log
	graph func() *graph.Graph
	live  Live // nil: none
	past  *TimeTravel

	traffic *traffic.Projection

	verifying sync.Mutex
}

// New returns a Query on a log and the newest graph; live may be nil. There is one Query for a log, since it keeps the
// projection of channels there.
func New(log *eventlog.Log, newest func() *graph.Graph, live Live) *Query {
	return &Query{log: log, graph: newest, live: live, past: NewTimeTravel(log), traffic: traffic.New(log, traffic.DefaultLimits())}
}

// Run keeps the projection of channels near the end of the log until ctx is done, so that whoever asks does not wait.
func (q *Query) Run(ctx context.Context) error { return q.traffic.Run(ctx) }

// Graph is the newest graph, for decisions that the graph itself takes.
func (q *Query) Graph() *graph.Graph { return q.graph() }

// User is an account as others see it.
type User struct {
	ID      graph.UserID `json:"id"`
	Handle  string       `json:"handle"`
	Name    string       `json:"name,omitempty" doc:"display name"`
	Role    graph.Role   `json:"role,omitempty"`
	Enabled *bool        `json:"enabled,omitempty"`
	Created *time.Time   `json:"created,omitempty"`
}

// Group is a group; the members are there for who may see them.
type Group struct {
	ID      graph.GroupID `json:"id"`
	Name    string        `json:"name"`
	Created time.Time     `json:"created"`
	Members []Member      `json:"members,omitempty"`
}

// Member is one user of a group.
type Member struct {
	User   string    `json:"user" doc:"handle"`
	Admin  bool      `json:"admin"`
	Joined time.Time `json:"joined"`
}

// Authkey is an authkey without its secret.
type Authkey struct {
	ID         graph.AuthkeyID `json:"id"`
	Owner      string          `json:"owner" doc:"handle"`
	Ident      string          `json:"ident"`
	Comment    string          `json:"comment,omitempty"`
	Pub        []graph.Pattern `json:"pub"`
	Sub        []graph.Pattern `json:"sub"`
	Enabled    bool            `json:"enabled"`
	Expires    *time.Time      `json:"expires,omitempty"`
	Networks   []string        `json:"networks,omitempty" doc:"CIDR; empty: from anywhere"`
	MaxMessage int             `json:"max_message" doc:"bytes of the largest frame it is sent"`
	Created    time.Time       `json:"created"`
	Stats      *Stats          `json:"stats,omitempty" doc:"left out as of a time in the past"`
}

// Stats is what an authkey did, seen from the broker.
type Stats struct {
	BytesReceived uint64     `json:"bytes_received" doc:"from the client"`
	BytesSent     uint64     `json:"bytes_sent" doc:"to the client"`
	Published     uint64     `json:"published" doc:"messages"`
	Received      uint64     `json:"received" doc:"messages sent to the client"`
	LastSeen      *time.Time `json:"last_seen,omitempty"`
	LastAddr      string     `json:"last_addr,omitempty"`
}

// Share is a share, as its owner or a receiver sees it.
type Share struct {
	ID      graph.ShareID   `json:"id"`
	From    string          `json:"from" doc:"handle of the owner"`
	Channel graph.Pattern   `json:"channel"`
	To      string          `json:"to" doc:"handle, or group:NAME"`
	Type    graph.ShareType `json:"type"`
	History graph.History   `json:"history"`
	Note    string          `json:"note,omitempty"`
	Expires *time.Time      `json:"expires,omitempty"`
	Expired bool            `json:"expired,omitempty"`
	Created time.Time       `json:"created"`
	// Enabled is the viewer's own decision on a share with them.
	Enabled *bool `json:"enabled,omitempty" doc:"your decision, if you are a receiver"`
	// EnabledBy is who has enabled it, as far as the viewer may see that.
	EnabledBy []string `json:"enabled_by,omitempty" doc:"handles"`
}

// Token is an API token without the token.
type Token struct {
	ID      graph.TokenID `json:"id"`
	Owner   string        `json:"owner"`
	Comment string        `json:"comment,omitempty"`
	Expires *time.Time    `json:"expires,omitempty"`
	Created time.Time     `json:"created"`
}

// LogRow is one row of the Logs page.
type LogRow struct {
	Time       time.Time `json:"time" doc:"last seen"`
	First      time.Time `json:"first"`
	Identifier string    `json:"identifier"`
	Message    string    `json:"message"`
	Channel    string    `json:"channel,omitempty"`
	Address    string    `json:"address"`
	Count      uint64    `json:"count"`

	id string // tells rows apart that look the same: they may be of different owners
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
