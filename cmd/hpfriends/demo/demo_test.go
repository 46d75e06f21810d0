package demo

import (
	"context"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"hpfriends/api"
)

// What happened before now is in the log, all of it, at the times at which it happened.
func TestDemoHasAPast(t *testing.T) {
	d := &demo{
		dir: t.TempDir(), out: io.Discard, demoOptions: demoOptions{every: time.Second}, rand: rand.New(rand.NewPCG(1, 0)),
		hpfeeds: "0", http: "0",
	}
	begun := time.Now()
	for _, c := range past {
		if err := d.at(t.Context(), c.ago, c.play); err != nil {
			t.Fatal(err)
		}
	}
	err := d.at(t.Context(), 0, func(d *demo, ctx context.Context) error {
		for _, c := range past {
			at := func(t time.Time) string { return t.Add(-c.ago).Format(time.RFC3339) }
			n, err := api.CountMessages.Call(ctx, d.api.As("bob"), api.MessageQuery{ // places of ada's, requests of bob's own
				Channel: []string{"geoloc.events", "tanner.events"}, Since: at(begun), Until: at(time.Now().Add(time.Second)),
			})
			if err != nil {
				return err
			}
			if n.Messages != before {
				t.Errorf("%s ago there were %d attacks, want %d", c.ago, n.Messages, before)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
