package apply

import (
	"fmt"
	"sync/atomic"

	"github.com/hashicorp/raft"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
)

// cursors is the projection of the KindCursor entries: the cursors of all authkeys, in memory and in
// eventlog.SpaceCursors, and the list of what ended their epochs.
type cursors struct {
	all     map[uint64]map[string]*eventlog.Cursor // by authkey and name
	dirty   map[CursorKey]bool                     // written, or deleted when no longer held
	endings atomic.Pointer[Ending]                 // newest
}

// CursorKey names a cursor.
type CursorKey struct {
	Authkey uint64
	Name    string
}

// Ending says that the epochs of a cursor below an index are over: it was claimed anew, reset or removed there. Endings
// form a list from old to new, as versions do: who follows it holds its place, and nobody is called. One goroutine
// appends.
type Ending struct {
	Key   CursorKey
	Index uint64

	next atomic.Pointer[Ending]
	more chan struct{} // closed once next is set
}

// Next is the ending that follows, or nil while there is none.
func (e *Ending) Next() *Ending { return e.next.Load() }

// Followed is closed once there is a Next.
func (e *Ending) Followed() <-chan struct{} { return e.more }

func loadCursors(log *eventlog.Log) (*cursors, error) {
	s := &cursors{all: make(map[uint64]map[string]*eventlog.Cursor), dirty: make(map[CursorKey]bool)}
	s.endings.Store(&Ending{more: make(chan struct{})})
	err := log.Scan(eventlog.SpaceCursors, nil, nil, func(k, v []byte) error {
		c, err := eventlog.DecodeCursor(k, v)
		if err != nil {
			return err
		}
		s.of(c.Authkey)[c.Name] = &c
		return nil
	})
	return s, err
}

func (s *cursors) of(authkey uint64) map[string]*eventlog.Cursor {
	m := s.all[authkey]
	if m == nil {
		m = make(map[string]*eventlog.Cursor)
		s.all[authkey] = m
	}
	return m
}

// end ends the epochs of a cursor below index.
func (s *cursors) end(key CursorKey, index uint64) {
	s.dirty[key] = true
	s.tell(key, index)
}

// tell publishes an ending.
func (s *cursors) tell(key CursorKey, index uint64) {
	n := &Ending{Key: key, Index: index, more: make(chan struct{})}
	last := s.endings.Load()
	last.next.Store(n)
	s.endings.Store(n)
	close(last.more)
}

func (f *FSM) applyCursors(l *raft.Log) (any, error) {
	e, err := entry.DecodeCursors(l.Data)
	if err != nil {
		return nil, err
	}
	g := f.version.Load().Graph
	results := make([]CursorResult, len(e.Ops))
	for i := range e.Ops {
		op := &e.Ops[i]
		switch op.Verb {
		case entry.ClaimCursor:
			results[i] = f.cursors.claim(g, l.Index, e, op)
		case entry.AdvanceCursor:
			f.cursors.advance(l.Index, e, op)
		case entry.ResetCursor:
			results[i] = f.cursors.reset(g, l.Index, e, op)
		case entry.RemoveCursor:
			results[i] = f.cursors.remove(g, l.Index, op)
		default:
			return nil, fmt.Errorf("operation %d on a cursor: this node runs an older program than the one that wrote it",
				op.Verb)
		}
	}
	return results, nil
}

func refused(code graph.Code, hint, format string, args ...any) CursorResult {
	return CursorResult{Err: &graph.Error{Code: code, Msg: fmt.Sprintf(format, args...), Hint: hint}}
}

// claim gives the cursor to a new connection, which begins at Safe: whatever an earlier one had got acknowledged beyond
// it is sent again, and counts as acknowledged when it is once more.
func (s *cursors) claim(g *graph.Graph, index uint64, e *entry.Cursors, op *entry.CursorOp) CursorResult {
	if err := CheckCursor(op.Name, op.Channel); err != nil {
		return CursorResult{Err: err}
	}
	if _, ok := g.Authkey(graph.AuthkeyID(op.Authkey)); !ok {
		return refused(graph.NotFound, "use another authkey", "authkey #%d has been removed", op.Authkey)
	}
	c := s.all[op.Authkey][op.Name]
	if c == nil {
		if len(s.all[op.Authkey]) >= eventlog.MaxCursorsOfAuthkey {
			return refused(graph.Conflict, "remove one that is not used any more, or use another authkey",
				"the authkey has %d cursors already", eventlog.MaxCursorsOfAuthkey)
		}
		if op.Start.Index > index {
			return beyond(op.Start)
		}
		c = &eventlog.Cursor{Authkey: op.Authkey, Name: op.Name, Safe: op.Start, Created: e.Time}
		s.of(op.Authkey)[op.Name] = c
	}
	c.Epoch, c.Held, c.Acked, c.Channel, c.Updated = index, true, c.Safe, op.Channel, e.Time
	s.end(CursorKey{op.Authkey, op.Name}, index)
	return CursorResult{Cursor: *c}
}

