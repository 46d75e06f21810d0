package past

import (
	"fmt"
	"testing"
	"time"

	"hpfriends/eventlog"
	"hpfriends/graph"
	"hpfriends/internal/logtest"
)

// epoch is when histories begin.
var epoch = time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)

// fixture is a log, its audit and a graph, changed by hand.
type fixture struct{ *logtest.World }

func newFixture(t testing.TB) fixture {
	t.Helper()
	return fixture{logtest.New(t, eventlog.Config{Dir: t.TempDir()})}
}

// stamped adds a user by a command that is stamped with a time.
func (f fixture) stamped(at time.Time) {
	f.TB.Helper()
	c := graph.Command{By: graph.Actor{Operator: true}, Time: at.UTC(),
		Op: graph.AddUser{Handle: fmt.Sprintf("u%d", f.Index+1)}}
	if _, err := f.Try(c); err != nil {
		f.TB.Fatal(err)
	}
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
func (f fixture) history(n int, roll func(int) int, storeEvery, keepEvery int) [][]byte {
	f.TB.Helper()
	all := [][]byte{f.encoded()}
	for i := range n {
		if roll(10) == 0 {
			f.Publish(1, "a")
			all = append(all, f.encoded())
		}
		c := randomOp(f.Graph, roll)
		c.Time = epoch.Add(time.Duration(i-roll(5)) * time.Minute)
		_, _ = f.Try(c) // a refusal is of the history as well
		all = append(all, f.encoded())
		if i%storeEvery == storeEvery-1 && f.Graph.Index() > 0 {
			f.Store(uint64(keepEvery))
		}
	}
	return all
}

func (f fixture) encoded() []byte {
	f.TB.Helper()
	data, err := f.Graph.MarshalBinary()
	if err != nil {
		f.TB.Fatal(err)
	}
	return data
}
