package feed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"hpfriends/wire"
)

// A broker that takes nobody for a while, since it is taken out of service or has too many connections, does not end a
// subscription that has been connected: other addresses may stand behind its name, and it may be back.
func TestWhatEndsASubscription(t *testing.T) {
	refused := &wire.BrokerError{Text: "Not here. chan=c?from=%239.0&notify=1&positions=1&times=1"}
	turnedAway := fmt.Errorf("log in to x: %w", &wire.BrokerError{Text: "This node is being taken out of service."})
	for _, c := range []struct {
		name   string
		online bool
		err    error
		says   string
	}{
		{"the first connection fails", false, errors.New("lost"), "lost"},
		{"a later one fails", true, errors.New("lost"), ""},
		{"the broker takes nobody at first", false, turnedAway, "out of service"},
		{"the broker takes nobody later", true, turnedAway, ""},
		{"the broker refuses", true, refused, "Not here. chan=c ("},
	} {
		var notes bytes.Buffer
		s := &reception{notes: &notes, follows: &subscriptions{subs: []*followed{follow("c?from=%239.0")}}}
		if c.online {
			s.connection = connection{located: true, heard: time.Now()}
		}
		ctx, end := context.WithCancelCause(t.Context())
		s.failed(c.err, end)
		if c.err == error(refused) { // others may follow
			<-ctx.Done()
		}
		cause := context.Cause(ctx)
		if ended := cause != nil; ended != (c.says != "") || ended && !strings.Contains(s.outcome(cause).Error(), c.says) {
			t.Errorf("%s: it ends with %v, want %q", c.name, cause, c.says)
		}
		if (cause == nil) != strings.Contains(notes.String(), "connecting again") {
			t.Errorf("%s: it says %q", c.name, notes.String())
		}
		end(nil)
	}
}
