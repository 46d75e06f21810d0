package program

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hpfriends/query/view"
	"hpfriends/wire"
)

// One wrong byte on the disk is found: by check, of a stopped server and of a running one, and by the slow check that
// goes on all the time, which leaves the server serving.
func TestDamageOnDiskIsFound(t *testing.T) {
	t.Parallel() // it waits most of the time
	dir := t.TempDir()
	c := newCommunityIn(t, dir, "ada")
	pub := c.dial("ada")
	noise := make([]byte, 64<<10)
	for range 300 {
		_, _ = rand.Read(noise)
		if _, err := pub.Write(wire.AppendPublish(nil, c.keys["ada"].Ident, "d", noise)); err != nil {
			t.Fatal(err)
		}
	}
	pub.settled("sync")
	check := func(want int) (r view.CheckReport) {
		t.Helper()
		var out, errs bytes.Buffer
		if code := run(t.Context(), []string{"hpfriends", "check", "--data-dir", dir, "--json"}, &out, &errs); code != want {
			t.Fatalf("check: exit %d, want %d: %s%s", code, want, out.String(), errs.String())
		}
		if err := json.Unmarshal(out.Bytes(), &r); err != nil {
			t.Fatalf("%s: %v", out.String(), err)
		}
		return r
	}
	if r := check(0); !r.Sound || r.Messages != 301 || r.Audit.Events != 2 {
		t.Errorf("of the running server: %+v", r)
	}
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	if r := check(0); !r.Sound || r.Messages != 301 {
		t.Errorf("of the stopped server: %+v", r)
	}

	c.Server = startTestProcess(t, dir) // which turns the write-ahead log into tables
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	flip(t, largestTable(t, dir))
	if r := check(1); r.Sound || !strings.Contains(r.Damage, "bad byte") || !strings.Contains(r.Damage, ".sst") {
		t.Errorf("of the stopped server: %+v", r)
	}
	c.Server = startTestProcess(t, dir, "--scrub-interval", "2s")
	if r := check(1); r.Sound || r.Damage == "" {
		t.Errorf("of the running server: %+v", r)
	}
	var status struct{ Scrub view.ScrubStatus }
	for deadline := time.Now().Add(20 * time.Second); status.Scrub.Damage == ""; time.Sleep(20 * time.Millisecond) {
		c.do("", "GET", "/status", struct{}{}, &status)
		if time.Now().After(deadline) {
			t.Fatalf("the slow check has found nothing: %+v", status.Scrub)
		}
	}
	if c.metric("hpfriends_scrub_damage_total") == "0" {
		t.Error("the metric does not count it")
	}
	c.dial("ada").settled("sync") // it still serves
}

func largestTable(t *testing.T, dir string) (path string) {
	t.Helper()
	tables, err := filepath.Glob(filepath.Join(dir, "log", "*.sst"))
	if err != nil {
		t.Fatal(err)
	}
	size := int64(0)
	for _, f := range tables {
		if info, err := os.Stat(f); err == nil && info.Size() > size {
			path, size = f, info.Size()
		}
	}
	if size < 1<<20 {
		t.Fatalf("of %d tables the largest has %d bytes: nothing to damage", len(tables), size)
	}
	return path
}

// flip changes one bit in the middle of a file.
func flip(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 1)
	if _, err := f.ReadAt(b, info.Size()/2); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 0x10
	if _, err := f.WriteAt(b, info.Size()/2); err != nil {
		t.Fatal(err)
	}
}
