package faults

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/wire"
)

// Delivery is one message that a subscriber got, and where it is in the log.
type Delivery struct {
	At eventlog.Position
	Message
}

// Session is what one connection of a subscriber got, in that order.
type Session struct {
	Reader string
	Node   int
	From   eventlog.Position // where it asked to begin; zero: with what comes
	Got    []Delivery
}

// Reader subscribes at one node: at first with what comes, and when its connection ends, again from behind what it has.
type Reader struct {
	c     *Cluster
	node  int
	login Login

	mu       sync.Mutex
	sessions []*Session
	faults   []string
	again    bool          // what it has is not kept any more: it begins anew
	ready    chan struct{} // closed when the first subscription is in effect
	once     sync.Once
}

// run reads until ctx is done.
func (r *Reader) run(ctx context.Context) {
	for ctx.Err() == nil {
		conn, err := r.login.dial(ctx, r.c.Nodes[r.node])
		if err == nil {
			r.session(ctx, conn)
			_ = conn.Close()
		}
		select {
		case <-time.After(reconnectAfter):
		case <-ctx.Done():
		}
	}
}

func (r *Reader) session(ctx context.Context, conn *wire.ClientConn) {
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	s := &Session{Reader: "reader on " + r.c.Nodes[r.node].ID, Node: r.node}
	text := channel + "?positions=1"
	if last, ok := r.newest(); ok && r.anew() {
		text += "&from=first"
	} else if ok {
		s.From = eventlog.Position{Index: last.At.Index, Offset: last.At.Offset + 1}
		text += "&from=" + strings.ReplaceAll(s.From.String(), "#", "%23")
	}
	r.mu.Lock()
	r.sessions = append(r.sessions, s)
	r.mu.Unlock()
	// An answer to the second subscription comes after the first is in effect.
	if conn.Subscribe(text) != nil || conn.Subscribe("faults.none?from=first&follow=0&notify=1") != nil {
		return
	}
	_ = readMessages(conn, r.c.seed, func(d Delivery) {
		r.mu.Lock()
		defer r.mu.Unlock()
		s.Got = append(s.Got, d)
	}, func(string) { r.once.Do(func() { close(r.ready) }) }, r.fault)
}

// newest is the newest delivery.
func (r *Reader) newest() (d Delivery, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := len(r.sessions) - 1; i >= 0; i-- {
		if got := r.sessions[i].Got; len(got) > 0 {
			return got[len(got)-1], true
		}
	}
	return d, false
}

// anew reports whether the reader has been told that the place behind what it has is gone.
func (r *Reader) anew() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer func() { r.again = false }()
	return r.again
}

func (r *Reader) fault(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.c.Cut.Load() && (strings.Contains(text, "no longer kept") || strings.Contains(text, "are gone")) {
		r.again = true
		return
	}
	r.faults = append(r.faults, text)
}

// readMessages reads a subscription with positions until the connection ends. notice is called with each notice on
// $replay, fault with what should not come.
func readMessages(conn *wire.ClientConn, tag uint64, each func(Delivery), notice func(string),
	fault func(string)) error {
	for {
		frame, err := conn.ReadFrame()
		if err != nil {
			return err
		}
		_, ch, payload, err := wire.ParsePublish(frame)
		if err != nil {
			fault(fmt.Sprintf("a subscriber got a frame with opcode %d: %q", frame[4], frame[wire.HeaderLen:]))
			return err
		}
		name, at, _ := strings.Cut(string(ch), "@")
		if name == "$replay" {
			if strings.Contains(string(payload), `"gap"`) {
				fault("messages are gone: " + string(payload))
			}
			notice(string(payload))
			continue
		}
		p, err := entry.ParsePosition(at)
		if err != nil || name != channel {
			fault(fmt.Sprintf("a message came on channel %q: %v", ch, err))
			return err
		}
		m, err := parsePayload(payload, tag)
		if err != nil {
			fault(fmt.Sprintf("at %s: %v", p, err))
			return err
		}
		each(Delivery{p, m})
	}
}

// Replay reads the whole log through a node.
func (c *Cluster) Replay(ctx context.Context, node int, as Login) (all []Delivery, err error) {
	conn, err := as.dial(ctx, c.Nodes[node])
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	if err := conn.Subscribe(channel + "?from=first&follow=0&positions=1&notify=1"); err != nil {
		return nil, err
	}
	done, bad := false, ""
	err = readMessages(conn, c.seed, func(d Delivery) { all = append(all, d) },
		func(string) { done = true; _ = conn.Close() }, func(text string) { bad = text })
	if !done || bad != "" {
		return nil, fmt.Errorf("replay from %s after %d messages: %s: %w", c.Nodes[node].ID, len(all), bad, err)
	}
	return all, nil
}
