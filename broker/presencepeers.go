package broker

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Nodes tell each other of their subscriptions by calls, not by entries of the log: nobody needs to know tomorrow who
// was there today. Each sends the others what changes, in numbered parts, and an empty one when nothing does. Who
// misses a part asks for all. Who is not heard for a while is taken for dead: its subscriptions leave.
const (
	presenceEvery = 100 * time.Millisecond
	presenceBeat  = 2 * time.Second
	presenceLife  = 5 * presenceBeat
	presenceCall  = 2 * time.Second
	// presenceQueue bounds what waits for a node that does not answer: it gets all when it does.
	presenceQueue = 4096
)

// presenceUpdate is what one node tells another.
type presenceUpdate struct {
	Epoch   string           `json:"epoch"` // of the sender's process
	Seq     uint64           `json:"seq"`
	All     bool             `json:"all,omitempty"` // Changes are everything that is there
	Changes []presenceChange `json:"moves,omitempty"`
}

// presenceChange is how many subscriptions came, or with a number below 0 went.
type presenceChange struct {
	attendee
	By int `json:"by"`
}

// presenceAnswer reports whether the update followed the last one.
type presenceAnswer struct {
	Taken bool `json:"taken"`
}

// peerPresence is what one other node was told, and what it told.
type peerPresence struct {
	// to it:
	busy   bool // a call is under way
	synced bool
	seq    uint64 // of the newest part that it has
	sent   time.Time
	queue  []presenceChange
	// from it:
	epoch string
	last  uint64
	heard time.Time
	there map[attendee]int
}

// peer is for holders of mu.
func (p *Presence) peer(id string) *peerPresence {
	if p.peers[id] == nil {
		p.peers[id] = &peerPresence{there: make(map[attendee]int)}
	}
	return p.peers[id]
}

// queue queues a change for all other nodes. The caller holds mu.
func (p *Presence) queue(a attendee, by int) {
	for _, peer := range p.peers {
		if !peer.synced {
			continue
		}
		if peer.queue = append(peer.queue, presenceChange{a, by}); len(peer.queue) > presenceQueue {
			peer.synced, peer.queue = false, nil
		}
	}
}

// run tells the other nodes what changes here, until ctx is done, and what was left then.
func (p *Presence) run(ctx context.Context, b *Broker) {
	tick := time.NewTicker(presenceEvery)
	defer tick.Stop()
	for {
		p.round(b)
		select {
		case <-tick.C:
		case <-ctx.Done():
			p.loops.Wait()
			p.round(b)
			p.loops.Wait()
			return
		}
	}
}

// round begins the calls that are due, and lets go of nodes that are not heard.
func (p *Presence) round(b *Broker) {
	ids := b.Node.Members().Peers()
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	for _, id := range ids {
		peer := p.peer(id)
		if due := !peer.synced || len(peer.queue) > 0 || now.Sub(peer.sent) >= presenceBeat; !due || peer.busy {
			continue
		}
		if !peer.synced && now.Sub(peer.sent) < presenceBeat/2 && peer.seq > 0 {
			continue // it did not answer just now
		}
		part := p.next(peer)
		peer.busy, peer.sent = true, now
		p.loops.Go(func() { p.send(b, id, part) })
	}
	for id, peer := range p.peers {
		if peer.epoch != "" && now.Sub(peer.heard) > presenceLife {
			b.Logger.Info(
				"a node is not heard: its subscribers are taken for gone", "node", id, "subscriptions", len(peer.there),
			)
			p.replace(peer, nil)
			peer.epoch = ""
		}
		if peer.epoch == "" && !peer.busy && !slices.Contains(ids, id) {
			delete(p.peers, id)
		}
	}
}

// next is the part that follows. The caller holds mu.
func (p *Presence) next(peer *peerPresence) presenceUpdate {
	peer.seq++
	part := presenceUpdate{Epoch: p.epoch, Seq: peer.seq, Changes: peer.queue, All: !peer.synced}
	if part.All {
		part.Changes = nil
		for a, n := range p.here {
			part.Changes = append(part.Changes, presenceChange{a, n})
		}
	}
	peer.queue, peer.synced = nil, true // changes from now on belong to the next
	return part
}

func (p *Presence) send(b *Broker, id string, part presenceUpdate) {
	var answer presenceAnswer
	ctx, cancel := context.WithTimeout(context.Background(), presenceCall)
	defer cancel()
	req, err := json.Marshal(part)
	if err == nil {
		var body []byte
		if body, err = b.Node.Members().Ask(ctx, id, req); err == nil {
			err = json.Unmarshal(body, &answer)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	peer := p.peer(id)
	peer.busy = false
	if err != nil || !answer.Taken {
		peer.synced, peer.queue = false, nil
	}
	if err == nil && !answer.Taken && !part.All {
		peer.sent = time.Time{} // it asks for all; when it does not take that, it is starting
	}
}

// Receive takes a part from another node. It is the node's handler of calls.
func (p *Presence) Receive(_ context.Context, from string, req []byte) ([]byte, error) {
	var part presenceUpdate
	if err := json.Unmarshal(req, &part); err != nil {
		return nil, fmt.Errorf("presence: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	peer := p.peer(from)
	fits := p.graph != nil && (part.All || part.Epoch == peer.epoch && part.Seq == peer.last+1)
	if fits {
		peer.epoch, peer.last, peer.heard = part.Epoch, part.Seq, time.Now()
		if part.All {
			p.replace(peer, part.Changes)
		} else {
			p.apply(peer, part.Changes)
		}
	}
	return json.Marshal(presenceAnswer{Taken: fits})
}

// replace makes the subscriptions of a node these, and tells of the differences. The caller holds mu.
func (p *Presence) replace(peer *peerPresence, all []presenceChange) {
	now := make(map[attendee]int)
	for _, m := range all {
		now[m.attendee] += m.By
	}
	var changes []presenceChange
	for a, n := range peer.there {
		changes = append(changes, presenceChange{a, now[a] - n})
	}
	for a, n := range now {
		if _, known := peer.there[a]; !known {
			changes = append(changes, presenceChange{a, n})
		}
	}
	p.apply(peer, changes)
}

// apply adds what changed at a node, and tells of it. The caller holds mu.
func (p *Presence) apply(peer *peerPresence, changes []presenceChange) {
	for _, m := range changes {
		if peer.there[m.attendee] += m.By; peer.there[m.attendee] <= 0 {
			delete(peer.there, m.attendee)
		}
		p.announce(m.attendee, m.By, nil)
	}
}
