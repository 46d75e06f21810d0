//go:build interop

package interop

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestOldCommandLineReplays has the Python package's command line, which knows nothing of history, ask for the last
// hour: it prints what was published before it came, and then what comes.
func TestOldCommandLineReplays(t *testing.T) {
	s := serve(t)
	s.authkey("alice", "sensor", []string{"sync.*", capture}, []string{"sync.*", capture})
	publisher := s.start("blocking.py", "sensor")
	var want []string
	for i := range 100 {
		want = append(want, fmt.Sprint("past ", i))
		publisher.publish(capture, want[i])
	}
	publisher.sync()
	original, _ := programs(t)
	lines := subscribe(t, original, "--host", s.host, "-p", s.port, "-i", "sensor", "-s", secretOf("sensor"), "-c",
		capture+"?since=1h", "subscribe")
	await := func() {
		t.Helper()
		for deadline := time.Now().Add(patience); len(lines.text()) < len(want) && time.Now().Before(deadline); {
			lines.wait(time.Second)
		}
		if got := payloads(lines.text()); !slices.Equal(got, want) {
			t.Fatalf("printed %q, want %q", got, want)
		}
	}
	await()
	for i := range 20 {
		want = append(want, fmt.Sprint("live ", i))
		publisher.publish(capture, want[len(want)-1])
	}
	await()
	if code := lines.interrupt(); code != 0 {
		t.Errorf("exit %d on Ctrl-C", code)
	}
}

// TestPythonClientsReplay asks for history with each of the package's clients.
func TestPythonClientsReplay(t *testing.T) {
	s := serve(t)
	s.authkey("alice", "sensor", []string{"sync.*", capture}, []string{"sync.*", capture})
	publisher := s.start("blocking.py", "sensor")
	for i := range 20 {
		publisher.publish(capture, fmt.Sprint("past ", i))
	}
	publisher.sync()
	for _, script := range []string{"blocking.py", "aio.py", "tx.py"} {
		t.Run(script, func(t *testing.T) {
			c := s.start(script, "sensor", capture+"?from=first&follow=0&notify=1")
			c.sync() // later in the log than all of the history
			var want []string
			for i := range 20 {
				want = append(want, fmt.Sprint(capture, " sensor past ", i))
			}
			n := len(c.received)
			if n != 21 || !slices.Equal(c.received[:20], want) {
				t.Fatalf("received %q, want %q and a notice", c.received, want)
			}
			done := `$replay sensor {"event":"done","subscription":"dionaea.capture?from=first`
			if notice := c.received[20]; !strings.HasPrefix(notice, done) ||
				!strings.Contains(notice, `"messages":20`) {
				t.Errorf("notice %q", notice)
			}
		})
	}
}
