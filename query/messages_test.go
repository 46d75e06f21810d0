package query

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/wire"
)

// history is a fixture whose log is in memory, with random content.
type pastWorld struct {
	*fixture
	q     *Query
	roll  func(n int) int
	clock int64 // unix milliseconds
}

func newPastWorld(t *testing.T, seed uint64) *pastWorld {
	t.Helper()
	f := memory(t)
	return &pastWorld{f, New(f.Log, func() *graph.Graph { return f.Graph }, nil), rand.New(rand.NewPCG(seed, 1)).IntN,
		1_700_000_000_000}
}

// try applies an operation that may be refused.
func (h *pastWorld) try(by graph.UserID, o graph.Op) {
	h.Entry([]byte{byte(entry.KindChange)}, func(*eventlog.Tx) {})
	if g, _, err := h.Graph.Apply(h.Index,
		graph.Command{By: graph.Actor{User: by, Operator: true}, Time: time.UnixMilli(h.clock), Op: o}); err == nil {
		h.Graph = g
	}
}

func one[T any](h *pastWorld, all []T) (v T) {
	if len(all) > 0 {
		v = all[h.roll(len(all))]
	}
	return v
}

var someChannels = []string{"a", "ab", "b", "a.b", "$acks", "\xff"}

// change is one random operation, often one that takes something away.
func (h *pastWorld) change() {
	users := slices.Collect(h.Graph.Users())
	user := func() graph.UserID {
		if len(users) == 0 {
			return 0
		}
		return one(h, users).ID
	}
	groups := slices.Collect(h.Graph.Groups())
	group := one(h, groups).ID
	share := one(h, slices.Collect(h.Graph.Shares()))
	on := h.roll(2) == 0
	switch h.roll(12) {
	case 0:
		h.try(0, graph.AddUser{Handle: fmt.Sprintf("u%d", h.roll(9)),
			Role: one(h, []graph.Role{graph.Member, graph.Auditor, graph.Admin})})
	case 1:
		h.try(0, graph.EditUser{User: user(), Enabled: &on})
	case 2:
		h.try(user(), graph.AddGroup{Name: fmt.Sprintf("g%d", h.roll(3))})
	case 3, 4:
		h.try(0, graph.AddMember{Group: group, User: user()})
	case 5:
		h.try(0, graph.RemoveMember{Group: group, User: user()})
	case 6, 7, 8:
		o := graph.AddShare{
			Channel: one(h, []graph.Pattern{"a", "ab", "a*", "*", "b"}),
			Type:    one(h, []graph.ShareType{graph.Own, graph.All, graph.All}),
			History: one(h, []graph.History{graph.FromShare, graph.FromShare, graph.Full}),
		}
		if on {
			o.User = user()
		} else {
			o.Group = group
		}
		h.try(user(), o)
	case 9:
		if share != nil && h.roll(2) == 0 {
			h.try(0, graph.RemoveShare{Share: share.ID})
		}
	default:
		if share == nil {
			return
		}
		by := share.User
		if share.Group != 0 {
			by = user()
		}
		h.try(by, graph.DecideShare{Share: share.ID, Accept: h.roll(5) > 0})
	}
}

// batch appends a random batch; some are hidden, some clocks go back.
func (h *pastWorld) batch() {
	users := slices.Collect(h.Graph.Users())
	if len(users) == 0 {
		return
	}
	var b entry.Builder
	for range 1 + h.roll(5) {
		h.clock += int64(h.roll(2000) - 300)
		channel, origin := one(h, someChannels), one(h, users)
		n := 1 + h.roll(3)
		var frames []byte
		for range n {
			frames = wire.AppendPublish(frames, "key-"+origin.Handle, channel,
				fmt.Appendf(nil, "%d/%d", h.Index+1, h.roll(1000)))
		}
		b.Add(channel, 1, uint64(origin.ID), h.clock, netip.Addr{}, frames, n)
	}
	data := b.Encode([16]byte{1}, h.Index+1)
	header, err := entry.DecodeHeader(data)
	if err != nil {
		h.TB.Fatal(err)
	}
	hidden := h.roll(8) == 0
	h.Entry(data, func(tx *eventlog.Tx) {
		if hidden {
			tx.HideBatch(h.Index)
		} else {
			tx.IndexBatch(h.Index, header)
		}
	})
}

func (h *pastWorld) floor(to uint64) {
	h.Entry([]byte{99}, func(tx *eventlog.Tx) { tx.RaiseFloor(to) })
}

