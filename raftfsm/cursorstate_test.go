package raftfsm

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/raftfsm/apply"
)

// stored are the cursors as the log has them.
func stored(t *testing.T, log *eventlog.Log) map[apply.CursorKey]eventlog.Cursor {
	t.Helper()
	all := make(map[apply.CursorKey]eventlog.Cursor)
	err := log.Scan(eventlog.SpaceCursors, nil, nil, func(k, v []byte) error {
		c, err := eventlog.DecodeCursor(k, v)
		all[apply.CursorKey{Authkey: c.Authkey, Name: c.Name}] = c
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func (r *running) addAuthkey(t *testing.T, owner graph.UserID, ident string) uint64 {
	t.Helper()
	return r.mustChange(t, operator, graph.AddAuthkey{Owner: owner, Ident: ident, Secret: []byte("sealed"),
		Sub: []graph.Pattern{"*"}}).Object
}

func (r *running) addUser(t *testing.T, handle string, role graph.Role) graph.UserID {
	t.Helper()
	return graph.UserID(r.mustChange(t, operator, graph.AddUser{Handle: handle, Role: role}).Object)
}

func (r *running) operate(
	t *testing.T, at time.Time, ops ...entry.CursorOp,
) (index uint64, results []apply.CursorResult) {
	t.Helper()
	res, err := r.propose(t.Context(), (&entry.Cursors{Time: at, Ops: ops}).Encode())
	if err != nil {
		t.Fatal(err)
	}
	return r.log.Applied(), res.([]apply.CursorResult)
}

// world is the naive model: a map, the rules in the words of the documentation, and who owns what.
type world struct {
	*testing.T
	*rand.Rand
	node    *running
	cursors map[apply.CursorKey]eventlog.Cursor
	owners  map[uint64]graph.UserID      // of authkeys
	epochs  map[apply.CursorKey][]uint64 // that ever were
	added   int
	admin   graph.UserID
	users   []graph.UserID
	ignored int // advances that were stale
}

// TestCursorsAreAsTheModelSays applies random operations of connections that compete, of owners and others, with
// changes of the graph and restarts between them.
func TestCursorsAreAsTheModelSays(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			dir := t.TempDir()
			w := &world{
				T: t, Rand: rand.New(rand.NewPCG(seed, 1)), node: open(t, dir), cursors: make(map[apply.CursorKey]eventlog.Cursor),
				owners: make(map[uint64]graph.UserID), epochs: make(map[apply.CursorKey][]uint64),
			}
			w.admin = w.node.addUser(t, "root", graph.Admin)
			for i := range 150 {
				switch n := w.IntN(100); {
				case n < 3:
					w.node.close(t)
					w.node = open(t, dir)
				case n < 8 || len(w.owners) < 2:
					w.add()
				case n < 12:
					w.removeSomebody()
				default:
					w.step(i)
				}
				if got := stored(t, w.node.log); !maps.Equal(got, w.cursors) {
					t.Fatalf("step %d: stored are\n%v\nwant\n%v", i, got, w.cursors)
				}
			}
			if w.ignored == 0 || len(w.epochs) < 5 {
				t.Errorf("%d stale advances and %d cursors: this test looks at too little", w.ignored, len(w.epochs))
			}
			w.node.close(t)
		})
	}
}

func (w *world) add() {
	w.added++
	if len(w.users) == 0 || w.IntN(3) == 0 {
		w.users = append(w.users, w.node.addUser(w.T, fmt.Sprintf("user%d", w.added), graph.Member))
	}
	owner := w.users[w.IntN(len(w.users))]
	w.owners[w.node.addAuthkey(w.T, owner, fmt.Sprintf("key%d", w.added))] = owner
}

func (w *world) removeSomebody() {
	key := w.authkey()
	owner := w.owners[key]
	gone := func(k uint64) bool { return k == key }
	if w.IntN(2) == 0 {
		w.node.mustChange(w.T, operator, graph.RemoveAuthkey{Authkey: graph.AuthkeyID(key)})
	} else {
		w.node.mustChange(w.T, operator, graph.RemoveUser{User: owner})
		gone = func(k uint64) bool { return w.owners[k] == owner }
		for i, u := range w.users {
			if u == owner {
				w.users = append(w.users[:i:i], w.users[i+1:]...)
				break
			}
		}
	}
	for k := range w.cursors {
		if gone(k.Authkey) {
			delete(w.cursors, k)
		}
	}
	for k := range w.owners {
		if k != key && gone(k) {
			delete(w.owners, k)
		}
	}
	delete(w.owners, key)
}

// authkey is one of those that are there, by the order of their IDs so that a seed means the same each time.
func (w *world) authkey() uint64 {
	var keys []uint64
	for k := range w.node.Graph().Authkeys() {
		keys = append(keys, uint64(k.ID))
	}
	return keys[w.IntN(len(keys))]
}

func (w *world) position() eventlog.Position {
	return eventlog.Position{Index: 1 + w.Uint64N(w.node.log.Applied()), Offset: w.Uint32N(3)}
}

