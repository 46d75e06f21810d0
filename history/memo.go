package history

import (
	"sync"

	"hpfriends/graph"
)

// maxOrigins bounds what a Memo keeps, in origins: 8 MiB. What was asked costs one too.
const maxOrigins = 1 << 20

// Memo makes Rights that share what Within has found by the newest graph: one page of somebody who receives from
// thousands asks for it several times, and each time costs the ways of all. The zero value is empty and ready.
type Memo struct {
	mu     sync.Mutex
	graph  *graph.Graph
	within map[bound][]uint64
	size   int
}

type bound struct {
	user   graph.UserID
	prefix string
}

// Rights returns what a user may see by a graph.
func (m *Memo) Rights(g *graph.Graph, user graph.UserID) *Rights {
	r := NewRights(g, user)
	r.shared = m
	return r
}

// find returns what was found for a user by a graph, or what compute finds.
func (m *Memo) find(g *graph.Graph, b bound, compute func() []uint64) []uint64 {
	m.mu.Lock()
	found, known := m.within[b]
	known = known && m.graph == g
	m.mu.Unlock()
	if known {
		return found
	}
	found = compute()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.graph == nil || m.graph.Index() < g.Index() || m.graph == g && m.size > maxOrigins {
		m.graph, m.within, m.size = g, make(map[bound][]uint64), 0
	}
	if m.graph == g {
		m.within[b] = found
		m.size += 1 + len(found)
	}
	return found
}
