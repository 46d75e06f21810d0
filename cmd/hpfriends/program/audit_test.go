package program

import (
	"bufio"
	"context"
	"io"
	"strings"
	"testing"

	"hpfriends/eventlog"
	"hpfriends/internal/cmdline"
)

// `audit tail` prints what was there since the time asked for, then each change as it comes, once, until it is
// interrupted.
func TestAuditTailFollows(t *testing.T) {
	_, m := newTerminal(t)
	m.ok("user", "add", "ada")
	ctx, stop := context.WithCancel(t.Context())
	r, w := io.Pipe()
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, []string{"hpfriends", "--data-dir", m.dir, "audit", "tail", "--since", "1h"}, w, io.Discard)
		w.Close()
	}()
	lines := bufio.NewScanner(r)
	for i, handle := range []string{"ada", "bob", "cleo"} {
		if i > 0 {
			m.ok("user", "add", handle)
		}
		if !lines.Scan() || !strings.HasSuffix(lines.Text(), "operator  user.add  user "+handle+"  user added") {
			t.Fatalf("line %d is %q, want the adding of %s", i+1, lines.Text(), handle)
		}
	}
	stop()
	if lines.Scan() {
		t.Errorf("another line: %q", lines.Text())
	}
	if c := <-code; c != cmdline.ExitInterrupted {
		t.Errorf("exit %d, want %d", c, cmdline.ExitInterrupted)
	}
}

// A damaged audit is exit code 1 and names the first event that is wrong.
func TestAuditVerifyNamesTheFirstWrongEvent(t *testing.T) {
	o, m := newTerminal(t)
	for _, handle := range []string{"ada", "bob", "cleo"} {
		m.ok("user", "add", handle)
	}
	tx := o.events.BeginUpdate()
	tx.Delete(eventlog.SpaceAudit, eventlog.IndexKey(2))
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if code, out, _ := m.run("audit", "verify"); code != cmdline.ExitFailed ||
		!strings.Contains(out, "the first event that is wrong is #3: missing") {
		t.Errorf("exit %d: %s", code, out)
	}
	if code, out, _ := m.run("audit", "verify", "--json"); code != cmdline.ExitFailed ||
		!strings.Contains(out, `"ok": false`) {
		t.Errorf("exit %d: %s", code, out)
	}
}
