package faults

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/internal/freeport"
	"hpfriends/internal/proc"
	"hpfriends/raftfsm/link"
	"hpfriends/raftfsm/store"
)

// turnedAway starts a server that must not start, and returns what it says.
func turnedAway(t *testing.T, dir string, flags ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	self, err := proc.Build()
	must(t, err)
	args := append([]string{"serve", "--data-dir", dir, "--hpfeeds", "tcp:port=0:interface=127.0.0.1",
		"--http", "", "--log-level", "warn"}, flags...)
	out, err := exec.CommandContext(ctx, self, args...).CombinedOutput()
	if ctx.Err() != nil {
		return "it runs: " + string(out)
	}
	if _, exited := errors.AsType[*exec.ExitError](err); !exited {
		t.Errorf("ended with %v", err)
	}
	return string(out)
}

// lone starts a node that is in no Cluster.
func lone(t *testing.T, id, dir string, flags ...string) *Node {
	t.Helper()
	n := newNode(t, id, dir)
	n.port, n.flags = freeport.On127(t), flags
	t.Cleanup(n.Kill)
	n.Start()
	return n
}

// mishap is an operator's error on a stopped node: its id, what is done to its directory, what the server is then
// told, and what it must say.
type mishap struct {
	name  string
	node  string
	do    func(t *testing.T, dir string)
	flags []string
	says  []string
}

func away(name string) func(*testing.T, string) {
	return func(t *testing.T, dir string) { must(t, os.RemoveAll(filepath.Join(dir, name))) }
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// otherKey puts a good data key in the place of the right one.
func otherKey(t *testing.T, dir string) {
	path := filepath.Join(dir, "data.key")
	must(t, os.Remove(path))
	must(t, os.WriteFile(path, bytes.Repeat([]byte{7}, 32), 0o400))
}

// newerLayout makes the log one of a later version of this program.
func newerLayout(t *testing.T, dir string) {
	db, err := pebble.Open(filepath.Join(dir, "log"),
		&pebble.Options{FormatMajorVersion: pebble.FormatTableFormatV6, Logger: silent{}})
	must(t, err)
	must(t, db.Set([]byte("Iv"), binary.BigEndian.AppendUint64(nil, math.MaxUint64), pebble.Sync))
	must(t, db.Close())
}

type silent struct{ pebble.Logger }

func (silent) Infof(string, ...any)  {}
func (silent) Errorf(string, ...any) {}

// newerPebble makes the log one of a later version of Pebble.
func newerPebble(t *testing.T, dir string) {
	found, err := filepath.Glob(filepath.Join(dir, "log", "marker.format-version.*"))
	if err != nil || len(found) != 1 {
		t.Fatalf("%v, %v", found, err)
	}
	next := found[0][:strings.LastIndexByte(found[0], '.')] + ".099"
	must(t, os.Rename(found[0], next))
}

// rises reports whether a file holds what rises whenever a node starts: raft's term and vote, and which entry is the
// newest that was synced.
func rises(path string) bool { return path == "stable.db" || path == store.NoteFile }

// try lets a mishap happen to a copy of a stopped node's directory. Nothing may be gone afterwards: with what the
// operator did undone, the node is what it was.
func (m mishap) try(t *testing.T, origin string, flags ...string) {
	t.Run(m.name, func(t *testing.T) {
		// Its path is in the messages, and must not hold the words that are looked for.
		dir := filepath.Join(plainTemp(t), "data")
		clone(t, origin, dir)
		if m.do != nil {
			m.do(t, dir)
		}
		before := filesIn(t, dir)
		said := turnedAway(t, dir, m.flags...)
		for _, want := range m.says {
			if !strings.Contains(said, want) {
				t.Errorf("it says %q, want %q in it", said, want)
			}
		}
		if strings.Contains(said, "goroutine ") || len(said) > 1500 {
			t.Errorf("nobody reads this: %.3000s", said)
		}
		after := filesIn(t, dir)
		for path, data := range before {
			if got, there := after[path]; !there || !rises(path) && !bytes.Equal(got, data) {
				t.Errorf("%s was removed or changed", path)
			}
		}
		for path := range filesIn(t, origin) {
			if _, kept := before[path]; rises(path) && kept {
				continue // it may have come further, and so may the log
			}
			must(t, exec.Command("cp", "-a", filepath.Join(origin, path), filepath.Join(dir, path)).Run())
		}
		m.undone(t, origin, dir)
		p := lone(t, m.node, dir, flags...)
		if _, err := api.ShowUser.Call(t.Context(), p.api, api.HandlePath{Handle: "ada"}); err != nil {
			t.Error(err)
		}
		p.Stop()
	})
}

// undone puts the log back where it was the log that was wrong.
func (m mishap) undone(t *testing.T, origin, dir string) {
	if strings.HasPrefix(m.name, "log") {
		must(t, os.RemoveAll(filepath.Join(dir, "log")))
		clone(t, filepath.Join(origin, "log"), filepath.Join(dir, "log"))
	}
}

// clone copies a directory with the rights of its files.
func clone(t *testing.T, from, to string) {
	t.Helper()
	must(t, exec.Command("cp", "-a", from, to).Run())
}

func plainTemp(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "hpf")
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// filesIn are the files of a directory but for the log, in which Pebble puts another file for each that it takes away.
func filesIn(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	all := make(map[string][]byte)
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(path, "log/") {
			return err
		}
		all[path], err = os.ReadFile(filepath.Join(dir, path))
		return err
	})
	must(t, err)
	return all
}

