package program

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"hpfriends/internal/load"
	"hpfriends/wire"
	"hpfriends/wire/subscription"
)

// program is a command of this program, as a process of its own.
func program(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	c := exec.CommandContext(t.Context(), os.Args[0], args...)
	c.Env = append(os.Environ(), asProgram+"=1", "HPFRIENDS_PASSPHRASE=correct horse")
	return c
}

func must(t *testing.T, args ...string) []byte {
	t.Helper()
	c := program(t, args...)
	var said bytes.Buffer
	c.Stderr = &said
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", args, err, said.Bytes())
	}
	return out
}

// killed runs a command and kills it after a part of a time at random, again and again until it was under way. after
// looks at what it has left each time.
func killed(t *testing.T, took time.Duration, after func(finished bool), args ...string) {
	t.Helper()
	for cut := 0; cut < 3; {
		c := program(t, args...)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(rand.N(took))
		_ = c.Process.Kill() // it may have ended
		finished := c.Wait() == nil
		if !finished {
			cut++
		}
		after(finished)
	}
}

// TestBackupBesideLoadMakesACluster takes backups while messages come, kills the command in the middle, also that of
// the restore, and makes a cluster of what is restored: everything that was confirmed before the backup is there.
func TestBackupBesideLoadMakesACluster(t *testing.T) {
	if os.Getenv("HPFRIENDS_FAULTS") == "" {
		t.Skip("half a minute: HPFRIENDS_FAULTS=bounded")
	}
	f := startFleet(t, 1)
	pubs, _ := f.setUp("n1", 2, 0)
	publishRun(t, f.address("n1"), pubs[1], 1000, 8_000)
	at := f.address("n1")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	v := sail(ctx, pubs[0], 1, 20, func() string { return at })
	v.goesOn(f, 100)

	dir, from := t.TempDir(), f.nodes["n1"].dir
	full, key := filepath.Join(dir, "full"), filepath.Join(dir, "key")
	must(t, "backup", "data-key", "export", key, "--data-dir", from)
	begin := time.Now()
	must(t, "backup", "create", filepath.Join(dir, "first"), "--data-dir", from)
	took := time.Since(begin)
	killed(t, took, func(finished bool) {
		switch _, err := os.Stat(full); {
		case err == nil:
			must(t, "backup", "verify", full)
			f.must(os.Remove(full))
		case finished || !errors.Is(err, fs.ErrNotExist):
			t.Errorf("finished %v: %v", finished, err)
		}
	}, "backup", "create", full, "--data-dir", from)
	v.goesOn(f, 100)
	confirmed := v.acked.Load()
	f.until("the server has noticed that nobody takes its backup", time.Minute, func() bool {
		return program(t, "backup", "create", full, "--data-dir", from).Run() == nil
	})
	if now := v.acked.Load(); now == confirmed {
		t.Error("nothing was confirmed while the backup was taken")
	}
	var made struct{ Totals struct{ Messages int64 } }
	f.must(json.Unmarshal(must(t, "backup", "verify", full, "--json"), &made))
	if made.Totals.Messages < 8_000+confirmed {
		t.Errorf("%d messages are in the backup, %d were confirmed before", made.Totals.Messages, 8_000+confirmed)
	}
	cancel()
	<-v.done
	hash := auditHash(t, from)
	f.kill("n1")

	f.add("r1")
	to := f.nodes["r1"].dir
	begin = time.Now()
	restore := []string{"backup", "restore", full, "--data-dir", to, "--data-key", key, "--node-id", "r1"}
	must(t, restore...)
	took = time.Since(begin)
	f.must(os.RemoveAll(to))
	killed(t, took, func(finished bool) {
		if entries, err := os.ReadDir(to); !finished && err == nil && len(entries) > 0 {
			for _, args := range [][]string{restore, {"serve", "--data-dir", to, "--http", "", "--hpfeeds", "tcp:port=0"}} {
				out, err := program(t, args...).CombinedOutput()
				if err == nil || !strings.Contains(string(out), "begin again") {
					t.Fatalf("%v takes half of a restored directory: %v\n%s", args, err, out)
				}
			}
		}
		f.must(os.RemoveAll(to))
	}, restore...)
	must(t, restore...)
	must(t, "check", "--data-dir", to)

	f.start("r1", "--bootstrap")
	if restored := auditHash(t, to); restored != hash {
		t.Errorf("the audit ends with %s, that of the original with %s", restored, hash)
	}
	f.join("r2", "r1")
	f.join("r3", "r1")
	f.awaitVoters("r1", 3)
	publishRun(t, f.address("r2"), pubs[1], 1001, 100)
	must(t, "user", "add", "late", "--data-dir", to)
	f.level("r1") // all have what came before that
	for _, id := range []string{"r1", "r2", "r3"} {
		f.stop(id)
	}
	found, other := readRuns(t, f.nodes["r1"].dir), readRuns(t, f.nodes["r3"].dir)
	if !maps.Equal(found, other) {
		t.Errorf("messages of each run on r1: %v, on r3: %v", found, other)
	}
	if found[1000] != 8_000 || found[1001] != 100 || int64(found[1]) < confirmed {
		t.Errorf("messages of each run: %v; 8,000, 100 and %d were confirmed", found, confirmed)
	}
}

// publishRun publishes a run of messages that do not pack well, as readRuns wants them, until all are confirmed.
func publishRun(t *testing.T, address string, k load.Key, run, n int) {
	t.Helper()
	c, err := load.Login(t.Context(), address, k)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	rng := rand.NewChaCha8([32]byte{byte(run)})
	buf := wire.AppendSubscribe(nil, k.Ident, subscription.Acks)
	noise := make([]byte, 1000)
	for i := range n {
		rng.Read(noise)
		buf = wire.AppendPublish(buf, k.Ident, load.Channel, fmt.Appendf(nil, "%d/%d %s", run, i, noise))
	}
	go func() { _, _ = c.Write(buf) }() // ends with the connection
	for {
		f, err := readFrame(c)
		if err != nil {
			t.Fatal(err)
		}
		if payloadOf(f) == strconv.Itoa(n) {
			return
		}
	}
}

func auditHash(t *testing.T, dir string) string {
	t.Helper()
	var v struct{ Hash string }
	if err := json.Unmarshal(must(t, "audit", "verify", "--data-dir", dir, "--json"), &v); err != nil || v.Hash == "" {
		t.Fatalf("%+v: %v", v, err)
	}
	return v.Hash
}