// naive is what may be read: every message of the log, each looked at alone, with the reach computed anew.
func (h *pastWorld) naive(viewer graph.Actor, f MessageFilter) []string {
	all := []string{}
	for i := h.Log.Floor(); i <= h.Log.Applied(); i++ {
		b, err := h.Log.Batch(i)
		if errors.Is(err, eventlog.ErrNotBatch) {
			continue
		}
		if err != nil {
			h.TB.Fatal(err)
		}
		for _, r := range b.Runs {
			frames := r.Frames
			for offset := r.First; offset < r.First+r.Count; offset++ {
				n, _ := wire.Header(frames)
				_, channel, payload, err := wire.ParsePublish(frames[:n])
				if err != nil {
					h.TB.Fatal(err)
				}
				frames = frames[n:]
				at := eventlog.Position{Index: i, Offset: offset}
				asked := slices.ContainsFunc(f.Patterns, func(p graph.Pattern) bool { return p.Match(string(channel)) })
				from, ok := h.Graph.Reach(graph.UserID(r.Origin), r.Channel).VisibleFrom(viewer.User)
				may := ok && from <= i || viewer == graph.Actor{Operator: true}
				if asked && may && at.Compare(f.From) >= 0 && (f.Until == eventlog.Position{} || at.Compare(f.Until) < 0) {
					u, _ := h.Graph.User(graph.UserID(r.Origin))
					name := ""
					if u != nil {
						name = u.Handle
					}
					all = append(all, fmt.Sprintf("%s %d %s %q %s", at, r.Time, name, channel, payload))
				}
			}
		}
	}
	if f.Newest {
		slices.Reverse(all)
	}
	if f.Limit > 0 && uint64(len(all)) > f.Limit {
		all = all[:f.Limit]
	}
	return all
}

// read is what Messages yields, and the gaps.
func (h *pastWorld) read(m *Messages) (all []string, gaps []Gap) {
	all = []string{}
	for {
		v, err := m.Next(context.Background())
		var gap *Gap
		switch {
		case err == io.EOF:
			return all, gaps
		case errors.As(err, &gap):
			gaps = append(gaps, *gap)
		case err != nil:
			h.TB.Fatal(err)
		default:
			all = append(all, fmt.Sprintf("%s %d %s %q %s", v.Position, v.Time.UnixMilli(), v.Origin, v.Channel, v.Payload))
		}
	}
}

func (h *pastWorld) somewhere() eventlog.Position {
	if h.roll(3) == 0 {
		return eventlog.Position{}
	}
	return eventlog.Position{Index: h.Log.Floor() + uint64(h.roll(int(h.Index-h.Log.Floor())+2)),
		Offset: uint32(h.roll(5))}
}

// What a reader yields is what a naive look at every message of the log yields, for whatever graph, filter and order;
// and the count is its length, and going on where it stopped misses and repeats nothing.
func TestMessagesAreThoseOfANaiveLook(t *testing.T) {
	worlds := 12
	if testing.Short() {
		worlds = 3
	}
	seen := 0
	for seed := range worlds {
		h := newPastWorld(t, uint64(seed))
		for step := range 400 {
			if h.roll(3) > 0 {
				h.change()
			} else {
				h.batch()
			}
			if step == 300 && seed%3 == 0 {
				h.floor(h.Index / 2)
			}
			if step%20 == 0 {
				seen += h.compare()
			}
		}
	}
	if seen < 1000 {
		t.Errorf("%d messages compared: this test looks at too little", seen)
	}
}

func (h *pastWorld) compare() (seen int) {
	h.TB.Helper()
	viewers := []graph.Actor{{Operator: true}, {}, {User: 12345}}
	for u := range h.Graph.Users() {
		viewers = append(viewers, graph.Actor{User: u.ID})
	}
	for _, viewer := range viewers {
		f := MessageFilter{
			Patterns: one(h, [][]graph.Pattern{{"*"}, {"a"}, {"a*", "b"}, {"a", "a*"}, {"b", "ab"}, {"z*"}}),
			From:     h.somewhere(), Until: h.somewhere(), Limit: uint64(h.roll(2) * h.roll(20)), Newest: h.roll(2) == 0,
		}
		want := h.naive(viewer, f)
		unlimited := f
		unlimited.Limit = 0
		everything := h.naive(viewer, unlimited)
		m := h.q.Messages(viewer, f)
		got, _ := h.read(m)
		if !slices.Equal(got, want) {
			h.TB.Fatalf("%+v, %+v:\n%q\nwant\n%q", viewer, f, got, want)
		}
		seen += len(got)
		count, err := h.q.CountMessages(context.Background(), viewer, f)
		if err != nil || count.Messages != uint64(len(want)) {
			h.TB.Fatalf("%+v, %+v: counted %+v, %v, want %d", viewer, f, count, err, len(want))
		}
		if f.Newest {
			f.Until = m.Rest()
		} else {
			f.From = m.Rest()
		}
		f.Limit = 0
		rest, _ := h.read(h.q.Messages(viewer, f))
		if all := append(got, rest...); !slices.Equal(all, everything) {
			h.TB.Fatalf("%+v: in two parts %q, at once %q", f, all, everything)
		}
	}
	return seen
}