// Mistakes with the directory of a node that is alone.
func TestOperatorErrorsAloneAreNamedAndHarmless(t *testing.T) {
	if testing.Short() {
		t.Skip("many server processes")
	}
	dir := plainTemp(t)
	p := lone(t, "n1", dir)
	must(t, addUser(t.Context(), p, "ada"))
	// A sealed secret.
	key := api.NewAuthkey{Ident: "k", Pub: []graph.Pattern{"*"}}
	_, err := api.AddAuthkey.Call(t.Context(), p.api.As("ada"), api.With[api.NewAuthkey]{Body: key})
	must(t, err)
	if said := turnedAway(t, dir); !strings.Contains(said, "in use by another process") {
		t.Errorf("two processes on one directory: %q", said)
	}
	p.Stop()
	stranger, err := link.Bootstrap("0123456789abcdef0123456789abcdef", "m1")
	must(t, err)
	invitation, err := link.NewToken(stranger, time.Hour)
	must(t, err)
	token := filepath.Join(plainTemp(t), "token")
	must(t, os.WriteFile(token, []byte(invitation.Reveal()), 0o600))
	for _, m := range []mishap{
		{"data key missing", "n1", away("data.key"), nil, []string{"data.key is missing", "put back the key"}},
		{"data key that others may read", "n1", func(t *testing.T, dir string) {
			must(t, os.Chmod(filepath.Join(dir, "data.key"), 0o644))
		}, nil, []string{"data.key", "may be read by others", "chmod 400"}},
		{"data key of another", "n1", otherKey, nil, []string{"data.key is not the key", "put back the one that belongs"}},
		{"another node id", "n1", nil, []string{"--node-id", "n2"},
			[]string{`belongs to node "n1", not "n2"`, "its own directory"}},
		{"stable store missing", "n1", away("stable.db"), nil, []string{"stable.db is not the one of this log",
			"put back", "restore it from a backup"}},
		{"log missing", "n1", away("log"), nil, []string{"acknowledged entries are missing", "restore it from a backup"}},
		{"log of a newer program", "n1", newerLayout, nil, []string{"newer version", "start the version that wrote it"}},
		{"log of a newer store", "n1", newerPebble, nil, []string{"newer version", "start the version that wrote it"}},
		{"joining with a log", "n1", nil, []string{"--cluster", "127.0.0.1:0", "--join", "127.0.0.1:1", "--join-token-file",
			token}, []string{"has a log of its own", "join with an empty one"}},
		{"member of nothing", "n1", nil, []string{"--cluster", "127.0.0.1:0"},
			[]string{"not of any cluster yet", "--bootstrap", "--join"}},
	} {
		m.try(t, dir)
	}
}

