package repair

import (
	"bytes"
	"context"
	"testing"
	"time"

	"hpfriends/eventlog"
)

// A Repairer that runs repairs what was damaged before, and what is found meanwhile. Without it nothing does.
func TestRunRepairs(t *testing.T) {
	sound := filled(t, entries, false)
	want, err := sound.Entry(12)
	if err != nil {
		t.Fatal(err)
	}
	for name, before := range map[string]bool{"found before": true, "found meanwhile": false} {
		t.Run(name, func(t *testing.T) {
			rotten, asked := filled(t, entries, true), 0
			r := repairer(rotten, &asked, member{"n1", serving(sound)})
			read := func() {
				t.Helper()
				if _, err := rotten.Entry(12); !eventlog.IsDamage(err) {
					t.Fatalf("an entry of a damaged block: %v", err)
				}
			}
			if before {
				read()
				read() // nobody repairs yet
			}
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan struct{})
			go func() { r.Run(ctx); close(ended) }()
			if !before {
				_, _ = rotten.Entry(12) // damaged, or repaired already
			}
			for begin := time.Now(); r.Status().Repaired == 0; time.Sleep(time.Millisecond) {
				if time.Since(begin) > 30*time.Second {
					t.Fatalf("it is not repaired: %+v", r.Status())
				}
			}
			got, err := rotten.Entry(12)
			if err != nil || !bytes.Equal(got.Data, want.Data) {
				t.Errorf("an entry of the repaired block: %v", err)
			}
			if s := r.Status(); s.Found != 1 || s.Repaired != 1 || len(s.Damaged) > 0 {
				t.Errorf("%+v", s)
			}
			stop()
			<-ended
			if asked == 0 {
				t.Error("nobody was asked")
			}
		})
	}
}
