package raftfsm

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"hpfriends/raftfsm/link"
)

// errRemoved says that the configuration is without this node.
var errRemoved = errors.New("raftfsm: this node was removed from the cluster: to bring it back, empty its data " +
	"directory and join under a new node id")

// removal finds out that this node is no member any more. A removed node may not get the configuration without it, so
// the refusals of the others count too.
type removal struct {
	mu      sync.Mutex
	refused map[string]time.Time // by member
	why     error
	done    chan struct{} // closed when why is set
}

// refusalLife is how long a member's refusal counts.
const refusalLife = 30 * time.Second

func (e *removal) init() { e.refused, e.done = make(map[string]time.Time), make(chan struct{}) }

func (e *removal) now(why error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.set(why)
}

func (e *removal) set(why error) {
	if e.why == nil {
		e.why = why
		close(e.done)
	}
}

// refusedBy is told when a member refuses this node. One may be behind, as one that has just joined is; a majority of
// the other voters is not, and who leads is followed by one.
func (m *Members) refusedBy(peer string, err error) {
	if m.up() != nil || m.node.Leading() {
		return
	}
	if s, ok := m.dir.server(peer); !ok || s.Suffrage != raft.Voter {
		return
	}
	others := m.dir.otherVoters()
	e := &m.removal
	e.mu.Lock()
	defer e.mu.Unlock()
	now := time.Now()
	e.refused[peer] = now
	count := 0
	for id, at := range e.refused {
		if now.Sub(at) > refusalLife {
			delete(e.refused, id)
		} else {
			count++
		}
	}
	if count <= others/2 {
		return
	}
	if _, member := m.dir.server(m.node.id); !member && errors.Is(err, link.ErrNotMember) {
		return // it has not been added yet, or is just being
	}
	e.set(fmt.Errorf("raftfsm: %d of the %d other voters refuse this node: %w", count, others, err))
}

// Removed is closed when this node is no member of its cluster any more; Why says how that is known.
func (m *Members) Removed() <-chan struct{} {
	if m == nil {
		return nil
	}
	return m.removal.done
}

// Why is the reason of Removed.
func (m *Members) Why() error {
	m.removal.mu.Lock()
	defer m.removal.mu.Unlock()
	return m.removal.why
}
