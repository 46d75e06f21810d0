package graph

// View is the flat format: the reaches that were asked for, kept in line with the graph as it changes. A reach that no
// change has touched costs one map lookup, one that a change has touched costs what the change touched. It belongs to
// one goroutine.
type View struct {
	graph  *Graph
	deltas []*delta // the newest that brought graph about
	first  uint64   // number of deltas[0], counted from the view's beginning

	memo       map[reachKey]*memo
	used       memo // head of the ring of memos: used.older is the one used last, used.newer the one not used for longest
	maxEntries int
	members    int // of all reaches in memo
	maxMembers int
}

// reachKey is what a reach is about.
type reachKey struct {
	origin  UserID
	channel string
}

// memo is one reach and how far it has followed the deltas.
type memo struct {
	key          reachKey
	reach        *Reach
	next         uint64 // number of the first delta that reach does not know
	members      int    // as counted in View.members
	newer, older *memo  // neighbours in the ring
}

const (
	// viewDeltas bounds how many changes a reach may miss before it is computed anew instead.
	viewDeltas = 4096
	// viewMembers bounds the members of all reaches of a view together, about 70 bytes each, in members for each of its
	// entries: in a community in which everybody hears everybody, memory must not grow with the square of it.
	viewMembers = 1024
	// maxViewMembers bounds them however many entries there may be: about 300 MB.
	maxViewMembers = 4 << 20
)

// NewView returns a view of g that keeps at most maxEntries reaches, with at most 1024 times as many members together
// and never more than four million: those asked for last. The very last is kept however large it is.
func NewView(g *Graph, maxEntries int) *View {
	v := &View{graph: g, memo: make(map[reachKey]*memo), maxEntries: max(maxEntries, 1)}
	v.maxMembers = min(v.maxEntries, maxViewMembers/viewMembers) * viewMembers
	v.used.newer, v.used.older = &v.used, &v.used
	return v
}

// Advance makes g what the view shows. g may be any number of changes later; a view that is more than a few hundred
// behind forgets what it has and computes it anew, as it does when g is of another history.
func (v *View) Advance(g *Graph) {
	newer, ok := g.deltas.after(v.graph.deltas.newest())
	v.graph = g
	if !ok {
		clear(v.memo)
		v.used.newer, v.used.older = &v.used, &v.used
		v.members = 0
		return
	}
	v.deltas = append(v.deltas, newer...)
	if len(v.deltas) > viewDeltas {
		drop := len(v.deltas) - viewDeltas/2
		v.first += uint64(drop)
		v.deltas = append([]*delta(nil), v.deltas[drop:]...)
	}
}

// Reach is g.Reach of the graph that the view shows. The result is good until the next Advance.
func (v *View) Reach(origin UserID, channel string) *Reach {
	l := reachKey{origin, channel}
	now := v.first + uint64(len(v.deltas))
	m, ok := v.memo[l]
	switch {
	case !ok:
		m = &memo{key: l, reach: v.graph.Reach(origin, channel)}
		v.memo[l] = m
	case m.next == now:
		v.touch(m)
		return m.reach
	case m.next < v.first:
		m.reach = v.graph.Reach(origin, channel)
	default:
		m.reach.update(v.graph, v.deltas[m.next-v.first:])
	}
	m.next = now
	v.members += m.reach.Len() - m.members
	m.members = m.reach.Len()
	v.touch(m)
	for len(v.memo) > 1 && (len(v.memo) > v.maxEntries || v.members > v.maxMembers) {
		v.forget(v.used.newer)
	}
	return m.reach
}

// touch makes m the newest of the ring.
func (v *View) touch(m *memo) {
	if v.used.older == m {
		return
	}
	if m.newer != nil {
		m.newer.older, m.older.newer = m.older, m.newer
	}
	newest := v.used.older
	m.newer, m.older = &v.used, newest
	newest.newer, v.used.older = m, m
}

func (v *View) forget(m *memo) {
	m.newer.older, m.older.newer = m.older, m.newer
	delete(v.memo, m.key)
	v.members -= m.members
}