func beyond(p eventlog.Position) CursorResult {
	return refused(graph.Invalid, "use a position of the log, or now", "position %s is beyond the end of the log", p)
}

// CheckCursor refuses what no cursor can be called or be subscribed to, with a *graph.Error.
func CheckCursor(name, channel string) error {
	switch {
	case !entry.ValidCursorName(name):
		return refused(graph.Invalid, fmt.Sprintf("use 1 to %d letters, digits and . _ : -", entry.MaxCursorName),
			"%.80q is no name of a cursor", name).Err
	case len(channel) > eventlog.MaxCursorChannel:
		return refused(graph.Invalid, "subscribe to a prefix", "a channel of %d bytes, at most %d", len(channel),
			eventlog.MaxCursorChannel).Err
	}
	return nil
}

// advance moves a cursor forward, for the connection that holds it. It never moves it back: repeated and reordered
// operations do no harm.
func (s *cursors) advance(index uint64, e *entry.Cursors, op *entry.CursorOp) {
	c := s.all[op.Authkey][op.Name]
	if c == nil || c.Epoch != op.Epoch || op.Safe.Compare(op.Acked) > 0 || op.Acked.Index > index {
		return
	}
	before := *c
	if op.Acked.Compare(c.Acked) > 0 {
		c.Acked = op.Acked
	}
	if op.Safe.Compare(c.Safe) > 0 {
		c.Safe = op.Safe
	}
	c.Held = c.Held && !op.Final
	if *c != before {
		c.Updated = e.Time
		s.dirty[CursorKey{op.Authkey, op.Name}] = true
	}
}

// owned finds a cursor that the actor of op may change.
func (s *cursors) owned(g *graph.Graph, op *entry.CursorOp) (*eventlog.Cursor, error) {
	by := graph.Actor{User: graph.UserID(op.User), Operator: op.Operator}
	if err := g.MayEditAuthkey(by, graph.AuthkeyID(op.Authkey)); err != nil {
		return nil, err
	}
	c := s.all[op.Authkey][op.Name]
	if c == nil {
		return nil, refused(graph.NotFound, "list them with `hpfriends cursor ls`",
			"the authkey has no cursor %.80q", op.Name).Err
	}
	return c, nil
}

func (s *cursors) reset(g *graph.Graph, index uint64, e *entry.Cursors, op *entry.CursorOp) CursorResult {
	c, err := s.owned(g, op)
	if err != nil {
		return CursorResult{Err: err}
	}
	if op.Start.Index > index {
		return beyond(op.Start)
	}
	c.Epoch, c.Held, c.Acked, c.Safe, c.Updated = index, false, op.Start, op.Start, e.Time
	s.end(CursorKey{op.Authkey, op.Name}, index)
	return CursorResult{Cursor: *c}
}

func (s *cursors) remove(g *graph.Graph, index uint64, op *entry.CursorOp) CursorResult {
	if _, err := s.owned(g, op); err != nil {
		return CursorResult{Err: err}
	}
	s.drop(CursorKey{op.Authkey, op.Name}, index)
	return CursorResult{}
}

func (s *cursors) drop(key CursorKey, index uint64) {
	delete(s.all[key.Authkey], key.Name)
	if len(s.all[key.Authkey]) == 0 {
		delete(s.all, key.Authkey)
	}
	s.end(key, index)
}

// follow removes the cursors of the authkeys that a change of the graph has removed, by whatever operation.
func (s *cursors) follow(index uint64, before, after *graph.Graph) {
	for d := range graph.Diff(before, after, graph.KindAuthkey) {
		if d.After == nil {
			s.dropAll(d.ID, index)
		}
	}
}

func (s *cursors) dropAll(authkey, index uint64) {
	for name := range s.all[authkey] {
		s.drop(CursorKey{authkey, name}, index)
	}
}

// flush writes the changed records.
func (s *cursors) flush(tx *eventlog.Tx) {
	for k := range s.dirty {
		key := eventlog.CursorKey(k.Authkey, k.Name)
		if c := s.all[k.Authkey][k.Name]; c != nil {
			tx.Put(eventlog.SpaceCursors, key, c.Encode())
		} else {
			tx.Delete(eventlog.SpaceCursors, key)
		}
	}
	clear(s.dirty)
}

// replace ends the epochs that went on or ended in entries that this node did not see.
func (s *cursors) replace(now *cursors, index uint64) {
	before := s.all
	s.all = now.all
	for authkey, cursors := range before {
		for name, old := range cursors {
			if c := s.all[authkey][name]; c == nil || c.Epoch != old.Epoch {
				s.tell(CursorKey{authkey, name}, index)
			}
		}
	}
	clear(s.dirty)
}
