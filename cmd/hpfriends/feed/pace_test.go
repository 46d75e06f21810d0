package feed

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hpfriends/internal/pace"
	"hpfriends/internal/term"
)

// The pauses between messages are kept, by a schedule: what one message is late does not add up.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, base := time.Now(), time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
		p := pace.Pace{Speed: 10}
		var screen bytes.Buffer
		shown := term.NewProgress(&screen, "messages", 0)
		shown.Live = true
		for _, tt := range []struct {
			at, sent time.Duration // of the message, of its going out
			busy     time.Duration // after it
		}{
			{0, 0, 0},
			{10 * time.Second, time.Second, 0},
			{5 * time.Second, time.Second, 3 * time.Second}, // the clock was set back
			{20 * time.Second, 4 * time.Second, 0},          // late, as the one before took long
			{45 * time.Second, 4500 * time.Millisecond, 0},  // and on time again
			{50 * time.Hour, 5 * time.Hour, 0},
		} {
			if err := hold(t.Context(), &p, base.Add(tt.at), shown); err != nil {
				t.Fatal(err)
			}
			if got := time.Since(began); got != tt.sent {
				t.Errorf("the message of %s went out after %s, want %s", tt.at, got, tt.sent)
			}
			time.Sleep(tt.busy)
		}
		if !strings.Contains(screen.String(), "next in 4h59m") || !strings.Contains(screen.String(), "next in 2s") {
			t.Errorf("the pause is not shown: %.300q", screen.String())
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := hold(ctx, &p, base.Add(1000*time.Hour), shown); err != context.DeadlineExceeded {
			t.Errorf("a pause goes on after the end: %v", err)
		}
		if fast := (pace.Pace{}); fast.Left(base.Add(time.Hour)) != 0 {
			t.Error("there is a pause at full speed")
		}
	})
}