// Mistakes with the directories of members: whatever is tried, no second cluster begins beside the first, and nobody
// votes twice.
func TestOperatorErrorsInAClusterAreNamedAndHarmless(t *testing.T) {
	if testing.Short() {
		t.Skip("three server processes")
	}
	c := FormBare(t, 3)
	must(t, addUser(t.Context(), c.Nodes[0], "ada"))
	invited := func(text string) string {
		path := filepath.Join(plainTemp(t), "token")
		must(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	token := invited(c.Token(0))
	other := plainTemp(t) // of a cluster of its own
	port := freeport.On127(t)
	p := lone(t, "m1", other, "--cluster", port, "--bootstrap")
	defer p.Kill()
	must(t, addUser(t.Context(), p, "ada"))
	theirs, err := joinToken(t.Context(), p)
	must(t, err)
	toOther := []string{"--join", port, "--join-token-file", invited(theirs)}

	c.Until("n2 has ada", 10*time.Second, func() bool {
		_, err := api.ShowUser.Call(t.Context(), c.Nodes[1].api, api.HandlePath{Handle: "ada"})
		return err == nil
	})
	c.Nodes[1].Stop()
	n2 := func(flags ...string) []string {
		return append(append([]string{"--node-id", "n2"}, c.Nodes[1].flags...), flags...)
	}
	steal := func(t *testing.T, dir string) {
		must(t, exec.Command("cp", "-a", filepath.Join(other, link.File), dir).Run())
	}
	for _, m := range []mishap{
		{"begun again", "n2", nil, n2("--bootstrap"), []string{"this node has joined a cluster", "start it without"}},
		{"joined elsewhere", "n2", nil, n2(toOther...), []string{"belongs to another cluster",
			"check the address, the token and the data directory"}},
		{"alone", "n2", nil, []string{"--node-id", "n2"}, []string{"is a cluster member's", "--cluster"}},
		{"certificate of another cluster", "n2", steal, n2(), []string{"belongs to another cluster", "data directory"}},
		{"stable store missing", "n2", away("stable.db"), n2(), []string{"stable.db is not the one of this log",
			"join it under a new node id"}},
		{"stable store missing, joined again", "n2", away("stable.db"), n2("--join", c.advertised[0], "--join-token-file",
			token), []string{"stable.db is not the one of this log"}},
		{"log missing", "n2", away("log"), n2(), []string{"acknowledged entries are missing",
			"remove it from there", "new node id"}},
		{"log and stable store missing", "n2", func(t *testing.T, dir string) {
			away("log")(t, dir)
			away("stable.db")(t, dir)
		}, n2(), []string{"the cluster knows this node id", "join under a new node id"}},
		{"data key missing", "n2", away("data.key"), n2(), []string{"data.key is missing", "put back the key"}},
	} {
		m.try(t, c.Nodes[1].Dir, n2()...)
	}
	wiped := filepath.Join(plainTemp(t), "data")
	said := turnedAway(t, wiped, n2("--join", c.advertised[0], "--join-token-file", token)...)
	if !strings.Contains(said, "the cluster knows this node id") || !strings.Contains(said, "join under a new node id") {
		t.Errorf("wiped, with the old node id: %q", said)
	}
	p.Stop()
	begun := []string{"--node-id", "m1", "--cluster", port, "--join", c.advertised[0], "--join-token-file", token}
	if said := turnedAway(t, other, begun...); !strings.Contains(said, "has begun a cluster of its own") ||
		!strings.Contains(said, "with an empty data directory") {
		t.Errorf("two nodes that have begun a cluster, then one is told to join: %q", said)
	}
	c.Nodes[1].Start()
	c.Until("three voters again", 20*time.Second, func() bool { return len(c.Voters(0)) == 3 })
}

// A member's directory is copied, and both are started.
func TestCopyOfALiveMemberIsTurnedAway(t *testing.T) {
	if testing.Short() {
		t.Skip("three server processes")
	}
	c := FormBare(t, 3)
	must(t, addUser(t.Context(), c.Nodes[0], "ada"))
	term := c.Nodes[0].mustState(t).Term
	c.Nodes[2].Stop()
	dir := filepath.Join(plainTemp(t), "data")
	clone(t, c.Nodes[2].Dir, dir)
	c.Nodes[2].Start()
	c.Until("three voters", 20*time.Second, func() bool { return len(c.Voters(0)) == 3 })
	begin := time.Now()
	said := turnedAway(t, dir, "--node-id", "n3", "--cluster", "127.0.0.1:0")
	if !strings.Contains(said, "in use by another live process") ||
		!strings.Contains(said, "delete the copied data directory") {
		t.Errorf("it says %q", said)
	}
	t.Logf("turned away after %v", time.Since(begin).Round(time.Millisecond))
	if voters, now := len(c.Voters(0)), c.Nodes[0].mustState(t).Term; voters != 3 || now > term+1 {
		t.Errorf("%d voters answer, term %d was %d", voters, now, term)
	}
	if _, err := os.Stat(filepath.Join(dir, "stable.db")); err != nil {
		t.Error(err)
	}
}
