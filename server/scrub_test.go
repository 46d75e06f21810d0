package server

import (
	"log/slog"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"hpfriends/eventlog"
)

// The next round begins an interval after the last one, and at once where that was stamped by a clock years ahead.
func TestScrubDoesNotWaitForAClockThatWasAhead(t *testing.T) {
	log, err := eventlog.Open(eventlog.Config{Dir: "log", FS: vfs.NewMem(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	const interval = 10 * time.Hour
	for name, tt := range map[string]struct{ ago, least, most time.Duration }{
		"an hour ago":     {time.Hour, 8 * time.Hour, 9 * time.Hour},
		"long ago":        {20 * time.Hour, 0, interval / 2},
		"two years ahead": {-2 * 365 * 24 * time.Hour, 0, interval / 2},
	} {
		kept, err := newScrubber(log, interval, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now().Add(-tt.ago).UTC()
		kept.status.Began, kept.status.Completed = began, &began
		if err := kept.save(); err != nil {
			t.Fatal(err)
		}
		restarted, err := newScrubber(log, interval, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		if pause := restarted.wait(); pause < tt.least || pause > tt.most {
			t.Errorf("%s: the next round begins in %s, want %s to %s", name, pause, tt.least, tt.most)
		}
	}
}
