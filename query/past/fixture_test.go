package past

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
)

// epoch is when histories begin.
var epoch = time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)

// fixture is a log, its audit and a graph, changed by hand.
type fixture struct {
	t     testing.TB
	log   *eventlog.Log
	graph *graph.Graph
	index uint64
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	log, err := eventlog.Open(eventlog.Config{Dir: t.TempDir(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	return &fixture{t: t, log: log, graph: graph.New()}
}

// entry appends an entry and applies it.
func (f *fixture) entry(data []byte, apply func(*eventlog.Tx)) {
	f.t.Helper()
	f.index++
	l := []*raft.Log{{Index: f.index, Term: 1, Type: raft.LogCommand, Data: data}}
	if err := f.log.LogStore().StoreLogs(l); err != nil {
		f.t.Fatal(err)
	}
	tx := f.log.Begin()
	apply(tx)
	if err := tx.Commit(f.index); err != nil {
		f.t.Fatal(err)
	}
}

// try appends a command and applies it as a node does.
func (f *fixture) try(c graph.Command) error {
	f.t.Helper()
	command, err := json.Marshal(c)
	if err != nil {
		f.t.Fatal(err)
	}
	var decoded graph.Command
	if err := json.Unmarshal(command, &decoded); err != nil {
		f.t.Fatal(err)
	}
	g, _, refusal := f.graph.Apply(f.index+1, decoded)
	f.entry(append([]byte{byte(entry.KindChange)}, command...), func(tx *eventlog.Tx) {
		if refusal != nil {
			return
		}
		newest, err := f.log.Audit().Newest()
		if err != nil {
			f.t.Fatal(err)
		}
		tx.PutAudit(newest.Next(f.index, c.Time, command))
	})
	f.graph = g
	return refusal
}

// stamped adds a user by a command that is stamped with a time.
func (f *fixture) stamped(at time.Time) {
	f.t.Helper()
	c := graph.Command{By: graph.Actor{Operator: true}, Time: at.UTC(),
		Op: graph.AddUser{Handle: fmt.Sprintf("u%d", f.index+1)}}
	if err := f.try(c); err != nil {
		f.t.Fatal(err)
	}
}

// store stores the graph; of the older ones one in each span of every events is kept.
func (f *fixture) store(every uint64) {
	f.t.Helper()
	newest, err := f.log.Audit().Newest()
	if err != nil {
		f.t.Fatal(err)
	}
	data, err := f.graph.MarshalBinary()
	if err == nil {
		err = f.log.StoredGraphs().Store(newest, data, every)
	}
	if err != nil {
		f.t.Fatal(err)
	}
}

// publish appends one batch of one message.
func (f *fixture) publish() {
	f.t.Helper()
	var b entry.Builder
	b.Add("a", 1, 1, 1_700_000_000_000+int64(f.index), netip.Addr{}, []byte{0, 0, 0, 5, 3}, 1)
	data := b.Encode([16]byte{1}, f.index)
	h, err := entry.DecodeHeader(data)
	if err != nil {
		f.t.Fatal(err)
	}
	f.entry(data, func(tx *eventlog.Tx) { tx.IndexBatch(f.index, h) })
}

// randomOp is a change of users, groups or shares, which the graph may refuse.
func randomOp(g *graph.Graph, roll func(int) int) graph.Command {
	users := []graph.UserID{9999}
	for u := range g.Users() {
		users = append(users, u.ID)
	}
	who := func() graph.UserID { return users[roll(len(users))] }
	any := func() uint64 { return uint64(roll(int(g.Index()) + 1)) }
	on := roll(2) == 0
	c := graph.Command{By: graph.Actor{User: who(), Operator: roll(3) > 0, From: "192.0.2.1"}}
	switch roll(9) {
	case 0, 1:
		c.By, c.Op = graph.Actor{Operator: true}, graph.AddUser{Handle: fmt.Sprintf("u%d", roll(14))}
	case 2:
		c.Op = graph.EditUser{User: who(), Enabled: &on}
	case 3:
		c.Op = graph.RemoveUser{User: who()}
	case 4:
		c.Op = graph.AddGroup{Name: fmt.Sprintf("g%d", roll(4))}
	case 5:
		c.Op = graph.AddMember{Group: graph.GroupID(any()), User: who()}
	case 6:
		c.Op = graph.AddShare{Channel: []graph.Pattern{"a", "a*", "b", "*"}[roll(4)], User: who()}
	case 7:
		c.Op = graph.RemoveShare{Share: graph.ShareID(any())}
	default:
		c.Op = graph.DecideShare{Share: graph.ShareID(any()), Accept: on}
	}
	return c
}

// history appends n random changes, a few of them refused, with batches between them and clocks that step back. It
// returns the encoding of the graph after each log index.
func (f *fixture) history(n int, roll func(int) int, storeEvery, keepEvery int) [][]byte {
	f.t.Helper()
	all := [][]byte{f.encoded()}
	for i := range n {
		if roll(10) == 0 {
			f.publish()
			all = append(all, f.encoded())
		}
		c := randomOp(f.graph, roll)
		c.Time = epoch.Add(time.Duration(i-roll(5)) * time.Minute)
		_ = f.try(c) // a refusal is of the history as well
		all = append(all, f.encoded())
		if i%storeEvery == storeEvery-1 && f.graph.Index() > 0 {
			f.store(uint64(keepEvery))
		}
	}
	return all
}

func (f *fixture) encoded() []byte {
	f.t.Helper()
	data, err := f.graph.MarshalBinary()
	if err != nil {
		f.t.Fatal(err)
	}
	return data
}
