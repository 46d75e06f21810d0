package raftfsm

import (
	"context"
	"fmt"
	"sync"

	"hpfriends/graph"
	"hpfriends/raftfsm/serving"
	"hpfriends/raftfsm/store"
	"hpfriends/raftfsm/survey"
)

// drain reports whether this node takes clients, and how many it has. A drained node votes and replicates, does not
// lead as long as another can, and tells load balancers to go elsewhere. It is this node's own affair, kept in its
// stable store: it works without a majority, and it outlasts restarts, since a machine under maintenance may start
// often.
type drain struct {
	mu     sync.Mutex
	on     bool
	until  context.Context // done at the next change
	change context.CancelFunc
	board  serving.Board
}

var keyDrained = []byte("hpfriends/drained")

func (d *drain) init(s *store.Stable) error {
	d.until, d.change = context.WithCancel(context.Background())
	v, err := s.Lookup(keyDrained)
	d.on = len(v) == 1 && v[0] == 1
	return err
}

func (d *drain) now() (on bool, until context.Context) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.on, d.until
}

// set stores the state, then makes it known.
func (d *drain) set(s *store.Stable, on bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if on == d.on {
		return nil
	}
	v := []byte{0}
	if on {
		v[0] = 1
	}
	if err := s.Set(keyDrained, v); err != nil {
		return err
	}
	d.on = on
	d.change()
	d.until, d.change = context.WithCancel(context.Background())
	return nil
}

// Drained reports whether this node is to take no clients, and returns a context that is done when that changes.
func (m *Members) Drained() (on bool, until context.Context) {
	if m == nil {
		return false, context.Background()
	}
	return m.drain.now()
}

// Board takes what this node's Report says of its clients.
func (m *Members) Board() *serving.Board {
	if m == nil {
		return nil
	}
	return &m.drain.board
}

// Drain sends the clients of a node elsewhere, or with off lets it take some again; an empty id is this node. It
// answers when that node has taken note of it: Report.Clients tells how far it is. What would harm is refused unless
// forced.
func (m *Members) Drain(ctx context.Context, id string, off, force bool) error {
	if m == nil {
		return errAlone()
	}
	if err := m.up(); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	o := operation{Verb: "drain", Node: id, Force: force}
	if off {
		o.Verb = "undrain"
	}
	if id == "" || id == m.node.id {
		return m.drainHere(ctx, o)
	}
	if _, ok := m.dir.server(id); !ok {
		return noMember(id)
	}
	return m.command(ctx, id, methodDrain, o)
}

func (m *Members) drainHere(ctx context.Context, o operation) error {
	n := m.node
	if o.Verb == "undrain" {
		n.slog.Info("this node takes clients again")
		return m.drain.set(n.stable, false)
	}
	if err := m.mayDrain(ctx, o.Force); err != nil {
		return err
	}
	if err := m.drain.set(n.stable, true); err != nil {
		return err
	}
	n.slog.Info("this node takes no clients any more, until: hpfriends cluster undrain " + n.id)
	if n.Leading() {
		m.try("hand over, since this node is drained", coordinator{m}.transfer(ctx, "")) // otherwise the reconciler does
	}
	return nil
}

// mayDrain refuses to drain the last node that takes clients, and a node that cannot be stopped afterwards: that is
// what it is drained for.
func (m *Members) mayDrain(ctx context.Context, force bool) error {
	if force {
		return nil
	}
	all := m.survey(ctx)
	others := 0
	for _, member := range all {
		if member.ID != m.node.id && member.Err == nil && !member.Report.Drained {
			others++
		}
	}
	if others == 0 {
		return &graph.Error{
			Code: graph.Conflict, Hint: "undrain or start another node first, or use --force",
			Msg: fmt.Sprintf("draining node %s would leave no node that takes clients", m.node.id),
		}
	}
	return survey.HarmOfStopping(all, m.node.id, "draining node "+m.node.id+", to stop it,")
}