// A share that is removed while somebody reads gives nothing from the next entry on.
func TestRemovedShareEndsReading(t *testing.T) {
	f, q := newFixture(t)
	ada := graph.UserID(f.change(0, graph.AddUser{Handle: "ada"}))
	bob := graph.UserID(f.change(0, graph.AddUser{Handle: "bob"}))
	s := f.change(ada, graph.AddShare{Channel: "c", User: bob})
	f.change(bob, graph.DecideShare{Share: graph.ShareID(s), Accept: true})
	first := f.message(ada, "c", "one")
	f.message(ada, "c", "two")
	mine := f.message(bob, "c", "three")
	m := q.Messages(graph.Actor{User: bob}, MessageFilter{Patterns: []graph.Pattern{"c"}})
	if v, err := m.Next(t.Context()); err != nil || v.Position.String() != first || string(v.Payload) != "one" ||
		string(v.Ident) != "key" || v.Origin != "ada" {
		t.Fatalf("%+v, %v", v, err)
	}
	f.change(ada, graph.RemoveShare{Share: graph.ShareID(s)})
	if v, err := m.Next(t.Context()); err != nil || v.Position.String() != mine {
		t.Fatalf("after the removal: %+v, %v, want %s", v, err, mine)
	}
	if _, err := m.Next(t.Context()); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
}

// A reader who began before a share, and looks at the log behind it, does not leave out what it opens: entries are far
// enough from the end to be looked for by the index.
func TestReadingMeetsAShareThatIsNew(t *testing.T) {
	f, q := newFixture(t)
	ada := graph.UserID(f.change(0, graph.AddUser{Handle: "ada"}))
	bob := graph.UserID(f.change(0, graph.AddUser{Handle: "bob"}))
	before := f.Graph
	s := f.change(ada, graph.AddShare{Channel: "c", User: bob})
	f.change(bob, graph.DecideShare{Share: graph.ShareID(s), Accept: true})
	want := f.message(ada, "c", "one")
	for range 300 {
		f.message(ada, "other", "")
	}
	for _, newest := range []bool{false, true} {
		asked := 0
		q.node.graph = func() *graph.Graph {
			if asked++; asked == 1 {
				return before
			}
			return f.Graph
		}
		m := q.Messages(graph.Actor{User: bob}, MessageFilter{Patterns: []graph.Pattern{"*"}, Newest: newest})
		if v, err := m.Next(t.Context()); err != nil || v.Position.String() != want {
			t.Errorf("newest first %t: %+v, %v, want %s", newest, v, err, want)
		}
	}
}

// message appends one message with a payload, and returns its position.
func (f *fixture) message(origin graph.UserID, channel, payload string) string {
	f.TB.Helper()
	var b entry.Builder
	b.Add(channel, 1, uint64(origin), 1_700_000_000_000+1000*int64(f.Index+1), netip.Addr{},
		wire.AppendPublish(nil, "key", channel, []byte(payload)), 1)
	data := b.Encode([16]byte{1}, f.Index+1)
	h, err := entry.DecodeHeader(data)
	if err != nil {
		f.TB.Fatal(err)
	}
	f.Entry(data, func(tx *eventlog.Tx) { tx.IndexBatch(f.Index, h) })
	return fmt.Sprintf("#%d.0", f.Index)
}

// An auditor and an admin see all of the graph and nobody's payloads; the operator may read all, and as a user no more
// than that user.
func TestRolesOpenNoPayloads(t *testing.T) {
	f, q := newFixture(t)
	ada := graph.UserID(f.change(0, graph.AddUser{Handle: "ada"}))
	eve := graph.UserID(f.change(0, graph.AddUser{Handle: "eve", Role: graph.Auditor}))
	root := graph.UserID(f.change(0, graph.AddUser{Handle: "root", Role: graph.Admin}))
	f.message(ada, "c", "x")
	for viewer, want := range map[graph.Actor]uint64{
		{User: ada}: 1, {User: eve}: 0, {User: root}: 0, {Operator: true}: 1, {Operator: true, User: eve}: 0, {}: 0,
	} {
		if c, err := q.CountMessages(t.Context(), viewer, MessageFilter{Patterns: []graph.Pattern{"*"}}); err != nil ||
			c.Messages != want {
			t.Errorf("%+v may read %d, want %d (%v)", viewer, c.Messages, want, err)
		}
	}
}

