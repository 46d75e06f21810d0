package broker

import (
	"context"
	"crypto/rand"
	"net"
	"strings"
	"sync"

	"hpfriends/graph"
	"hpfriends/wire"
	"hpfriends/wire/subscription"
)

// Presence tells who watches CHANNEL..broker when somebody subscribes to CHANNEL ("join") or no longer does ("leave"),
// as the first hpfeeds broker did: the frame's ident is theirs. Users learn it of those who receive what they publish
// there, and of themselves, at whatever node these are: see presencepeers.go.
type Presence struct {
	mu       sync.Mutex
	graph    func() *graph.Graph              // nil: the node is starting
	watchers map[string]map[*watcher]struct{} // by channel
	here     map[attendee]int                 // subscriptions of this node: how many
	peers    map[string]*peerPresence
	epoch    string // of this process
	loops    sync.WaitGroup
}

// attendee is what others may learn of a subscription.
type attendee struct {
	Ident   string       `json:"ident"`
	User    graph.UserID `json:"user"`
	Channel string       `json:"channel"` // or pattern
}

func NewPresence() *Presence {
	return &Presence{
		watchers: make(
			map[string]map[*watcher]struct{},
		), here: make(map[attendee]int), peers: make(map[string]*peerPresence),
		epoch: rand.Text(),
	}
}

// begin lets it ask for rights: from now on it hears other nodes.
func (p *Presence) begin(g func() *graph.Graph) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.graph = g
}

// watcher is one subscription to a CHANNEL..broker.
type watcher struct {
	conn    *conn
	channel string
	events  chan []byte // frames
}

// watcherEvents is how many events wait for a connection that does not read. One that is further behind is told so.
const watcherEvents = 1024

func (c *conn) beginPresence(ctx context.Context, sub *grant) error {
	if err := sub.plain(); err != nil {
		return err
	}
	w := &watcher{c, sub.needs, make(chan []byte, watcherEvents)}
	p := c.broker.Presence
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.watchers[w.channel] == nil {
		p.watchers[w.channel] = make(map[*watcher]struct{})
	}
	p.watchers[w.channel][w] = struct{}{}
	c.broker.streams.Go(func() { w.run(ctx) })
	return nil
}

// run sends what comes until ctx is done, or until the watcher has been dropped because it fell behind.
func (w *watcher) run(ctx context.Context) {
	defer w.conn.broker.Presence.drop(w)
	for {
		select {
		case frame, ok := <-w.events:
			if !ok {
				frame = wire.AppendError(
					nil, "Presence on "+w.channel+" came faster than you read it and has ended: subscribe again.",
				)
			}
			if w.conn.session.Send(net.Buffers{frame}) != nil {
				return
			}
			if !ok {
				w.conn.drop(w.channel + subscription.PresenceSuffix)
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

func (p *Presence) drop(w *watcher) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.remove(w)
}

// remove is for holders of mu. It is false if w was not there.
func (p *Presence) remove(w *watcher) bool {
	set := p.watchers[w.channel]
	_, ok := set[w]
	delete(set, w)
	if len(set) == 0 {
		delete(p.watchers, w.channel)
	}
	return ok
}

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
	p.announce(a, event, c)
}

const joins, leaves = "join", "leave"

// announce tells the watchers of this node, but not those of the connection that it is about. The caller holds mu.
func (p *Presence) announce(a attendee, event string, about *conn) {
	if len(p.watchers) == 0 || p.graph == nil {
		return
	}
	g := p.graph()
	if !strings.HasSuffix(a.Channel, "*") {
		p.tellChannel(g, a, a.Channel, event, about)
		return
	}
	for channel := range p.watchers {
		if graph.Pattern(a.Channel).Match(channel) {
			p.tellChannel(g, a, channel, event, about)
		}
	}
}

func (p *Presence) tellChannel(g *graph.Graph, a attendee, channel, event string, about *conn) {
	watchers := p.watchers[channel]
	if len(watchers) == 0 {
		return
	}
	sources := g.Sources(a.User, channel)
	frame := wire.AppendPublish(nil, a.Ident, channel+subscription.PresenceSuffix, []byte(event))
	for w := range watchers {
		if _, ok := sources.VisibleFrom(w.conn.user); !ok || w.conn == about {
			continue
		}
		select {
		case w.events <- frame:
		default:
			if p.remove(w) {
				close(w.events)
			}
		}
	}
}
