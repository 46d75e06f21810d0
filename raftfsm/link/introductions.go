package link

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"time"
)

// A node that was off while the cluster changed has an old configuration. When all it knows but one were replaced, the
// leader is a stranger to it, and only the leader can bring the new configuration. So a member that it does know, and
// whose configuration is newer, may vouch for the stranger, for a while: until the configuration has arrived. A newer
// one only: otherwise one that is behind would vouch for a node that was removed.
const (
	introductionLife = time.Minute
	vouchTimeout     = 2 * time.Second
	// askAgain bounds how often one stranger makes this node ask.
	askAgain     = time.Second
	maxStrangers = 64
)

// introductions are what others said of nodes that the configuration does not know.
type introductions struct {
	mu    sync.Mutex
	known map[string]introduction
}

type introduction struct {
	addr  string    // empty: nobody vouched
	until time.Time // when it is over, or may be asked for again
}

func (i *introductions) member(id string) (addr string, ok bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	k := i.known[id]
	return k.addr, k.addr != "" && time.Now().Before(k.until)
}

// ask reports whether it is time to ask for id, and takes note of it.
func (i *introductions) ask(id string) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	now := time.Now()
	if k, known := i.known[id]; known && now.Before(k.until) {
		return false
	}
	for old, k := range i.known {
		if !now.Before(k.until) {
			delete(i.known, old)
		}
	}
	if len(i.known) >= maxStrangers {
		return false
	}
	if i.known == nil {
		i.known = make(map[string]introduction)
	}
	i.known[id] = introduction{until: now.Add(askAgain)}
	return true
}

func (i *introductions) vouched(id, addr string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.known[id] = introduction{addr, time.Now().Add(introductionLife)}
}

// introduce asks the members for a stranger whose certificate is good, in the background: the stranger will try again.
// When the introduction is over, its connections are checked again.
func (p *Port) introduce(id string) {
	if !p.known.ask(id) {
		return
	}
	p.life.loops.Add(1)
	go p.askFor(id)
}

func (p *Port) askFor(id string) {
	defer p.life.loops.Done()
	for _, member := range p.config.Members.IDs() {
		if member == p.id.Node || member == id {
			continue
		}
		ctx, cancel := context.WithTimeout(p.life.ctx, vouchTimeout)
		q := question(p.config.Members.Index(), id)
		addr, err := p.Call(ctx, member, methodMember, q)
		cancel()
		if err != nil || checkAddr(string(addr)) != nil {
			continue
		}
		p.log.Info("a member vouched for a node that is new here", "node", id, "by", member)
		p.known.vouched(id, string(addr))
		select {
		case <-p.life.ctx.Done():
		case <-time.After(introductionLife):
			p.Recheck()
		}
		return
	}
}

// question is the request of methodMember.
func question(index uint64, id string) []byte {
	return append(binary.BigEndian.AppendUint64(nil, index), id...)
}

// vouch answers methodMember, the asker's configuration index (u64) and a node id: the member's address, by the
// configuration only, not by what others said.
func (p *Port) vouch(req []byte) ([]byte, error) {
	if len(req) < 8 {
		return nil, &Failure{CodeFailed, "malformed question"}
	}
	theirs, id := binary.BigEndian.Uint64(req), req[8:]
	addr, ok := p.config.Members.Member(string(id))
	if ours := p.config.Members.Index(); !ok || ours <= theirs {
		return nil, &Failure{CodeFailed, fmt.Sprintf("node %s does not vouch for %.80q", p.id.Node, id)}
	}
	return []byte(addr), nil
}
