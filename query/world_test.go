package query

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/query/traffic"
)

// world is a log in which changes of the graph and batches of messages follow each other at random.
type world struct {
	*fixture
	*rand.Rand
	q *Query
}

var day = time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)

// dictionary is what things are called: words that contain each other, differ in case, and are hostile.
var dictionary = []string{"ab", "a", "AB.c", "straße", "STRASSE", "ſtraße", "x ab", "ab\x00c", "a\xffb", "b.ab", "Ünal",
	"ünal.a", "<b>"}

func newQueryWorld(t *testing.T, seed uint64) *world {
	t.Helper()
	w := &world{memory(t), rand.New(rand.NewPCG(seed, 0)), nil}
	w.restart()
	return w
}

// restart makes what was not stored be forgotten.
func (w *world) restart() {
	w.q = New(w.Log, func() *graph.Graph { return w.Graph }, nil)
	w.q.traffic = traffic.New(w.Log, traffic.Limits{Batches: 4, Bytes: 400, Series: 5, Entries: 12, Unwanted: 3})
}

func (w *world) word() string { return dictionary[w.IntN(len(dictionary))] }

// text is a word that the graph takes.
func (w *world) text() string {
	for {
		if s := w.word(); graph.ValidateIdent(s) == nil {
			return s
		}
	}
}

func (w *world) some(seq func(func(uint64) bool)) uint64 {
	if all := slices.Collect(seq); len(all) > 0 {
		return all[w.IntN(len(all))]
	}
	return 0
}

func (w *world) someUser() graph.UserID {
	return graph.UserID(w.some(func(yield func(uint64) bool) {
		for u := range w.Graph.Users() {
			if !yield(uint64(u.ID)) {
				return
			}
		}
	}))
}

func (w *world) someGroup() graph.GroupID {
	return graph.GroupID(w.some(func(yield func(uint64) bool) {
		for g := range w.Graph.Groups() {
			if !yield(uint64(g.ID)) {
				return
			}
		}
	}))
}

func (w *world) someShare() *graph.Share {
	id := w.some(func(yield func(uint64) bool) {
		for s := range w.Graph.Shares() {
			if !yield(uint64(s.ID)) {
				return
			}
		}
	})
	s, _ := w.Graph.Share(graph.ShareID(id))
	return s
}

func (w *world) pattern() graph.Pattern {
	return graph.Pattern([]string{"*", "a*", "ab*", w.text(), w.text()}[w.IntN(5)])
}

// try applies an operation at the next index; it may be refused, and is in the log all the same.
func (w *world) try(by graph.UserID, op graph.Op) {
	w.Entry([]byte{byte(entry.KindChange)}, func(*eventlog.Tx) {})
	c := graph.Command{By: graph.Actor{User: by, Operator: by == 0}, Time: day.Add(time.Duration(w.Index) * time.Minute),
		Op: op}
	if g, _, err := w.Graph.Apply(w.Index, c); err == nil {
		w.Graph = g
	}
}

