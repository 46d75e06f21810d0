package query

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/query/traffic"
	"hpfriends/query/view"
)

// seen by the naive model: every message of the log, one by one.
func (w *world) naive(viewer graph.Actor, since uint64) map[string]map[graph.UserID]traffic.Span {
	g, all := w.Graph, map[string]map[graph.UserID]traffic.Span{}
	self, ok := g.User(viewer.User)
	if !g.Viewer(viewer).CanSeeAll() && (!ok || !g.Viewer(viewer).CanSeeUser(self)) {
		return all
	}
	for i := max(w.Log.Floor(), since); i <= w.Log.Applied(); i++ {
		b, err := w.Log.Batch(i)
		if err != nil {
			continue
		}
		for _, r := range b.Runs {
			from, ok := g.Reach(graph.UserID(r.Origin), r.Channel).VisibleFrom(viewer.User)
			if !g.Viewer(viewer).CanSeeAll() && (!ok || from > i) {
				continue
			}
			for n := range r.Count {
				p := traffic.Mark{Position: eventlog.Position{Index: i, Offset: r.First + n}, Millis: r.Time}
				if all[r.Channel] == nil {
					all[r.Channel] = map[graph.UserID]traffic.Span{}
				}
				s, met := all[r.Channel][graph.UserID(r.Origin)]
				if !met {
					s.First = p
				}
				s.Newest, s.Messages, s.Bytes = p, s.Messages+1, s.Bytes+8
				all[r.Channel][graph.UserID(r.Origin)] = s
			}
		}
	}
	return all
}

// holdsWord reports whether word occurs in s in any case: by trying each part of it.
func holdsWord(s, word string) bool {
	for i := range len(s) + 1 {
		for j := i; j <= len(s); j++ {
			if strings.EqualFold(s[i:j], word) {
				return true
			}
		}
	}
	return false
}

func matches(text string, fields ...string) bool {
	for _, w := range strings.Fields(text) {
		if !slices.ContainsFunc(fields, func(f string) bool { return holdsWord(f, w) }) {
			return false
		}
	}
	return true
}

func names[T ~string](list []T) (all []string) {
	for _, p := range list {
		all = append(all, string(p))
	}
	return all
}

// naiveHits looks at everything there is, and asks the graph for each thing whether the viewer may see it.
func (w *world) naiveHits(viewer graph.Actor, text string) map[string]bool {
	g, hits := w.Graph, map[string]bool{}
	channels := w.naive(viewer, 0)
	add := func(kind view.Kind, id any, ok bool, fields ...string) {
		if ok && matches(text, fields...) {
			hits[fmt.Sprintf("%s %v", kind, id)] = true
		}
	}
	for name := range channels {
		add(view.KindChannel, strconv.Quote(name), true, name)
	}
	for u := range g.Users() {
		add(view.KindUser, u.ID, g.Viewer(viewer).CanSeeUser(u), u.Handle, u.Name)
	}
	for gr := range g.Groups() {
		add(view.KindGroup, gr.ID, g.Viewer(viewer).CanSeeGroup(gr), gr.Name)
	}
	for k := range g.Authkeys() {
		sees := g.Viewer(viewer).CanSeeAuthkey(k)
		fields := append(append(names(k.Pub), names(k.Sub)...), k.Ident, k.Comment, handle(g, k.Owner))
		add(view.KindAuthkey, k.ID, sees, fields...)
		for _, p := range append(slices.Clone(k.Pub), k.Sub...) {
			add(view.KindChannel, strconv.Quote(string(p)), sees && !p.IsPrefix(), string(p))
		}
	}
	for s := range g.Shares() {
		to := handle(g, s.User)
		if gr, ok := g.Group(s.Group); ok {
			to = gr.Name
		}
		sees := g.Viewer(viewer).CanSeeShare(s)
		add(view.KindShare, s.ID, sees, string(s.Channel), s.Note, handle(g, s.Owner), to)
		add(view.KindChannel, strconv.Quote(string(s.Channel)), sees && !s.Channel.IsPrefix(), string(s.Channel))
	}
	_ = w.Log.Scan(eventlog.SpaceLogs, nil, nil, func(k, v []byte) error {
		r, err := entry.DecodeRefusal(v)
		if err != nil {
			w.TB.Fatal(err)
		}
		self, ok := g.User(viewer.User)
		sees := g.Viewer(viewer).CanSeeAll() || ok && g.Viewer(viewer).CanSeeUser(self) && uint64(self.ID) == r.Owner
		add(view.KindLog, fmt.Sprint(r.Ident, r.Channel, r.Last), sees, r.Message, r.Ident, r.Channel, r.Addr)
		return nil
	})
	return hits
}

