package query

import (
	"fmt"
	"net/netip"
	"testing"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/wire"
)

// send publishes messages with payloads, a thousandth of a second after each other.
func (f *fixture) send(origin graph.UserID, channel string, payloads ...string) {
	f.TB.Helper()
	var b entry.Builder
	for i, p := range payloads {
		b.Add(channel, 1, uint64(origin), day.UnixMilli()+int64(f.Index*1000)+int64(i), netip.Addr{},
			wire.AppendPublish(nil, "k", channel, []byte(p)), 1)
	}
	data := b.Encode([16]byte{1}, f.Index)
	h, err := entry.DecodeHeader(data)
	if err != nil {
		f.TB.Fatal(err)
	}
	f.Entry(data, func(tx *eventlog.Tx) { tx.IndexBatch(f.Index, h) })
}

// An indicator is counted in what the viewer may see of the newest messages, and nowhere else.
func TestSightings(t *testing.T) {
	f, q := newFixture(t)
	ada := graph.UserID(f.change(0, graph.AddUser{Handle: "ada"}))
	bob := graph.UserID(f.change(0, graph.AddUser{Handle: "bob"}))
	seen := func(by graph.UserID, text, want string) {
		t.Helper()
		s, err := q.Sightings(t.Context(), graph.Actor{User: by}, text)
		if err != nil {
			t.Fatal(err)
		}
		got := fmt.Sprintf("%d on %d of %d, all %t", s.Messages, s.Channels, s.Looked, s.All)
		if s.First != nil {
			got += fmt.Sprintf(", %v to %v", s.First.Sub(day), s.Last.Sub(day))
		}
		if got != want {
			t.Errorf("%d sees %s: %s, want %s", by, text, got, want)
		}
	}
	f.send(ada, "a", `{"ip":"192.0.2.1"}`, `{"ip":"192.0.2.10"}`, `from 192.0.2.1:22`)
	f.send(ada, "private", "192.0.2.1")
	seen(bob, "192.0.2.1", "0 on 0 of 0, all true")
	s := f.change(ada, graph.AddShare{Channel: "a", User: bob})
	f.change(bob, graph.DecideShare{Share: graph.ShareID(s), Accept: true})
	f.send(ada, "a", "192.0.2.1")
	seen(ada, "192.0.2.1", "4 on 2 of 5, all true, 2s to 6s")
	seen(bob, "192.0.2.1", "1 on 1 of 1, all true, 6s to 6s")

	dull := make([]string, maxSightings)
	for i := range dull {
		dull[i] = "nothing"
	}
	f.send(ada, "dull", dull[1:]...)
	seen(ada, "192.0.2.1", fmt.Sprintf("1 on 1 of %d, all false, 6s to 6s", maxSightings))
	f.send(ada, "dull", "nothing")
	seen(ada, "192.0.2.1", fmt.Sprintf("0 on 0 of %d, all false", maxSightings))

	for _, text := range []string{"", "ada", "192.0.2.", "192.0.2.0/24"} {
		if _, err := q.Sightings(t.Context(), graph.Actor{User: ada}, text); err == nil {
			t.Errorf("%q is taken for an indicator", text)
		}
	}
}