// When retention takes what a reader has not read yet, it is told exactly what, once, and goes on; who asked for
// whatever there is has missed nothing.
func TestRetentionBeforeTheReader(t *testing.T) {
	f, q := newFixture(t)
	ada := graph.UserID(f.change(0, graph.AddUser{Handle: "ada"}))
	for range 600 {
		f.message(ada, "c", "x")
	}
	h := &pastWorld{fixture: f, q: q}
	read := func(from string, newest bool) (int, string) {
		var p eventlog.Position
		if from != "" {
			p, _ = entry.ParsePosition(from)
		}
		all, gaps := h.read(q.Messages(graph.Actor{User: ada},
			MessageFilter{Patterns: []graph.Pattern{"c"}, From: p, Newest: newest}))
		return len(all), fmt.Sprint(gaps)
	}
	m := q.Messages(graph.Actor{User: ada}, MessageFilter{Patterns: []graph.Pattern{"c"}})
	for range 10 {
		if _, err := m.Next(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	h.floor(401)
	if all, gaps := h.read(m); len(all) != 201 || fmt.Sprint(gaps) != "[{#12.0 #401.0}]" {
		t.Errorf("in the middle: %d, %v", len(all), gaps)
	}
	for _, newest := range []bool{false, true} {
		if n, gaps := read("#5.3", newest); n != 201 || gaps != "[{#5.3 #401.0}]" {
			t.Errorf("from a lost position: %d, %s", n, gaps)
		}
		if n, gaps := read("", newest); n != 201 || gaps != "[]" {
			t.Errorf("from the oldest: %d, %s", n, gaps)
		}
		if n, gaps := read("#500.0", newest); n != 102 || gaps != "[]" {
			t.Errorf("from a retained position: %d, %s", n, gaps)
		}
	}
}

// Times are places: the same time is always the same place, in the middle of an entry too, and what is before it and
// what is after it make the whole.
func TestPlaces(t *testing.T) {
	f, q := newFixture(t)
	var b entry.Builder
	for i := range 4 { // times 1000, 1010, 1020, 1030; two messages each
		frames := wire.AppendPublish(wire.AppendPublish(nil, "k", "c", nil), "k", "c", nil)
		b.Add("c", 1, 1, 1_700_000_001_000+int64(10*i), netip.Addr{}, frames, 2)
	}
	data := b.Encode([16]byte{1}, 1)
	header, _ := entry.DecodeHeader(data)
	f.Entry(data, func(tx *eventlog.Tx) { tx.IndexBatch(f.Index, header) })
	now := time.UnixMilli(1_700_000_011_020)
	for in, want := range map[string]string{
		"first": "#1.0", "#1.3": "#1.3", "1.3": "#1.3", "#7": "#7.0", "10s": "#1.4", "9s": "#2.0", "1h": "#1.0",
		"now": "#2.0", "@1700000001": "#1.0",
		"1700000001005": "#1.2", "2023-11-14T22:13:21.03Z": "#1.6",
	} {
		if p, err := q.ParsePosition(in, now); err != nil || p.String() != want {
			t.Errorf("%s: %s, %v, want %s", in, p, err, want)
		}
	}
	for _, in := range []string{"", "#", "#x", "1.2.3", "#01.0", "soon", "#1.-1", "."} {
		if p, err := q.ParsePosition(in, now); !errors.Is(err, graph.ErrInvalid) {
			t.Errorf("%q: %s, %v", in, p, err)
		}
	}
}

func TestReadingEndsWithItsContext(t *testing.T) {
	f, q := newFixture(t)
	ada := graph.UserID(f.change(0, graph.AddUser{Handle: "ada"}))
	f.message(ada, "c", "x")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := q.Messages(graph.Actor{User: ada},
		MessageFilter{Patterns: []graph.Pattern{"c"}}).Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// What a reader has returned stays what it is, although the room of batches without a message for it is used again.
func TestFoundMessagesLast(t *testing.T) {
	f, q := newFixture(t)
	ada := graph.UserID(f.change(0, graph.AddUser{Handle: "ada"}))
	var want []string
	for i := range 30 {
		text := fmt.Sprintf("message %d %s", i, strings.Repeat("long enough to be compressed ", 8+i%5))
		if i%3 == 0 {
			text += "here"
			want = append(want, text)
		}
		f.send(ada, "a", text)
	}
	for _, newest := range []bool{false, true} {
		var got [][]byte
		m := q.Messages(graph.Actor{User: ada},
			MessageFilter{Patterns: []graph.Pattern{"*"}, Contains: []byte("here"), Newest: newest})
		for {
			found, err := m.Next(t.Context())
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, found.Payload)
		}
		if newest {
			slices.Reverse(got)
		}
		if !slices.EqualFunc(got, want, func(b []byte, s string) bool { return string(b) == s }) {
			t.Errorf("newest first: %v, found %q", newest, got)
		}
	}
}
