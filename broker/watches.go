package broker

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"

	"hpfriends/graph"
	"hpfriends/wire"
	"hpfriends/wire/subscription"
)

// watches are the subscriptions to CHANNEL..broker at this node. Each makes work for whoever subscribes, so that they
// are few of a connection and of a user.
type watches struct {
	mu        sync.Mutex
	byChannel map[string]map[*watcher]struct{}
	users     map[graph.UserID]int
	count     atomic.Int64
}

const (
	perConnWatches = 100
	perUserWatches = 1000
)

func newWatches() watches {
	return watches{byChannel: make(map[string]map[*watcher]struct{}), users: make(map[graph.UserID]int)}
}

// any reports whether anybody watches anything.
func (s *watches) any() bool { return s.count.Load() > 0 }

// add has w told of a channel, unless its connection or user watches as many as they may.
func (s *watches) add(w *watcher, channel string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch user := w.conn.user; {
	case w.channels >= perConnWatches:
		return fmt.Errorf("bad subscription: a connection watches the presence on %d channels at most", perConnWatches)
	case s.users[user] >= perUserWatches:
		return fmt.Errorf("bad subscription: this user watches the presence on %d channels at this node already",
			perUserWatches)
	}
	set := s.byChannel[channel]
	if set == nil {
		set = make(map[*watcher]struct{})
		s.byChannel[channel] = set
	}
	if _, ok := set[w]; ok {
		return fmt.Errorf("bad subscription: this connection watches the presence on %s already", graph.Clip(channel))
	}
	set[w] = struct{}{}
	w.channels++
	s.users[w.conn.user]++
	s.count.Add(1)
	return nil
}

func (s *watches) remove(w *watcher, channel string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	set := s.byChannel[channel]
	if _, ok := set[w]; !ok {
		return
	}
	if delete(set, w); len(set) == 0 {
		delete(s.byChannel, channel)
	}
	w.channels--
	less(s.users, w.conn.user)
	s.count.Add(-1)
}

// matching are the watched channels that a pattern selects.
func (s *watches) matching(p graph.Pattern) (channels []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !p.IsPrefix() {
		if s.byChannel[string(p)] != nil {
			channels = append(channels, string(p))
		}
		return channels
	}
	for channel := range s.byChannel {
		if p.Match(channel) {
			channels = append(channels, channel)
		}
	}
	return channels
}

func (s *watches) of(channel string) (all []*watcher) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for w := range s.byChannel[channel] {
		all = append(all, w)
	}
	return all
}

// watcher is a connection that watches presence.
type watcher struct {
	conn     *conn
	channels int         // how many it watches; guarded by watches.mu
	events   chan []byte // frames
	behind   chan struct{}
	once     sync.Once // closes behind
}

// watcherEvents is how many events wait for a connection that does not read. One that is further behind is told so.
const watcherEvents = 1024

// tell queues a frame. It does not block.
func (w *watcher) tell(frame []byte) {
	select {
	case w.events <- frame:
	default:
		w.once.Do(func() { close(w.behind) })
	}
}

func (c *conn) beginPresence(ctx context.Context, sub *grant) error {
	if err := sub.plain(); err != nil {
		return err
	}
	w := c.watcher // of the session's reader
	if w == nil || w.over() {
		w = &watcher{conn: c, events: make(chan []byte, watcherEvents), behind: make(chan struct{})}
	}
	all := &c.broker.Calls.Presence.watches
	if err := all.add(w, sub.needs); err != nil {
		return err
	}
	sub.watcher = w
	if ctx.Err() != nil { // it was dropped meanwhile
		all.remove(w, sub.needs)
	}
	if c.watcher != w {
		c.watcher = w
		c.broker.streams.Go(w.run)
	}
	return nil
}

func (w *watcher) over() bool {
	select {
	case <-w.behind:
		return true
	default:
		return false
	}
}

// run sends what comes until the connection ends, or has fallen behind.
func (w *watcher) run() {
	for {
		select {
		case frame := <-w.events:
			if w.conn.session.Send(net.Buffers{frame}) != nil {
				return
			}
		case <-w.behind:
			for _, sub := range w.conn.all() {
				if strings.HasSuffix(sub.Channel, subscription.PresenceSuffix) {
					w.conn.drop(sub.Text)
				}
			}
			_ = w.conn.session.Send(net.Buffers{wire.AppendError(
				nil, "Presence came faster than you read it and has ended: subscribe again.",
			)})
			return
		case <-w.conn.ctx.Done():
			return
		}
	}
}