func hitName(h view.Hit) string {
	switch {
	case h.Channel != nil:
		name := h.Channel.Name
		if h.Channel.Raw != nil {
			name = string(h.Channel.Raw)
		}
		return fmt.Sprintf("%s %q", h.Kind, name)
	case h.Log != nil:
		return fmt.Sprintf("%s %v", h.Kind, fmt.Sprint(h.Log.Identifier, h.Log.Channel, h.Log.Time))
	case h.Group != nil:
		return fmt.Sprintf("%s %v", h.Kind, h.Group.ID)
	case h.User != nil:
		return fmt.Sprintf("%s %v", h.Kind, h.User.ID)
	case h.Share != nil:
		return fmt.Sprintf("%s %v", h.Kind, h.Share.ID)
	case h.Authkey != nil:
		return fmt.Sprintf("%s %v", h.Kind, h.Authkey.ID)
	}
	return "empty"
}

func (w *world) search(viewer graph.Actor, q SearchQuery) view.SearchResult {
	w.TB.Helper()
	r, err := w.q.Search(w.TB.Context(), viewer, q)
	if err != nil {
		w.TB.Fatalf("%+v: %v", q, err)
	}
	return r
}

func (w *world) checkSearch(viewer graph.Actor, text string) {
	w.TB.Helper()
	want := w.naiveHits(viewer, text)
	got := map[string]bool{}
	all := w.search(viewer, SearchQuery{Text: text, Limit: MaxSearchLimit})
	for _, h := range all.Hits {
		got[hitName(h)] = true
	}
	if !reflect.DeepEqual(got, want) {
		w.TB.Errorf("search for %q as %+v: %v, want %v", text, viewer, got, want)
	}
	// Page by page it is the same, in the same order.
	var paged []view.Hit
	for _, kind := range view.Kinds {
		for q := (SearchQuery{Text: text, Kinds: []view.Kind{kind}, Limit: 2}); ; {
			r := w.search(viewer, q)
			paged = append(paged, r.Hits...)
			if len(r.Hits) > 2 || (r.Next != "") != (len(r.More) > 0) {
				w.TB.Fatalf("page %+v", r)
			}
			if q.After = r.Next; q.After == "" {
				break
			}
		}
	}
	if len(paged)+len(all.Hits) > 0 && toJSON(w.TB, all.Hits) != toJSON(w.TB, paged) {
		w.TB.Errorf("search for %q as %+v in pages: %v, want %v", text, viewer, hitNames(paged), hitNames(all.Hits))
	}
}

func hitNames(all []view.Hit) (names []string) {
	for _, h := range all {
		names = append(names, hitName(h))
	}
	return names
}