func (w *world) step() {
	on := w.IntN(5) > 0
	switch w.IntN(30) {
	case 0, 1:
		w.try(0, graph.AddUser{Handle: fmt.Sprintf("ab%d", w.Index), Name: w.text(),
			Role: []graph.Role{"", "", "", graph.Auditor}[w.IntN(4)]})
	case 2:
		w.try(0, graph.EditUser{User: w.someUser(), Enabled: &on})
	case 3:
		if w.IntN(4) == 0 {
			w.try(0, graph.RemoveUser{User: w.someUser()})
		}
	case 4:
		w.try(w.someUser(), graph.AddGroup{Name: w.text()})
	case 5, 6:
		w.try(0, graph.AddMember{Group: w.someGroup(), User: w.someUser()})
	case 7:
		w.try(0, graph.RemoveMember{Group: w.someGroup(), User: w.someUser()})
	case 8:
		w.try(w.someUser(), graph.AddAuthkey{Ident: fmt.Sprint(w.text(), w.Index), Secret: []byte{1}, Comment: w.text(),
			Pub: []graph.Pattern{w.pattern()}, Sub: []graph.Pattern{w.pattern()}})
	case 9, 10, 11, 12:
		s := graph.AddShare{Channel: w.pattern(), Note: w.text(), Type: []graph.ShareType{graph.Own, graph.All}[w.IntN(2)],
			History: []graph.History{graph.FromShare, graph.FromShare, graph.Full}[w.IntN(3)]}
		if w.IntN(3) > 0 {
			s.User = w.someUser()
		} else {
			s.Group = w.someGroup()
		}
		w.try(w.someUser(), s)
		fallthrough // an acceptance, perhaps of this one
	case 13, 14, 15, 16:
		if s := w.someShare(); s != nil {
			by := s.User
			if by == 0 {
				by = w.someUser()
			}
			w.try(by, graph.DecideShare{Share: s.ID, Accept: on})
		}
	case 17:
		if s := w.someShare(); s != nil && !on {
			w.try(0, graph.RemoveShare{Share: s.ID})
		}
	case 18:
		w.refuse(w.someUser())
	case 19:
		w.Entry([]byte{byte(entry.KindReport)}, func(*eventlog.Tx) {})
	case 20:
		if floor := w.Log.Floor() + w.Uint64N(10); w.IntN(2) == 0 && floor < w.Index {
			w.Entry([]byte{byte(entry.KindReport)}, func(tx *eventlog.Tx) { tx.RaiseFloor(floor) })
		}
	case 21:
		w.restart()
	default:
		w.batch(w.IntN(8) == 0, func() (graph.UserID, string) { return w.someUser(), w.word() })
	}
}

// batch appends some runs; a hidden one was refused or is a repetition.
func (w *world) batch(hidden bool, series func() (graph.UserID, string)) {
	var b entry.Builder
	for range 1 + w.IntN(4) {
		origin, channel := series()
		n := 1 + w.IntN(3)
		var frames []byte
		for range n {
			frames = append(frames, 0, 0, 0, 8, 3, 1, 'x', 0)
		}
		b.Add(channel, 1, uint64(origin), day.UnixMilli()+int64(w.Index)*1000+w.Int64N(50), netip.Addr{}, frames, n)
	}
	data := b.Encode([16]byte{1}, w.Index)
	h, err := entry.DecodeHeader(data)
	if err != nil {
		w.TB.Fatal(err)
	}
	index := w.Index + 1
	w.Entry(data, func(tx *eventlog.Tx) {
		if hidden {
			tx.HideBatch(index)
		} else {
			tx.IndexBatch(index, h)
		}
	})
}

// refuse puts a row into the logs of a user, or of nobody.
func (w *world) refuse(owner graph.UserID) {
	r := entry.Refusal{Owner: uint64(owner), Ident: w.text(), Message: "Authkey not allowed to publish here.",
		Channel: w.text(), Addr: "192.0.2.1", First: day, Last: day.Add(w.rand()), Count: 1}
	v, tx := r.AppendStored(nil), w.Log.BeginUpdate()
	row := append(eventlog.IndexKey(uint64(owner)), fmt.Sprintf("%016d", w.Uint32())...)
	tx.Put(eventlog.SpaceLogs, row, v)
	tx.Put(eventlog.SpaceRecent, eventlog.RecentKey(r.Last, row), v)
	if err := tx.Commit(); err != nil {
		w.TB.Fatal(err)
	}
}

func (w *world) rand() time.Duration { return time.Duration(w.IntN(5)) * time.Second }

// viewers are everybody, nobody, and the operator.
func (w *world) viewers() []graph.Actor {
	all := []graph.Actor{{Operator: true}, {User: 999}}
	for u := range w.Graph.Users() {
		all = append(all, graph.Actor{User: u.ID})
	}
	return all
}
