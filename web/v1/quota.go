package v1

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"sync"

	"golang.org/x/time/rate"

	"hpfriends/api"
	"hpfriends/graph"
)

// What one member may change at a node. The audit of a change is kept for ever. Admins and the operator are not held
// back, also on a member's behalf.
const (
	changesPerSecond = 5
	changesAtOnce    = 300
	changeBytes      = 16 << 20 // at once, and again in a day
)

// Most of a member's, of each kind.
const (
	mostAuthkeys    = 1000
	mostShares      = 1000
	mostGroups      = 100
	mostTokens      = 100
	mostInvitations = 200
	mostMembers     = 10_000 // of a group
)

// quotas is a Changer that holds back members who change too much. They are a node's own: they bound what is taken from
// people here, and decide nothing about what was taken elsewhere.
type quotas struct {
	Changer
	graph func() *graph.Graph

	mu    sync.Mutex
	users map[graph.UserID]*quota
}

type quota struct{ changes, bytes *rate.Limiter }

// maxQuotas bounds the memory.
const maxQuotas = 50_000

// WithQuotas returns a Changer that takes from a member no more than a member may change.
func WithQuotas(c Changer, g func() *graph.Graph) Changer {
	return &quotas{Changer: c, graph: g, users: make(map[graph.UserID]*quota)}
}

// Change implements Changer.
func (q *quotas) Change(ctx context.Context, c graph.Command) (graph.Outcome, error) {
	if err := q.check(c); err != nil {
		return graph.Outcome{}, err
	}
	return q.Changer.Change(ctx, c)
}

func (q *quotas) check(c graph.Command) error {
	g := q.graph()
	if u, ok := g.User(c.By.User); c.By.Operator || !ok || u.Role == graph.Admin {
		return nil
	}
	if what, most := tooMany(g, c.By.User, c.Op); most > 0 {
		return api.NewProblem(http.StatusTooManyRequests, api.Denied,
			fmt.Sprintf("there are %d %s already, and a member adds no more", most, what),
			"remove some, or ask an admin to add it")
	}
	body, err := json.Marshal(c)
	if err != nil {
		return err
	}
	now := q.Now()
	q.mu.Lock()
	defer q.mu.Unlock()
	mine := q.users[c.By.User]
	if mine == nil {
		if len(q.users) >= maxQuotas {
			clear(q.users)
		}
		mine = &quota{
			rate.NewLimiter(changesPerSecond, changesAtOnce), rate.NewLimiter(rate.Limit(changeBytes)/(24*60*60), changeBytes),
		}
		q.users[c.By.User] = mine
	}
	if !mine.changes.AllowN(now, 1) || !mine.bytes.AllowN(now, len(body)) {
		return api.NewProblem(http.StatusTooManyRequests, api.Unavailable,
			fmt.Sprintf("too many changes: a member makes at most %d at once, then %d a second, and %d MiB of them a day",
				changesAtOnce, changesPerSecond, changeBytes>>20),
			"nothing was changed: try again later, or ask an admin to do it")
	}
	return nil
}

// tooMany says of what a member has the most already; 0: of nothing.
func tooMany(g *graph.Graph, user graph.UserID, op graph.Op) (what string, most int) {
	has := 0
	switch op := op.(type) {
	case graph.AddAuthkey:
		what, most, has = "authkeys of yours", mostAuthkeys, count(g.AuthkeysOf(user))
	case graph.AddShare:
		what, most, has = "shares of yours", mostShares, count(g.SharesOf(user))
	case graph.AddGroup:
		what, most, has = "groups of yours", mostGroups, count(g.GroupsOf(user))
	case graph.AddToken:
		what, most, has = "API tokens of yours", mostTokens, count(g.TokensOf(user))
	case graph.AddInvitation:
		what, most, has = "invitations of yours", mostInvitations, count(g.InvitationsOf(user))
	case graph.AddMember:
		what, most, has = "members of this group", mostMembers, count(g.Members(op.Group))
	}
	if has < most {
		return "", 0
	}
	return what, most
}

func count[T any](all iter.Seq[T]) (n int) {
	for range all {
		n++
	}
	return n
}
