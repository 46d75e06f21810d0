package v1

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"

	"golang.org/x/time/rate"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/graph/limit"
	"hpfriends/query"
)

// atOnce is how many seconds' worth of changes a member may make at once.
const atOnce = 60

// quotas is a Changer that holds back members who go beyond their limits in the graph: the audit of a change is kept
// for ever. Admins and the operator are not held back, also on a member's behalf.
//
// What was changed is counted by each node for itself: it bounds what is taken from people here, and decides nothing
// about what was taken elsewhere.
type quotas struct {
	Changer
	graph func() *graph.Graph

	mu    sync.Mutex
	users map[graph.UserID]*quota
}

// quota is what one member has left of changes, by the limits that they had when they last changed something.
type quota struct {
	limits         limit.Limits
	changes, bytes *rate.Limiter
}

func newQuota(l limit.Limits) *quota {
	perSecond, bytes := l.Of(limit.Changes), l.Of(limit.Bytes)
	return &quota{
		l, rate.NewLimiter(rate.Limit(perSecond), perSecond*atOnce), rate.NewLimiter(rate.Limit(bytes)/(24*60*60), bytes),
	}
}

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
	u, ok := g.User(c.By.User)
	if c.By.Operator || !ok || u.Role == graph.Admin {
		return nil
	}
	if err := tooMany(g, u, c.Op); err != nil {
		return err
	}
	body, err := json.Marshal(c)
	if err != nil {
		return err
	}
	now := q.Now()
	q.mu.Lock()
	defer q.mu.Unlock()
	mine := q.users[c.By.User]
	if mine == nil || mine.limits != u.Limits {
		if len(q.users) >= maxQuotas {
			clear(q.users)
		}
		mine = newQuota(u.Limits)
		q.users[c.By.User] = mine
	}
	switch {
	case !mine.changes.AllowN(now, 1):
		return exceeded(u, limit.Changes, "too many changes: %s makes at most %d a second",
			"nothing was changed: try again later")
	case !mine.bytes.AllowN(now, len(body)):
		return exceeded(u, limit.Bytes, "too large changes: %s makes at most %d bytes of them a day",
			"nothing was changed: try again later")
	}
	return nil
}

// tooMany refuses to add what a member has the most of already.
func tooMany(g *graph.Graph, u *graph.User, op graph.Op) error {
	var kind limit.Kind
	switch op := op.(type) {
	case graph.AddAuthkey:
		kind = limit.Authkeys
	case graph.AddShare:
		kind = limit.Shares
	case graph.AddGroup:
		kind = limit.Groups
	case graph.AskToJoin: // as if it were granted
		has, _ := query.Used(g, u.ID, limit.Groups)
		return atMost(u, limit.Groups, has+query.Count(g.JoinRequestsOf(u.ID)))
	case graph.AddToken:
		kind = limit.Tokens
	case graph.AddInvitation:
		kind = limit.Invitations
	case graph.AddMember:
		return atMost(u, limit.Members, query.Count(g.Members(op.Group)))
	default:
		return nil
	}
	has, _ := query.Used(g, u.ID, kind)
	return atMost(u, kind, has)
}

func atMost(u *graph.User, kind limit.Kind, has int) error {
	if has < u.Limits.Of(kind) {
		return nil
	}
	return exceeded(u, kind, "the limit of "+kind.About()+" for %s is %d, and that many are there", "remove some")
}

// exceeded names the limit, the number, and who can raise it.
func exceeded(u *graph.User, kind limit.Kind, said, hint string) error {
	code := api.Denied
	if kind == limit.Changes || kind == limit.Bytes {
		code = api.Unavailable
	}
	return api.NewProblem(http.StatusTooManyRequests, code, fmt.Sprintf(said, u.Handle, u.Limits.Of(kind)),
		fmt.Sprintf("%s, or ask an admin to raise it: `hpfriends user limits %s --%s N`", hint, u.Handle, kind))
}
