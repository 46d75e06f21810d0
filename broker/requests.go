package broker

import (
	"context"
	"fmt"
	"sync"

	"golang.org/x/time/rate"

	"hpfriends/graph"
	"hpfriends/wire"
)

// Bounds of what a user asks of a node on all connections together: each subscription takes memory, each change of one
// takes the lock under which messages are routed, and each claim of a cursor is an entry of the log. The bursts are for
// clients that all come back at once.
const (
	perUserSubscriptions = 1 << 15
	changeRate           = 1000 // SUBSCRIBE and UNSUBSCRIBE, a second
	changeBurst          = 40_000
	claimRate            = 50 // of durable subscriptions, a second
	claimBurst           = 5000
)

// requests counts what users ask for. Who asks for too much at once waits: nothing more is read of their connection.
type requests struct {
	mu    sync.Mutex
	users map[graph.UserID]*userRequests
}

type userRequests struct {
	subscriptions   int
	changes, claims *rate.Limiter
}

func newRequests() *requests { return &requests{users: make(map[graph.UserID]*userRequests)} }

// of is what a user has asked for. It is for holders of mu; the limiters need none.
func (r *requests) of(user graph.UserID) *userRequests {
	u := r.users[user]
	if u == nil {
		u = &userRequests{
			changes: rate.NewLimiter(changeRate, changeBurst), claims: rate.NewLimiter(claimRate, claimBurst),
		}
		r.users[user] = u
	}
	return u
}

// change waits until a user may change a subscription.
func (r *requests) change(ctx context.Context, user graph.UserID) error {
	return r.known(user).changes.Wait(ctx)
}

// claim waits until a user may claim a cursor.
func (r *requests) claim(ctx context.Context, user graph.UserID) error {
	return r.known(user).claims.Wait(ctx)
}

func (r *requests) known(user graph.UserID) *userRequests {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.of(user)
}

// begin counts one more subscription of a user, unless there are too many. The caller calls end once.
func (r *requests) begin(user graph.UserID) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	u := r.of(user)
	if u.subscriptions >= perUserSubscriptions {
		return &wire.Refused{Reason: wire.ReasonBadQuery, Text: fmt.Sprintf(
			"Too many subscriptions of this user: a node takes %d. Use patterns, or unsubscribe.", perUserSubscriptions,
		)}
	}
	u.subscriptions++
	return nil
}

func (r *requests) end(user graph.UserID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.of(user).subscriptions--
}

// forget lets go of users that have nothing and have not asked for anything lately.
func (r *requests) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for user, u := range r.users {
		if u.subscriptions == 0 && u.changes.Tokens() >= changeBurst && u.claims.Tokens() >= claimBurst {
			delete(r.users, user)
		}
	}
}
