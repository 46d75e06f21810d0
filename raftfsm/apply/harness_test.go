package apply

import (
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/raft"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
)

// replica is an FSM that is given entries without any raft.
type replica struct {
	*FSM
	log *eventlog.Log
}

func newReplica(t *testing.T) *replica {
	t.Helper()
	log, err := eventlog.Open(eventlog.Config{Dir: "log", FS: vfs.NewMem(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	return &replica{load(t, log), log}
}

// load reads the projections of a log.
func load(t *testing.T, log *eventlog.Log) *FSM {
	t.Helper()
	f, err := New(log, slog.New(slog.DiscardHandler), func(err error) { t.Errorf("fail-stop: %v", err) })
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// apply stores an entry and applies it.
func (r *replica) apply(t *testing.T, typ raft.LogType, data []byte) any {
	t.Helper()
	last, _ := r.log.Last()
	l := &raft.Log{Index: max(last, r.log.Applied()) + 1, Term: 3, Type: typ, Data: data, AppendedAt: noon}
	if err := r.log.LogStore().StoreLogs([]*raft.Log{l}); err != nil {
		t.Fatal(err)
	}
	return r.Apply(l)
}

// noon is the time of everything here: the bytes must be the same in each run.
var noon = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

// command applies an entry of the program.
func (r *replica) command(t *testing.T, data []byte) any {
	t.Helper()
	return r.apply(t, raft.LogCommand, data)
}

// configure applies a configuration of voters.
func (r *replica) configure(t *testing.T, ids ...string) {
	t.Helper()
	var c raft.Configuration
	for _, id := range ids {
		c.Servers = append(c.Servers, raft.Server{ID: raft.ServerID(id), Address: raft.ServerAddress(id + ":10")})
	}
	r.apply(t, raft.LogConfiguration, raft.EncodeConfiguration(c))
}

// change applies a change of the graph, and returns the number of its object.
func (r *replica) change(t *testing.T, op graph.Op) uint64 {
	t.Helper()
	data, err := EncodeChange(graph.Command{Time: noon, By: graph.Actor{Operator: true, From: "test"}, Op: op})
	if err != nil {
		t.Fatal(err)
	}
	res := r.command(t, data).(ChangeResult)
	if res.Err != nil {
		t.Fatal(res.Err)
	}
	return res.Outcome.Object
}

// cursor applies an operation on a cursor.
func (r *replica) cursor(t *testing.T, op entry.CursorOp) CursorResult {
	t.Helper()
	e := entry.Cursors{Time: noon, Ops: []entry.CursorOp{op}}
	res := r.command(t, e.Encode()).([]CursorResult)[0]
	if res.Err != nil {
		t.Fatal(res.Err)
	}
	return res
}

// batch applies a batch of one message.
func (r *replica) batch(t *testing.T, session byte, seq uint64) BatchResult {
	t.Helper()
	var b entry.Builder
	b.Add("c", 1, 1, noon.UnixMilli(), netip.MustParseAddr("192.0.2.1"), []byte{0, 0, 0, 5 + 4, 3, 1, 'i', 1, 'c'}, 1)
	return r.command(t, b.Encode([16]byte{session}, seq)).(BatchResult)
}

// checkpoint applies a checkpoint that is kept, and returns its index and control state.
func (r *replica) checkpoint(t *testing.T) (index uint64, state []byte) {
	t.Helper()
	e := entry.Checkpoint{Kept: true, Time: noon}
	r.command(t, e.Encode())
	p := <-r.Pins()
	defer p.View.Close()
	return p.Index, controlStateOf(t, p)
}
