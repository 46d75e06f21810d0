package router

import "hpfriends/graph"

// routes remembers who receives what one user publishes on one channel, as of one version of the graph and one table.
// Publishers make up channels, and a channel may have many subscribers: the memo is bounded in both, and begins anew
// when it is full. What is asked for all the time is back at once.
type routes struct {
	most int // of held
	memo map[routeKey][]*Subscriber
	held int // routes, and subscribers that they name
}

// routeKey is what the receivers of a message depend on.
type routeKey struct {
	origin  graph.UserID
	channel string
}

// mostRoutes bounds a memo to about 100 bytes and a channel's name each: some 25 MB of made-up channels.
const mostRoutes = 1 << 16

// clearable is how large a memo may be that is emptied: to do so costs what it once held, for ever.
const clearable = 256

func newRoutes() routes { return routes{most: mostRoutes, memo: make(map[routeKey][]*Subscriber)} }

func (r *routes) find(k routeKey) (to []*Subscriber, known bool) {
	to, known = r.memo[k]
	return to, known
}

func (r *routes) add(k routeKey, to []*Subscriber) {
	if r.held += 1 + len(to)/8; r.held > r.most {
		r.forget()
		r.held = 1 + len(to)/8
	}
	r.memo[k] = to
}

// forget is called when the graph or the table has changed.
func (r *routes) forget() {
	if len(r.memo) > clearable {
		r.memo = make(map[routeKey][]*Subscriber)
	}
	clear(r.memo)
	r.held = 0
}