func toJSON(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// checkChannels compares the lists, the counts and the top with the naive model.
func (w *world) checkChannels(viewer graph.Actor) {
	w.TB.Helper()
	naive := w.naive(viewer, 0)
	all, err := w.q.Channels(w.TB.Context(), viewer, "", "", 0)
	if err != nil {
		w.TB.Fatal(err)
	}
	var got []string
	for _, c := range all {
		name := c.Name
		if c.Raw != nil {
			name = string(c.Raw)
		}
		got = append(got, name)
		d, err := w.q.Channel(w.TB.Context(), viewer, name)
		if err != nil {
			w.TB.Fatalf("%q: %v", name, err)
		}
		var sum, empty traffic.Span
		for _, s := range naive[name] {
			sum.Merge(s)
		}
		if sum == empty || d.Amount != amount(sum) || d.Position != sum.Newest.String() || c.Position != d.Position ||
			!c.Last.Equal(sum.Newest.When()) || len(d.Origins) != len(naive[name]) {
			w.TB.Errorf("channel %q as %+v: %+v, want %+v", name, viewer, d, naive[name])
		}
		for _, o := range d.Origins {
			u, _ := w.Graph.UserByHandle(o.User)
			if u == nil {
				continue // removed: it is in the sum
			}
			if s := naive[name][u.ID]; o.Amount != amount(s) || o.Position != s.Newest.String() {
				w.TB.Errorf("channel %q of %s as %+v: %+v, want %+v", name, o.User, viewer, o, s)
			}
		}
	}
	var want []string
	for name := range naive {
		want = append(want, name)
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		w.TB.Errorf("channels of %+v: %q, want %q", viewer, got, want)
	}
	if _, err := w.q.Channel(w.TB.Context(), viewer, "no such"); err == nil {
		w.TB.Error("a channel that nobody published on was found")
	}
	w.checkTop(viewer)
}

func (w *world) checkTop(viewer graph.Actor) {
	w.TB.Helper()
	window := time.Duration(w.IntN(40)) * time.Second
	now, since := day.Add(time.Duration(w.Index)*time.Second), uint64(0)
	if window > 0 {
		var err error
		if since, err = w.Log.IndexAt(now.Add(-window)); err != nil {
			w.TB.Fatal(err)
		}
	}
	naive := w.naive(viewer, since)
	top, err := w.q.Top(w.TB.Context(), viewer, TopQuery{By: TopMessages, Window: window, Limit: 3}, now)
	if err != nil {
		w.TB.Fatal(err)
	}
	if len(top) != min(3, len(naive)) {
		w.TB.Errorf("top of %+v over %v: %+v, want the first of %v", viewer, window, top, naive)
	}
	total := func(name string) (n, bytes uint64) {
		for _, s := range naive[name] {
			n, bytes = n+s.Messages, bytes+s.Bytes
		}
		return n, bytes
	}
	least := ^uint64(0)
	for _, c := range top {
		name := c.Name
		if c.Raw != nil {
			name = string(c.Raw)
		}
		n, bytes := total(name)
		if c.Messages != n || c.Bytes != bytes || c.Origins != len(naive[name]) || n > least {
			w.TB.Errorf("top of %+v over %v: %+v, want %d messages of %d bytes", viewer, window, c, n, bytes)
		}
		least = n
		delete(naive, name)
	}
	for name := range naive {
		if n, _ := total(name); n > least {
			w.TB.Errorf("top of %+v over %v lacks %q with %d messages", viewer, window, name, n)
		}
	}
}

func seeds(t *testing.T) uint64 {
	n, err := strconv.ParseUint(os.Getenv("HPFRIENDS_TEST_SEEDS"), 10, 64)
	if err != nil {
		n = 8
	}
	t.Logf("%d seeds (HPFRIENDS_TEST_SEEDS)", n)
	return n
}

// Whatever the graph and the log: a viewer finds exactly what the CanSee predicates and the reach of each single
// message allow them, with the counts that this gives.
func TestSearchFindsExactlyWhatTheViewerMaySee(t *testing.T) {
	hits := 0
	for seed := range seeds(t) {
		w := newQueryWorld(t, seed)
		for i := range 240 {
			w.step()
			if i%40 != 39 {
				continue
			}
			for _, viewer := range w.viewers() {
				w.checkChannels(viewer)
				for _, text := range []string{w.word(), w.word() + " " + w.word(),
					[]string{"a", "B", "publish", "strasse", "192.0"}[w.IntN(5)]} {
					w.checkSearch(viewer, text)
					hits += len(w.naiveHits(viewer, text))
				}
			}
			if err := traffic.Verify(t.Context(), w.Log); err != nil {
				t.Fatalf("seed %d, step %d: %v", seed, i, err)
			}
			if t.Failed() {
				t.Fatalf("seed %d, step %d", seed, i)
			}
		}
	}
	if hits < 1000 {
		t.Errorf("only %d hits: this test looks at too little", hits)
	}
}

// What others do among themselves changes nothing that a viewer finds: not the hits, their order, their fields, nor
// whether there are more.
func TestWhatIsInvisibleDoesNotInfluenceHits(t *testing.T) {
	changed := 0
	for seed := range seeds(t) {
		w := newQueryWorld(t, 1000+seed)
		for range 120 {
			w.step()
		}
		ada := w.addUser("ada") // sees what concerns her
		bob, eve := w.addUser("bob"), w.addUser("eve")
		for range 60 {
			w.step()
		}
		on := true
		w.try(0, graph.EditUser{User: ada, Enabled: &on})
		if len(w.search(graph.Actor{User: ada}, SearchQuery{Text: "ab", Limit: 5}).Hits) == 0 {
			continue // she was removed
		}
		before := w.everything(ada)
		all := w.everything(0)
		secret := graph.UserID(0)
		for _, u := range []graph.UserID{bob, eve} {
			if _, ok := w.Graph.User(u); ok {
				secret = u
			}
		}
		if secret == 0 {
			continue
		}
		for i := range 20 {
			w.among(secret, ada, i)
		}
		if after := w.everything(ada); after != before {
			t.Fatalf("seed %d: what ada finds has changed from\n%s\nto\n%s", seed, before, after)
		}
		if w.everything(0) != all {
			changed++
		}
	}
	if changed == 0 {
		t.Error("nothing was changed: this test looks at too little")
	}
}

func (w *world) addUser(handle string) graph.UserID {
	w.try(0, graph.AddUser{Handle: handle})
	return graph.UserID(w.Index)
}

// everything is all that a viewer can find with the words there are, and all they can see of channels.
func (w *world) everything(viewer graph.UserID) string {
	w.TB.Helper()
	a := graph.Actor{User: viewer, Operator: viewer == 0}
	var all []any
	for _, word := range append(dictionary, "secret", "publish", "everyone") {
		for _, limit := range []int{1, 3, 1000} {
			all = append(all, w.search(a, SearchQuery{Text: word, Limit: limit}))
		}
	}
	channels, err := w.q.Channels(w.TB.Context(), a, "", "", 0)
	if err != nil {
		w.TB.Fatal(err)
	}
	for _, c := range channels {
		name := c.Name
		if c.Raw != nil {
			name = string(c.Raw)
		}
		d, err := w.q.Channel(w.TB.Context(), a, name)
		if err != nil {
			w.TB.Fatal(err)
		}
		all = append(all, d)
	}
	top, err := w.q.Top(w.TB.Context(), a, TopQuery{By: TopBytes, Limit: 2}, day)
	if err != nil {
		w.TB.Fatal(err)
	}
	for _, channel := range []graph.Pattern{"*", "ab", "a*"} {
		for _, t := range []graph.ShareType{graph.Own, graph.All} {
			add := graph.AddShare{Channel: channel, Type: t, Group: graph.Everyone}
			p, err := w.q.PreviewShare(w.TB.Context(), a, add, day)
			all = append(all, p, fmt.Sprint(err))
		}
	}
	return toJSON(w.TB, append(all, top))
}

// among changes something that belongs to owner and that the viewer may not see.
func (w *world) among(owner, viewer graph.UserID, i int) {
	sees := func(channel string) bool { return w.Graph.Reach(owner, channel).Has(viewer) }
	role, on, note := graph.Auditor, true, "secret ab"
	switch i % 6 {
	case 0:
		w.try(owner, graph.AddAuthkey{Ident: fmt.Sprintf("ab secret %d", i), Secret: []byte{1}, Comment: w.text(),
			Pub: []graph.Pattern{"ab", "secret"}, Sub: []graph.Pattern{w.pattern()}})
	case 1:
		for k := range w.Graph.AuthkeysOf(owner) {
			w.try(owner, graph.EditAuthkey{Authkey: k.ID, Comment: &note})
		}
	case 2: // to somebody else, and not accepted: it delivers nothing to anybody
		if to := w.someUser(); to != viewer {
			w.try(owner, graph.AddShare{Channel: w.pattern(), User: to, Note: note})
		}
	case 3:
		w.refuse(owner)
		w.refuse(0)
	case 4:
		if c := w.word(); !sees(c) {
			w.batch(false, func() (graph.UserID, string) { return owner, c })
		}
		w.batch(true, func() (graph.UserID, string) { return viewer, "ab" })
	case 5:
		w.try(0, graph.EditUser{User: owner, Role: &role, Enabled: &on})
	}
}

// The records survive a restart, equal those that the log gives from the beginning, and a wrong one is found.
func TestRecordsOfChannelsEqualTheLog(t *testing.T) {
	w := newQueryWorld(t, 7)
	for range 300 {
		w.step()
	}
	operator := graph.Actor{Operator: true}
	before := w.everything(0)
	w.restart()
	if after := w.everything(0); after != before {
		t.Fatalf("after a restart\n%s\nbefore\n%s", after, before)
	}
	tx := w.Log.BeginUpdate()
	tx.DeleteRange(eventlog.SpaceChannels, nil, nil)
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	// A process that has them in memory notices with the next entry, as when a snapshot is installed.
	w.Entry([]byte{byte(entry.KindReport)}, func(*eventlog.Tx) {})
	if rebuilt := w.everything(0); rebuilt != before {
		t.Fatalf("rebuilt\n%s\nbefore\n%s", rebuilt, before)
	}
	// Records of a longer log, as a snapshot could bring them, are of no use.
	tx = w.Log.BeginUpdate()
	tx.Put(eventlog.SpaceChannels, []byte{'c'}, append(eventlog.IndexKey(w.Index+100), eventlog.IndexKey(0)...))
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := traffic.Verify(t.Context(), w.Log); err == nil {
		t.Error("records of entries that are not there were not found")
	}
	w.restart()
	if rebuilt := w.everything(0); rebuilt != before {
		t.Fatalf("rebuilt\n%s\nbefore\n%s", rebuilt, before)
	}
	if err := traffic.Verify(t.Context(), w.Log); err != nil {
		t.Fatal(err)
	}
	type kv struct{ k, v []byte }
	var records []kv
	if err := w.Log.Scan(eventlog.SpaceChannels, nil, nil, func(k, v []byte) error {
		records = append(records, kv{slices.Clone(k), slices.Clone(v)})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	put := func(r kv, v []byte) {
		tx := w.Log.BeginUpdate()
		if tx.Put(eventlog.SpaceChannels, r.k, v); v == nil {
			tx.Delete(eventlog.SpaceChannels, r.k)
		}
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	floor, checked := w.Log.Floor(), 0
	for _, r := range records {
		switch r.k[0] {
		case 'l': // the totals of a series
			if newest := binary.BigEndian.Uint64(r.v[20:]); newest < floor {
				continue
			}
		case 'h': // its segment
			if start := binary.BigEndian.Uint64(r.k[len(r.k)-8:]); start < floor {
				continue
			}
		case 'o': // the name of its channel among those of its origin
		default:
			continue
		}
		checked++
		damages := map[string][]byte{"removed": nil}
		if wrong := slices.Clone(r.v); len(wrong) > 0 {
			wrong[len(wrong)-1]++ // a byte more or less
			damages["changed"] = wrong
		}
		for what, v := range damages {
			put(r, v)
			if err := traffic.Verify(t.Context(), w.Log); err == nil {
				t.Errorf("record %q %x was %s, and nothing is found", r.k, r.v, what)
			}
			put(r, r.v)
		}
	}
	if _, err := w.q.Channels(w.TB.Context(), operator, "", "", 0); err != nil || checked < 20 {
		t.Errorf("%d records checked, %v", checked, err)
	}
}

func TestSearchSaysWhatIsWrongWithAQuestion(t *testing.T) {
	_, q := newFixture(t)
	for _, tt := range []struct {
		q    SearchQuery
		want string
	}{
		{SearchQuery{Text: " \t", Limit: 1}, "nothing to search for"},
		{SearchQuery{Text: strings.Repeat("x", 513), Limit: 1}, "513 bytes"},
		{SearchQuery{Text: strings.Repeat("x ", 17), Limit: 1}, "17 words"}, {SearchQuery{Text: "x"}, "limit is 0"},
		{SearchQuery{Text: "x", Limit: 1001}, "limit is 1001"},
		{SearchQuery{Text: "x", Limit: 1, Kinds: []view.Kind{"token"}}, `no kind "token"`},
		{SearchQuery{Text: "x", Limit: 1, After: "AAAA"}, "one kind"},
		{SearchQuery{Text: "x", Limit: 1, Kinds: []view.Kind{view.KindUser}, After: "!"}, "not from a page"},
	} {
		_, err := q.Search(t.Context(), graph.Actor{Operator: true}, tt.q)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: %v, want %q", tt.q, err, tt.want)
		}
	}
}
