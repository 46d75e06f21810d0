package query

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/query/past"
	"hpfriends/query/view"
)

// epoch is when random histories begin.
var epoch = time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)

// randomOp is any change, more often one that makes sense than not. All IDs are log indexes.
func randomOp(g *graph.Graph, roll func(int) int) graph.Command {
	pick := func(of int) uint64 { return uint64(roll(of + 1)) }
	index := int(g.Index())
	var users []graph.UserID
	for u := range g.Users() {
		users = append(users, u.ID)
	}
	who := func() graph.UserID {
		if len(users) == 0 || roll(20) == 0 {
			return graph.UserID(pick(index))
		}
		return users[roll(len(users))]
	}
	group := func() graph.GroupID {
		for gr := range g.Groups() {
			if roll(2) == 0 {
				return gr.ID
			}
		}
		return graph.GroupID(pick(index))
	}
	share := func() graph.ShareID {
		for s := range g.Shares() {
			if roll(4) == 0 {
				return s.ID
			}
		}
		return graph.ShareID(pick(index))
	}
	on := roll(2) == 0
	c := graph.Command{By: graph.Actor{User: who(), Operator: roll(3) == 0, From: "192.0.2.1"}}
	channels := []graph.Pattern{"a", "a*", "b", "*"}
	switch roll(16) {
	case 0, 1:
		c.By, c.Op = graph.Actor{Operator: true, From: "socket"},
			graph.AddUser{Handle: fmt.Sprintf("u%d", roll(14)), Password: "$CANARY-password"}
	case 2:
		c.Op = graph.EditUser{User: who(), Enabled: &on}
	case 3:
		c.Op = graph.RemoveUser{User: who()}
	case 4:
		c.Op = graph.AddGroup{Name: fmt.Sprintf("g%d", roll(4))}
	case 5:
		c.Op = graph.AddMember{Group: group(), User: who()}
	case 6:
		c.Op = graph.RemoveMember{Group: group(), User: who()}
	case 7:
		c.Op = graph.AddAuthkey{Ident: fmt.Sprintf("k%d", roll(9)), Secret: []byte("CANARY-secret"), Pub: channels[:roll(4)],
			Sub: channels[roll(4):]}
	case 8:
		c.Op = graph.RemoveAuthkey{Authkey: graph.AuthkeyID(pick(index))}
	case 9, 10, 11:
		s := graph.AddShare{Channel: channels[roll(4)], Type: []graph.ShareType{graph.Own, graph.All}[roll(2)]}
		if s.User = who(); on {
			s.User, s.Group = 0, group()
		}
		c.Op = s
	case 12:
		c.Op = graph.RemoveShare{Share: share()}
	default:
		c.Op = graph.DecideShare{Share: share(), Accept: roll(4) > 0}
	}
	return c
}

// history appends n random changes, a few of them refused, with batches between them and clocks that step back.
func (f *fixture) history(n int, roll func(int) int, storeEvery, keepEvery int) {
	f.TB.Helper()
	for i := range n {
		if roll(10) == 0 {
			f.Publish(1, "a")
		}
		c := randomOp(f.Graph, roll)
		c.Time = epoch.Add(time.Duration(i)*time.Minute - time.Duration(roll(5))*time.Minute)
		f.Try(c)
		if i%storeEvery == storeEvery-1 && f.Graph.Index() > 0 {
			f.Store(uint64(keepEvery))
		}
	}
}

// Listing newest first, oldest first, page by page and by a reader that follows give the same events, to every viewer.
func TestEveryWayOfReadingTheAuditGivesTheSameEvents(t *testing.T) {
	f, q := newFixture(t)
	f.history(260, rand.New(rand.NewPCG(5, 6)).IntN, 20, 64)
	q.history = past.New(f.Log, past.Config{Newest: q.graph, Every: 16, Waypoints: 4})
	if s, err := VerifyAudit(t.Context(), f.Log, nil); err != nil || s.StoredGraphs == 0 || s.Events == 0 ||
		s.Compared != s.Events || s.Refused == 0 {
		t.Errorf("verify: %+v, %v", s, err)
	}
	viewers := []graph.Actor{{Operator: true}, {User: 9999}}
	for u := range f.Graph.Users() {
		viewers = append(viewers, graph.Actor{User: u.ID})
	}
	some := 0
	for _, viewer := range viewers {
		read := func(filter AuditFilter) []view.AuditEvent {
			var all []view.AuditEvent
			for {
				part, next, err := q.AuditEvents(t.Context(), viewer, filter)
				if err != nil {
					t.Fatal(err)
				}
				if all = append(all, part...); next == 0 {
					return all
				}
				filter.After = next
			}
		}
		oldest := read(AuditFilter{Oldest: true})
		for name, other := range map[string][]view.AuditEvent{
			"pages": read(AuditFilter{Oldest: true, Limit: 7}), "newest": reversed(read(AuditFilter{})),
			"newest, pages": reversed(read(AuditFilter{Limit: 5})), "follow": f.follow(q, viewer),
		} {
			if len(other) != len(oldest) || len(oldest) > 0 && !reflect.DeepEqual(other, oldest) {
				t.Fatalf("%+v: %s: %d events, want %d", viewer, name, len(other), len(oldest))
			}
		}
		if viewer.User != 0 {
			some += len(oldest)
		} else if len(oldest) < 80 {
			t.Errorf("the operator sees %d events", len(oldest))
		}
		f.checkNoSecret(oldest)
	}
	if some == 0 {
		t.Error("no user sees anything")
	}
}