// step applies one entry of one or two operations.
func (w *world) step(i int) {
	at := time.UnixMilli(1_700_000_000_000 + int64(i)).UTC()
	ops := make([]entry.CursorOp, 1+w.IntN(2))
	for i := range ops {
		ops[i] = w.op()
	}
	index, results := w.node.operate(w.T, at, ops...)
	for i, op := range ops {
		want, err := w.apply(index, at, op)
		if got := results[i]; got.Cursor != want || !errors.Is(got.Err, err) || err == nil && got.Err != nil {
			w.Fatalf("%+v is answered %+v, want %+v and %v", op, got, want, err)
		}
	}
}

func (w *world) op() entry.CursorOp {
	key := apply.CursorKey{Authkey: w.authkey(), Name: string(rune('a' + w.IntN(3)))}
	op := entry.CursorOp{Verb: entry.CursorVerb(1 + w.IntN(4)), Authkey: key.Authkey, Name: key.Name, Start: w.position()}
	if w.IntN(3) > 0 {
		op.Verb = entry.AdvanceCursor
	}
	switch op.Verb {
	case entry.ClaimCursor:
		op.Channel = fmt.Sprintf("c%d", w.IntN(3))
	case entry.AdvanceCursor:
		op.Start, op.Acked, op.Safe, op.Final = eventlog.Position{}, w.position(), w.position(), w.IntN(4) == 0
		if e := w.epochs[key]; len(e) > 0 { // the newest, mostly
			op.Epoch = e[max(0, len(e)-1-w.IntN(3)/2)]
		}
	default:
		who := append([]graph.UserID{0, w.admin, w.owners[op.Authkey]}, w.users...)
		op.User = uint64(who[w.IntN(len(who))])
		op.Operator = op.User == 0 && w.IntN(2) == 0
	}
	return op
}

// apply is the model. Its error is the kind of the refusal.
func (w *world) apply(index uint64, at time.Time, op entry.CursorOp) (eventlog.Cursor, error) {
	key := apply.CursorKey{Authkey: op.Authkey, Name: op.Name}
	c, there := w.cursors[key]
	mine := op.Operator || graph.UserID(op.User) == w.admin || graph.UserID(op.User) == w.owners[op.Authkey]
	switch op.Verb {
	case entry.ClaimCursor:
		if !there {
			c = eventlog.Cursor{Authkey: op.Authkey, Name: op.Name, Safe: op.Start, Created: at}
		}
		c.Epoch, c.Held, c.Acked, c.Channel, c.Updated = index, true, c.Safe, op.Channel, at
	case entry.AdvanceCursor:
		if !there || op.Epoch != c.Epoch || op.Safe.Compare(op.Acked) > 0 {
			w.ignored++
			return eventlog.Cursor{}, nil
		}
		before := c
		if op.Acked.Compare(c.Acked) > 0 {
			c.Acked = op.Acked
		}
		if op.Safe.Compare(c.Safe) > 0 {
			c.Safe = op.Safe
		}
		if op.Final {
			c.Held = false
		}
		if c != before {
			c.Updated = at
		}
		w.cursors[key] = c
		return eventlog.Cursor{}, nil
	case entry.ResetCursor, entry.RemoveCursor:
		if !mine {
			return eventlog.Cursor{}, graph.ErrDenied
		}
		if !there {
			return eventlog.Cursor{}, graph.ErrNotFound
		}
		if op.Verb == entry.RemoveCursor {
			delete(w.cursors, key)
			return eventlog.Cursor{}, nil
		}
		c.Epoch, c.Held, c.Acked, c.Safe, c.Updated = index, false, op.Start, op.Start, at
	}
	w.cursors[key] = c
	w.epochs[key] = append(w.epochs[key], index)
	return c, nil
}

func TestCursorsHaveLimits(t *testing.T) {
	r := open(t, t.TempDir())
	ada := r.addUser(t, "ada", graph.Member)
	key := r.addAuthkey(t, ada, "k")
	claim := func(authkey uint64, name string, index uint64) error {
		_, res := r.operate(t, time.Now(), entry.CursorOp{
			Verb: entry.ClaimCursor, Authkey: authkey, Name: name, Start: eventlog.Position{Index: index},
		})
		return res[0].Err
	}
	for i := range eventlog.MaxCursorsOfAuthkey {
		if err := claim(key, fmt.Sprint("n", i), 1); err != nil {
			t.Fatal(err)
		}
	}
	before := stored(t, r.log)
	for what, err := range map[string]struct{ got, want error }{
		"one too many":      {claim(key, "more", 1), graph.ErrConflict},
		"no name":           {claim(key, "", 1), graph.ErrInvalid},
		"a bad name":        {claim(key, "a b", 1), graph.ErrInvalid},
		"no authkey":        {claim(key+1000, "n", 1), graph.ErrNotFound},
		"beyond the end":    {claim(r.addAuthkey(t, ada, "l"), "n", 1<<40), graph.ErrInvalid},
		"one that is there": {claim(key, "n5", 1<<40), nil},
	} {
		if !errors.Is(err.got, err.want) || err.want == nil && err.got != nil {
			t.Errorf("%s: %v, want %v", what, err.got, err.want)
		}
	}
	if got := stored(t, r.log); len(got) != len(before) {
		t.Errorf("%d cursors, want %d", len(got), len(before))
	}
}
