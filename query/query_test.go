package query

import (
	"fmt"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/internal/logtest"
)

// fixture is a log, its audit and a graph, changed by hand, with what is counted of authkeys.
type fixture struct {
	*logtest.World
	live map[uint64]entry.Usage
}

func newFixture(t testing.TB) (*fixture, *Query) {
	t.Helper()
	f := &fixture{logtest.New(t, eventlog.Config{Dir: t.TempDir()}), map[uint64]entry.Usage{}}
	return f, New(f.Log, func() *graph.Graph { return f.Graph }, f)
}

// memory is a fixture whose log is in memory.
func memory(t testing.TB) *fixture {
	t.Helper()
	return &fixture{logtest.New(t, eventlog.Config{Dir: "log", FS: vfs.NewMem()}), map[uint64]entry.Usage{}}
}

// Usage implements Live.
func (f *fixture) Usage(authkey uint64) entry.Usage { return f.live[authkey] }

// change applies an operation at the next index of the log.
func (f *fixture) change(by graph.UserID, o graph.Op) uint64 {
	f.TB.Helper()
	out, err := f.Try(graph.Command{By: graph.Actor{User: by, Operator: by == 0}, Time: time.Now(), Op: o})
	if err != nil {
		f.TB.Fatalf("%T: %v", o, err)
	}
	return out.Object
}

// Users see the channels on which they published, and those that reach them from where they may see them on; nobody
// learns from the list that a channel of others exists.
func TestChannelsAreThoseThatConcernTheViewer(t *testing.T) {
	f, q := newFixture(t)
	ada := graph.UserID(f.change(0, graph.AddUser{Handle: "ada"}))
	bob := graph.UserID(f.change(0, graph.AddUser{Handle: "bob"}))
	eve := graph.UserID(f.change(0, graph.AddUser{Handle: "eve", Role: graph.Auditor}))
	before := f.Publish(ada, "ada.before")
	private := f.Publish(ada, "ada.private")
	for _, c := range []graph.Pattern{"ada.before", "ada.shared", "common"} {
		s := f.change(ada, graph.AddShare{Channel: c, User: bob})
		f.change(bob, graph.DecideShare{Share: graph.ShareID(s), Accept: true})
	}
	shared := f.Publish(ada, "ada.shared")
	own := f.Publish(bob, "bob.own")
	mine := f.Publish(ada, "common")
	later := f.Publish(eve, "common")
	for _, tt := range []struct {
		viewer graph.Actor
		prefix string
		want   string
	}{
		{graph.Actor{User: ada}, "",
			fmt.Sprint([]string{"ada.before" + before, "ada.private" + private, "ada.shared" + shared, "common" + mine})},
		{graph.Actor{User: bob}, "", fmt.Sprint([]string{"ada.shared" + shared, "bob.own" + own, "common" + mine})},
		{graph.Actor{User: bob}, "ada.", fmt.Sprint([]string{"ada.shared" + shared})},
		{graph.Actor{User: eve}, "com", fmt.Sprint([]string{"common" + later})},
		{graph.Actor{Operator: true}, "ada",
			fmt.Sprint([]string{"ada.before" + before, "ada.private" + private, "ada.shared" + shared})},
		{graph.Actor{User: 99}, "", "[]"},
	} {
		all, err := q.Channels(t.Context(), tt.viewer, tt.prefix, "", 0)
		if err != nil {
			t.Fatal(err)
		}
		got := []string{}
		for _, c := range all {
			got = append(got, c.Name+c.Position)
		}
		if fmt.Sprint(got) != tt.want {
			t.Errorf("%+v, prefix %q: %v, want %s", tt.viewer, tt.prefix, got, tt.want)
		}
	}
	if page, err := q.Channels(t.Context(), graph.Actor{User: ada}, "", "ada.before", 1); err != nil || len(page) != 1 ||
		page[0].Name != "ada.private" {
		t.Errorf("the page after ada.before: %+v, %v", page, err)
	}
	off := false
	f.change(0, graph.EditUser{User: bob, Enabled: &off})
	if all, _ := q.Channels(t.Context(), graph.Actor{User: bob}, "", "", 0); len(all) != 0 {
		t.Errorf("a disabled user sees %v", all)
	}
}

// Statistics are what was reported and what was counted since.
func TestStatsAddWhatIsNotReportedYet(t *testing.T) {
	f, q := newFixture(t)
	ada := graph.UserID(f.change(0, graph.AddUser{Handle: "ada"}))
	bob := graph.UserID(f.change(0, graph.AddUser{Handle: "bob"}))
	k := f.change(ada, graph.AddAuthkey{Ident: "k", Secret: []byte{1}})
	f.change(bob, graph.AddAuthkey{Ident: "b", Secret: []byte{1}})
	day := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	stored, tx := entry.Usage{BytesReceived: 10, Published: 2, LastSeen: day, LastAddr: "192.0.2.1"}, f.Log.BeginUpdate()
	tx.Put(eventlog.SpaceStats, eventlog.IndexKey(k), stored.AppendStored(nil))
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	f.live[k] = entry.Usage{Authkey: k, BytesReceived: 5, Received: 1, LastSeen: day.Add(time.Hour), LastAddr: "192.0.2.2"}
	shown, err := q.Authkey(graph.Actor{User: ada}, "k")
	if err != nil {
		t.Fatal(err)
	}
	if s := shown.Stats; s.BytesReceived != 15 || s.Published != 2 || s.Received != 1 ||
		!s.LastSeen.Equal(day.Add(time.Hour)) || s.LastAddr != "192.0.2.2" {
		t.Errorf("%+v", s)
	}
	totals := map[graph.Actor][2]uint64{{User: ada}: {1, 15}, {User: bob}: {1, 0}, {Operator: true}: {2, 15}}
	for viewer, want := range totals {
		total, err := q.Totals(viewer)
		if err != nil || uint64(total.Authkeys) != want[0] || total.BytesReceived != want[1] {
			t.Errorf("%+v: %+v, %v", viewer, total, err)
		}
	}
}
