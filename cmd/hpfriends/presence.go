package main

import (
	"context"
	"net"
	"strings"
	"sync"

	"hpfriends/graph"
	"hpfriends/wire"
)

// presence tells who watches CHANNEL..broker when somebody subscribes to CHANNEL ("join") or no longer does ("leave"), as
// the first hpfeeds broker did: the frame's ident is theirs. Users learn it of those who receive what they publish there,
// and of themselves; of connections to this node.
type presence struct {
	mu       sync.Mutex
	watchers map[string]map[*watcher]struct{} // by channel
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
	p := &c.broker.presence
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.watchers == nil {
		p.watchers = make(map[string]map[*watcher]struct{})
	}
	if p.watchers[w.channel] == nil {
		p.watchers[w.channel] = make(map[*watcher]struct{})
	}
	p.watchers[w.channel][w] = struct{}{}
	go w.run(ctx)
	return nil
}

// run sends what comes until ctx is done, or until the watcher has been dropped because it fell behind.
func (w *watcher) run(ctx context.Context) {
	defer w.conn.broker.presence.drop(w)
	for {
		select {
		case frame, ok := <-w.events:
			if !ok {
				frame = wire.AppendError(nil, "Presence on "+w.channel+" came faster than you read it and has ended: subscribe again.")
			}
			if w.conn.session.Send(net.Buffers{frame}) != nil {
				return
			}
			if !ok {
				w.conn.drop(w.channel + presenceSuffix)
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

func (p *presence) drop(w *watcher) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.remove(w)
}

// remove is for holders of mu. It is false if w was not there.
func (p *presence) remove(w *watcher) bool {
	set := p.watchers[w.channel]
	_, ok := set[w]
	delete(set, w)
	if len(set) == 0 {
		delete(p.watchers, w.channel)
	}
	return ok
}

// tell tells those who watch a channel that pattern selects. It does not block.
func (p *presence) tell(c *conn, pattern, event string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.watchers) == 0 {
		return
	}
	g := c.broker.node.Graph()
	if !strings.HasSuffix(pattern, "*") {
		p.tellChannel(g, c, pattern, event)
		return
	}
	for channel := range p.watchers {
		if graph.Pattern(pattern).Match(channel) {
			p.tellChannel(g, c, channel, event)
		}
	}
}

func (p *presence) tellChannel(g *graph.Graph, c *conn, channel, event string) {
	watchers := p.watchers[channel]
	if len(watchers) == 0 {
		return
	}
	sources := g.Sources(c.user, channel)
	frame := wire.AppendPublish(nil, c.ident, channel+presenceSuffix, []byte(event))
	for w := range watchers {
		if _, ok := sources.VisibleFrom(w.conn.user); !ok || w.conn == c {
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
