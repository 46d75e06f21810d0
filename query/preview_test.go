package query

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hpfriends/graph"
	"hpfriends/query/view"
)

// What a preview says is what happens if the share is added and everybody enables it.
func TestPreviewIsWhatTheShareWouldDo(t *testing.T) {
	further, passed, already, hidden := 0, 0, 0, 0
	for seed := range seeds(t) {
		w := newQueryWorld(t, 2000+seed)
		for i := range 300 {
			w.step()
			if i%30 != 29 {
				continue
			}
			for u := range w.Graph.Users() {
				add := graph.AddShare{Channel: w.pattern(), Type: []graph.ShareType{graph.Own, graph.All}[w.IntN(2)]}
				if w.IntN(2) == 0 {
					add.User = w.someUser()
				} else {
					add.Group = w.someGroup()
				}
				p, err := w.q.PreviewShare(t.Context(), graph.Actor{User: u.ID}, add, day.Add(time.Duration(w.Index)*time.Second))
				if err != nil {
					continue // refused, as adding it would be
				}
				w.checkPreview(u.ID, add, p)
				w.checkPreviewTraffic(u.ID, add, p)
				further, passed, already = further+p.Further.Count, passed+len(p.PassesOn), already+p.Receivers.Already
				if p.Receivers.Hidden {
					hidden++
				}
				if t.Failed() {
					t.Fatalf("seed %d, step %d: %+v by %s", seed, i, add, u.Handle)
				}
			}
		}
	}
	if further < 20 || passed < 20 || already < 20 || hidden < 20 {
		t.Errorf("further %d, passed on %d, already %d, hidden %d: this test looks at too little",
			further, passed, already, hidden)
	}
}

// reached are the users whom an origin reaches on at least one channel of a pattern.
func reached(g *graph.Graph, origin graph.UserID, pattern graph.Pattern) map[graph.UserID]bool {
	all := make(map[graph.UserID]bool)
	for u := range reachedWholly(g, origin, pattern, false) {
		all[u] = true
	}
	return all
}

// reachedWholly counts the channels on which users are reached: one for each pattern in the graph, which only the
// patterns that hold all of it select.
func reachedWholly(g *graph.Graph, origin graph.UserID, pattern graph.Pattern, wholly bool) map[graph.UserID]int {
	patterns := map[graph.Pattern]bool{pattern: true}
	for s := range g.Shares() {
		patterns[s.Channel] = true
	}
	times, channels := make(map[graph.UserID]int), 0
	for p := range patterns {
		channel := string(p)
		if prefix, ok := strings.CutSuffix(channel, "*"); ok {
			channel = prefix + "~"
		}
		if !pattern.Match(channel) {
			continue
		}
		channels++
		for u := range g.Reach(origin, channel).All() {
			times[u]++
		}
	}
	for u, n := range times {
		if wholly && n < channels {
			delete(times, u)
		}
	}
	return times
}

func (w *world) checkPreview(by graph.UserID, add graph.AddShare, p view.SharePreview) {
	w.TB.Helper()
	before, after := w.Graph, w.Graph
	actor := graph.Actor{User: by}
	do := func(by graph.UserID, op graph.Op) uint64 {
		g, out, err := after.Apply(after.Index()+1, graph.Command{By: graph.Actor{User: by}, Time: day, Op: op})
		if errors.Is(err, graph.ErrConflict) {
			for s := range after.SharesOf(by) {
				if s.Channel == add.Channel && s.User == add.User && s.Group == add.Group {
					if p.Existing == nil || p.Existing.ID != s.ID {
						w.TB.Errorf("share #%d is there already: %+v", s.ID, p.Existing)
					}
					again := graph.RemoveShare{Share: s.ID}
					if after, _, err = after.Apply(after.Index()+1, graph.Command{By: graph.Actor{User: by}, Op: again}); err == nil {
						g, out, err = after.Apply(after.Index()+1, graph.Command{By: graph.Actor{User: by}, Time: day, Op: op})
					}
					before = after
				}
			}
		}
		if err == nil {
			after = g
		}
		return out.Object
	}
	id := graph.ShareID(do(by, add))
	if p.Existing != nil {
		return // it reaches already what it reaches
	}
	receivers := make(map[graph.UserID]bool)
	for u := range receiversOf(after, add) {
		if u.Enabled && u.ID != by {
			receivers[u.ID] = true
			do(u.ID, graph.DecideShare{Share: id, Accept: true})
		}
	}
	already := reachedWholly(before, by, add.Channel, true)
	was, is := reached(before, by, add.Channel), reached(after, by, add.Channel)
	n, m, further := 0, 0, 0
	for u := range is {
		_, all := already[u]
		switch {
		case receivers[u] && all:
			n, m = n+1, m+1
		case receivers[u]:
			n++
		case !was[u]:
			further++
		}
	}
	if gr, ok := w.Graph.Group(add.Group); ok && !w.Graph.Viewer(actor).CanSeeMembers(gr) {
		if !p.Receivers.Hidden || p.Receivers.Count+p.Receivers.Already+len(p.Receivers.Users) > 0 {
			w.TB.Errorf("of a group whose members are not to be seen: %+v", p.Receivers)
		}
	} else if p.Receivers.Count != n || p.Receivers.Already != m {
		w.TB.Errorf("receivers %+v, want %d, %d of them already", p.Receivers, n, m)
	}
	if p.Further.Count != further {
		w.TB.Errorf("further %+v, want %d", p.Further, further)
	}
	if len(p.Further.Users) > 0 && !w.Graph.Viewer(actor).CanSeeAll() {
		w.TB.Errorf("whom others share with is told by name: %v", p.Further.Users)
	}
}

