package program

import (
	"crypto/rand"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hpfriends/eventlog/spare"
	"hpfriends/query/view"
	"hpfriends/wire"
	"hpfriends/wire/subscription"
)

// What retention removes is gone for readers, who are told, and from the disk; the audit stays, and so does everything
// else over a restart.
func TestRetentionEndsHistory(t *testing.T) {
	t.Parallel() // it waits most of the time
	dir := t.TempDir()
	c := newCommunityIn(t, dir, "ada")
	old := c.dial("ada")
	old.subscribe("d?durable=tool")
	pub := c.dial("ada")
	pub.settled("sync")
	old.Close()
	noise := make([]byte, 100<<10)
	var frames []byte
	for range 600 { // 60 MB that do not compress
		_, _ = rand.Read(noise)
		frames = wire.AppendPublish(frames[:0], c.keys["ada"].Ident, "d", noise)
		if _, err := pub.Write(frames); err != nil {
			t.Fatal(err)
		}
	}
	pub.settledAfter("sync")
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	c.Server = startTestProcess(t, dir, "--retention-size", "16MiB")
	floor, deadline := "#1.0", time.Now().Add(30*time.Second)
	var status struct{ Log view.Retained }
	for ; floor == "#1.0" || status.Log.Bytes > 18<<20 || diskUsage(t, dir) > 30<<20; time.Sleep(50 * time.Millisecond) {
		c.do("", "GET", "/status", struct{}{}, &status)
		floor = status.Log.Floor
		if time.Now().After(deadline) {
			t.Fatalf("the log takes %d bytes after 30 s, keeps %d, and its floor is %s",
				diskUsage(t, dir), status.Log.Bytes, floor)
		}
	}
	if status.Log.Bytes < 8<<20 {
		t.Errorf("%d bytes are kept, want about 16 MiB", status.Log.Bytes)
	}

	l := c.dial("ada")
	l.subscribe("d?from=%231.0")
	l.expectError("no longer kept, the oldest is " + floor)
	notified := c.dial("ada")
	notified.subscribe("d?from=%231.0&follow=0&notify=1")
	if n := notified.notice(); n.Event != "gap" || n.From != "#1.0" || n.To != floor {
		t.Errorf("notice %+v, want a gap from #1.0 to %s", n, floor)
	}
	l.subscribe("d?durable=tool&follow=0")
	n := l.notice()
	if n.Event != "gap" || n.To != floor {
		t.Errorf("notice %+v, want a gap up to %s", n, floor)
	}
	var rows []view.LogRow
	for deadline := time.Now().Add(10 * time.Second); len(rows) < 2 &&
		time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		c.do("ada", "GET", "/logs", struct{}{}, &rows)
	}
	if !slices.ContainsFunc(rows, func(r view.LogRow) bool { return strings.Contains(r.Message, "was no longer kept") }) {
		t.Errorf("logs %+v", rows)
	}
	var events []view.AuditEvent
	c.do("", "GET", "/audit", struct{}{}, &events)
	if len(events) != 2 {
		t.Errorf("%d events are in the audit, want the user and the authkey", len(events))
	}
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	c.Server = startTestProcess(t, dir)
	l = c.dial("ada")
	l.subscribe("d?from=first&follow=0&notify=1")
	kept := 0
	for {
		if strings.HasPrefix(l.hear(), subscription.Replay) {
			break
		}
		kept++
	}
	if kept < 80 || kept > 200 {
		t.Errorf("%d messages are kept of 600", kept)
	}
}

// By age, messages go although nothing more comes, and what only says so does not itself keep the log moving.
func TestRetentionByAge(t *testing.T) {
	t.Parallel() // it waits most of the time
	dir := t.TempDir()
	c := newCommunityIn(t, dir, "ada")
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	c.Server = startTestProcess(t, dir, "--retention", "2s")
	pub := c.dial("ada")
	pub.publish("d", "one")
	pub.settled("sync")
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		var status struct{ Log view.Retained }
		c.do("", "GET", "/status", struct{}{}, &status)
		if status.Log.Oldest == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("after 20 s %+v is kept", status.Log)
		}
	}
	pub.Close()
	time.Sleep(3 * time.Second) // statistics are reported, and then nothing happens
	applied := c.metric("hpfriends_log_floor_index")
	time.Sleep(3 * time.Second)
	if now := c.metric("hpfriends_log_floor_index"); now != applied {
		t.Errorf("the floor has moved from %s to %s, with nothing published", applied, now)
	}
}

// metric is the value of a metric without labels.
func (c *community) metric(name string) string {
	c.t.Helper()
	page, err := c.API.Metrics(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	for line := range strings.Lines(string(page)) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	c.t.Fatalf("there is no metric %s", name)
	return ""
}

// diskUsage is what a directory takes on the disk, in bytes, but for WALs, which are used again as they are.
func diskUsage(t *testing.T, dir string) (total int64) {
	t.Helper()
	wal := func(path string) bool { return filepath.Ext(path) == ".log" || filepath.Base(path) == spare.File }
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil // it has just been removed
		}
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() && !wal(path) {
			total += info.Size()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return total
}