func reversed(all []view.AuditEvent) []view.AuditEvent {
	var back []view.AuditEvent
	for i := len(all) - 1; i >= 0; i-- {
		back = append(back, all[i])
	}
	return back
}

func (f *fixture) follow(q *Query, viewer graph.Actor) (all []view.AuditEvent) {
	f.TB.Helper()
	r, err := q.AuditReader(viewer, 0)
	if err != nil {
		f.TB.Fatal(err)
	}
	for to := uint64(0); to <= f.Index; to += 30 {
		for more := true; more; {
			var part []view.AuditEvent
			if part, more, err = r.Read(min(to, f.Index), 8); err != nil {
				f.TB.Fatal(err)
			}
			all = append(all, part...)
		}
	}
	rest, more, err := r.Read(f.Index, 1000)
	if err != nil || more || r.at.Mark.Index != f.Graph.Index() {
		f.TB.Fatalf("the reader stands at #%d, more %t, %v", r.at.Mark.Index, more, err)
	}
	return append(all, rest...)
}

// checkNoSecret looks for the planted secrets in what is answered, as they are and as JSON writes bytes.
func (f *fixture) checkNoSecret(answer any) {
	f.TB.Helper()
	data, err := json.Marshal(answer)
	if err != nil {
		f.TB.Fatal(err)
	}
	for _, canary := range []string{"CANARY", "Q0FOQVJZ", "DQU5BUl", "NBTkFSW", "434e4152"} {
		if bytes.Contains(data, []byte(canary)) {
			f.TB.Fatalf("a secret is shown: %s", data)
		}
	}
}

// long makes a history of n changes, a thousand at a time.
func long(b *testing.B, n int) (*fixture, *Query) {
	f, q := newFixture(b)
	var newest eventlog.AuditMark
	for begin := 0; begin < n; begin += 1000 {
		var logs []*raft.Log
		tx := f.Log.Begin()
		for i := begin; i < begin+1000; i++ {
			c := graph.Command{By: graph.Actor{Operator: true}, Time: epoch.Add(time.Duration(i) * time.Second),
				Op: graph.AddUser{Handle: fmt.Sprintf("u%d", i)}}
			if i >= 1000 {
				c.By = graph.Actor{User: graph.UserID(1 + i%1000)}
				c.Op = graph.AddShare{Channel: graph.Pattern(fmt.Sprintf("c%d", i)), User: graph.UserID(1 + (i+1)%1000)}
			}
			command, err := json.Marshal(c)
			if err != nil {
				b.Fatal(err)
			}
			f.Index++
			if f.Graph, _, err = f.Graph.Replay(f.Index, command); err != nil {
				b.Fatal(err)
			}
			logs = append(logs,
				&raft.Log{Index: f.Index, Term: 1, Type: raft.LogCommand, Data: append([]byte{byte(entry.KindChange)}, command...)})
			e := newest.Next(f.Index, c.Time, command)
			newest = e.AuditMark
			tx.PutAudit(e)
		}
		if err := f.Log.LogStore().StoreLogs(logs); err != nil {
			b.Fatal(err)
		}
		if err := tx.Commit(f.Index); err != nil {
			b.Fatal(err)
		}
		if begin%4000 == 0 {
			f.Store(eventlog.StoredEvery)
		}
	}
	return f, q
}

// BenchmarkGraphAt rebuilds graphs at random places of 100,000 changes: from the beginning, with a stored graph each
// 65,536 events as a node keeps them, and with the waypoints of earlier questions.
func BenchmarkGraphAt(b *testing.B) {
	f, q := long(b, 100_000)
	random := rand.New(rand.NewPCG(1, 1))
	b.Run("cold", func(b *testing.B) {
		for b.Loop() {
			if _, err := past.New(f.Log, past.Config{}).GraphAt(uint64(1 + random.IntN(100_000))); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("warm", func(b *testing.B) {
		for b.Loop() {
			if _, err := q.history.GraphAt(uint64(1 + random.IntN(100_000))); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("newest 100 events", func(b *testing.B) {
		for b.Loop() {
			if events, _, err := q.AuditEvents(b.Context(), graph.Actor{Operator: true}, AuditFilter{Limit: 100}); err != nil ||
				len(events) != 100 {
				b.Fatal(err)
			}
		}
	})
	b.Run("verify", func(b *testing.B) {
		for b.Loop() {
			if _, err := VerifyAudit(b.Context(), f.Log, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
}