func (w *world) checkPreviewTraffic(by graph.UserID, add graph.AddShare, p view.SharePreview) {
	w.TB.Helper()
	begin, err := w.Log.StartAt(day.Add(time.Duration(w.Index)*time.Second - 24*time.Hour))
	if err != nil {
		w.TB.Fatal(err)
	}
	count, newest := map[string]uint64{}, ""
	for i := w.Log.Floor(); i <= w.Log.Applied(); i++ {
		b, err := w.Log.Batch(i)
		if err != nil {
			continue
		}
		for _, r := range b.Runs {
			from, ok := w.Graph.Reach(graph.UserID(r.Origin), r.Channel).VisibleFrom(by)
			own := graph.UserID(r.Origin) == by
			if !ok || from > i || !add.Channel.Match(r.Channel) || add.Type == graph.Own && !own {
				continue
			}
			newest = fmt.Sprintf("#%d.%d", i, r.First+r.Count-1)
			if i >= begin {
				count[handle(w.Graph, graph.UserID(r.Origin))] += uint64(r.Count)
			}
		}
	}
	sum := uint64(0)
	for _, n := range count {
		sum += n
	}
	if p.Day.Messages != sum {
		w.TB.Errorf("%d messages in a day, want %d", p.Day.Messages, sum)
	}
	for _, o := range p.PassesOn {
		if o.Messages != count[o.User] {
			w.TB.Errorf("passes on %+v, want %v", o, count)
		}
	}
	if newest == "" && p.Sample != nil || newest != "" && (p.Sample == nil || p.Sample.Position != newest) {
		w.TB.Errorf("sample %+v, want %s", p.Sample, newest)
	}
}

// A preview names the receivers and the authkeys that may publish, and says what stands in the way.
func TestPreviewOfAShare(t *testing.T) {
	f, q := newFixture(t)
	ada := graph.UserID(f.change(0, graph.AddUser{Handle: "ada"}))
	bob := graph.UserID(f.change(0, graph.AddUser{Handle: "bob"}))
	cleo := graph.UserID(f.change(0, graph.AddUser{Handle: "cleo"}))
	lab := graph.GroupID(f.change(ada, graph.AddGroup{Name: "lab"}))
	f.change(ada, graph.AddMember{Group: lab, User: bob})
	f.change(ada, graph.AddAuthkey{Ident: "other", Secret: []byte{1}, Pub: []graph.Pattern{"d"}})
	s := graph.ShareID(f.change(bob, graph.AddShare{Channel: "c*", User: cleo, Type: graph.All}))
	f.change(cleo, graph.DecideShare{Share: s, Accept: true})
	preview := func(by graph.Actor, add graph.AddShare) view.SharePreview {
		t.Helper()
		p, err := q.PreviewShare(t.Context(), by, add, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	toLab := graph.AddShare{Channel: "c.x", Group: lab}
	p := preview(graph.Actor{User: ada}, toLab)
	if got := fmt.Sprintf("%+v %+v %v", p.Receivers, p.Further, p.Authkeys); got !=
		"{Count:1 Users:[bob] Group:lab Hidden:false Already:0 AtLeast:false} "+
			"{Count:1 Users:[] Group: Hidden:false Already:0 AtLeast:false} []" {
		t.Errorf("ada to the lab: %s", got)
	}
	f.change(ada, graph.AddAuthkey{Ident: "sensor", Secret: []byte{1}, Pub: []graph.Pattern{"c.*"}})
	f.change(ada, toLab)
	if p := preview(graph.Actor{User: ada}, toLab); p.Existing == nil || !slices.Equal(p.Authkeys, []string{"sensor"}) {
		t.Errorf("the same share again: %+v", p)
	}
	if p := preview(graph.Actor{User: cleo}, toLab); !p.Receivers.Hidden || len(p.Receivers.Users) != 0 {
		t.Errorf("cleo, who is not of the lab: %+v", p.Receivers)
	}
	for _, bad := range []graph.AddShare{{Channel: "c", User: ada}, {Channel: "$c", User: bob}, {Channel: "c"}} {
		if p, err := q.PreviewShare(t.Context(), graph.Actor{User: ada}, bad, time.Now()); err == nil {
			t.Errorf("%+v: %+v", bad, p)
		}
	}
}
