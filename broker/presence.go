package broker

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"hpfriends/graph"
	"hpfriends/wire"
	"hpfriends/wire/subscription"
)

// Presence tells who watches CHANNEL..broker when somebody subscribes to CHANNEL ("join") or no longer does ("leave"),
// as the first hpfeeds broker did: the frame's ident is theirs. Users learn it of those who receive what they publish
// there, and of themselves, at whatever node these are: see presencepeers.go.
//
// Who subscribes waits for none of this: what there is to tell is queued (announcements), and worked out by one
// goroutine without any lock that a subscriber needs.
type Presence struct {
	watches watches
	news    announcements

	mu    sync.Mutex               // guards all below
	graph func() *graph.Graph      // nil: the node is starting
	here  map[attendee]int         // subscriptions of this node: how many
	peers map[string]*peerPresence // by node
	epoch string                   // of this process
	loops sync.WaitGroup
}

// attendee is what others may learn of a subscription.
type attendee struct {
	Ident   string       `json:"ident"`
	User    graph.UserID `json:"user"`
	Channel string       `json:"channel"` // or pattern
}

func NewPresence() *Presence {
	return &Presence{
		watches: newWatches(), news: newAnnouncements(), here: make(map[attendee]int),
		peers: make(map[string]*peerPresence), epoch: rand.Text(),
	}
}

// begin lets it ask for rights: from now on it hears other nodes.
func (p *Presence) begin(g func() *graph.Graph) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.graph = g
}

const joins, leaves = "join", "leave"

// notify tells those who watch a channel that a subscription of c selects, here and at the other nodes. It does not
// block.
func (p *Presence) notify(c *conn, pattern, event string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	a := attendee{c.ident, c.user, pattern}
	by := 1
	if event == leaves {
		by = -1
	}
	if p.here[a] += by; p.here[a] == 0 {
		delete(p.here, a)
	}
	p.queue(a, by)
	p.announce(a, by, c)
}

// announce queues what the watchers of this node are to be told, but not those of the connection that it is about.
func (p *Presence) announce(a attendee, by int, about *conn) {
	if p.watches.any() {
		p.news.add(newsKey{a, about}, by)
	}
}

// tellWork is how long announcements are worked out before it pauses for as long: a processor at most half.
const tellWork = 5 * time.Millisecond

// tell tells what is queued, until ctx is done.
func (p *Presence) tell(ctx context.Context) {
	for worked := time.Duration(0); ; {
		if worked >= tellWork {
			select {
			case <-time.After(worked):
			case <-ctx.Done():
				return
			}
			worked = 0
		}
		a, ok := p.news.next()
		if !ok {
			select {
			case <-p.news.wake:
				continue
			case <-ctx.Done():
				return
			}
		}
		if ctx.Err() != nil {
			return
		}
		begun := time.Now()
		p.tellSome(a)
		worked += time.Since(begun)
	}
}

// awaitRoom waits while too much is to be told of a user.
func (p *Presence) awaitRoom(ctx context.Context, user graph.UserID) error {
	for {
		room := p.news.room(user)
		if room == nil {
			return nil
		}
		select {
		case <-room:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// channelsAtOnce is for how many watched channels one announcement is worked out before it is another user's turn.
const channelsAtOnce = 64

// tellSome tells a part of the watchers, and queues the rest of the announcement.
func (p *Presence) tellSome(a *announcement) {
	if !a.begun {
		a.channels, a.begun = p.watches.matching(graph.Pattern(a.key.Channel)), true
	}
	n := min(len(a.channels), channelsAtOnce)
	g := p.graph()
	for _, channel := range a.channels[:n] {
		p.tellChannel(g, a, channel)
	}
	if a.channels = a.channels[n:]; len(a.channels) > 0 {
		p.news.goOn(a)
	}
}

func (p *Presence) tellChannel(g *graph.Graph, a *announcement, channel string) {
	watchers := p.watches.of(channel)
	if len(watchers) == 0 {
		return
	}
	event, n := joins, a.net
	if n < 0 {
		event, n = leaves, -n
	}
	sources := g.Sources(a.key.User, channel)
	frame := wire.AppendPublish(nil, a.key.Ident, channel+subscription.PresenceSuffix, []byte(event))
	for _, w := range watchers {
		if _, ok := sources.VisibleFrom(w.conn.user); !ok || w.conn == a.key.about {
			continue
		}
		for range min(n, watcherEvents) {
			w.tell(frame)
		}
	}
}
