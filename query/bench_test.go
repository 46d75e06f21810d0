package query

import (
	"fmt"
	"log/slog"
	"net/netip"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/raft"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/query/view"
)

// benchLog is a log in memory of n batches.
func benchLog(b *testing.B, n int, data func(i int) []byte) *eventlog.Log {
	b.Helper()
	log, err := eventlog.Open(eventlog.Config{Dir: "log", FS: vfs.NewMem(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { log.Close() })
	for i := range n {
		d, index := data(i), uint64(i+1)
		if err := log.LogStore().StoreLogs([]*raft.Log{{Index: index, Term: 1, Type: raft.LogCommand, Data: d}}); err != nil {
			b.Fatal(err)
		}
		h, err := entry.DecodeHeader(d)
		if err != nil {
			b.Fatal(err)
		}
		tx := log.Begin()
		tx.IndexBatch(index, h)
		if err := tx.Commit(index); err != nil {
			b.Fatal(err)
		}
	}
	return log
}

// BenchmarkSearchChannels looks for a word among 100,000 series, as one who sees everything and as a user with one
// share.
func BenchmarkSearchChannels(b *testing.B) {
	log := benchLog(b, 100, func(i int) []byte {
		var batch entry.Builder
		for n := range 1000 {
			batch.Add(fmt.Sprintf("sensor-%05d.events", i*1000+n), 1, uint64(1+n%10), 1_700_000_000_000, netip.Addr{},
				[]byte{0, 0, 0, 5, 3}, 1)
		}
		return batch.Encode([16]byte{1}, uint64(i))
	})
	g := graph.New()
	apply := func(by graph.UserID, op graph.Op) {
		next, _, err := g.Apply(g.Index()+1, graph.Command{By: graph.Actor{User: by, Operator: by == 0}, Op: op})
		if err != nil {
			b.Fatal(err)
		}
		g = next
	}
	for i := range 12 {
		apply(0, graph.AddUser{Handle: fmt.Sprintf("user%d", i)})
	}
	apply(3, graph.AddShare{Channel: "sensor-0001*", User: 11, History: graph.Full})
	apply(11, graph.DecideShare{Share: 13, Accept: true})
	q := New(log, func() *graph.Graph { return g }, nil)
	for name, viewer := range map[string]graph.Actor{"operator": {Operator: true}, "user": {User: 11}} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				r, err := q.Search(b.Context(), viewer, SearchQuery{
					Text: "events 0001", Kinds: []view.Kind{view.KindChannel}, Limit: 20,
				})
				if err != nil || len(r.Hits) == 0 {
					b.Fatal(len(r.Hits), err)
				}
			}
		})
		b.Run(name+"/top", func(b *testing.B) {
			for b.Loop() {
				if all, err := q.Top(b.Context(), viewer, TopQuery{By: TopBytes, Limit: 20}, day); err != nil || len(all) == 0 {
					b.Fatal(len(all), err)
				}
			}
		})
	}
}
