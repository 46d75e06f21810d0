//go:build interop

package interop

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"hpfriends/internal/freeport"
)

// storedKey is a row of the Python broker's database.
type storedKey struct {
	Owner  string   `json:"owner"`
	Ident  string   `json:"ident"`
	Secret string   `json:"secret"`
	Pub    []string `json:"pub"`
	Sub    []string `json:"sub"`
}

// fillStore has the Python broker's own code make a database of the keys, which also get their sync channels.
func fillStore(t *testing.T, path string, keys []storedKey) {
	t.Helper()
	var lines bytes.Buffer
	for _, k := range keys {
		k.Secret = secretOf(k.Ident)
		k.Pub, k.Sub = append(k.Pub, "sync."+k.Ident), append(k.Sub, "sync."+k.Ident)
		if err := json.NewEncoder(&lines).Encode(k); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(filepath.Join(venv, "bin", "python3"), filepath.Join("testdata", "keystore.py"), path)
	cmd.Stdin = &lines
	if err := verbose(cmd); err != nil {
		t.Fatal(err)
	}
}

// pythonBroker runs the hpfeeds package's broker in a directory with its sqlite.db, until the test ends.
func pythonBroker(t *testing.T, dir string) (host, port string) {
	t.Helper()
	address := freeport.On127(t)
	var log bytes.Buffer
	cmd := exec.Command(filepath.Join(venv, "bin", "hpfeeds-broker"), "--bind", address)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		timer := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
		<-exited
		timer.Stop()
		if t.Failed() {
			t.Log(log.String())
		}
	})
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
			break
		}
		if time.Now().After(deadline) || len(exited) > 0 {
			t.Fatalf("the Python broker does not start: %v\n%s", err, log.String())
		}
	}
	host, port, _ = net.SplitHostPort(address)
	return host, port
}

// A community as it is: sensors, collectors, somebody who is both; several keys of one owner, and one owner whose name
// can be no handle.
var community = []storedKey{
	{Owner: "ada", Ident: "ada-cowrie", Pub: []string{"cowrie.sessions"}},
	{Owner: "ada", Ident: "ada-dionaea", Pub: []string{"dionaea.capture", "mwbinary"}},
	{Owner: "ada", Ident: "ada-reader", Sub: []string{"cowrie.sessions", "dionaea.capture"}},
	{Owner: "Bob & Söhne", Ident: "bob", Pub: []string{"cowrie.sessions", "geoloc"},
		Sub: []string{"cowrie.sessions", "geoloc"}},
	{Owner: "eve", Ident: "collector", Sub: []string{"cowrie.sessions", "dionaea.capture", "geoloc", "nobody.publishes"}},
}

// randomCommunity has keys that may do this and that.
func randomCommunity(seed uint64) (keys []storedKey) {
	r := rand.New(rand.NewPCG(seed, 7))
	some := func() (list []string) {
		for _, c := range []string{"a", "b.c", "ü", "d-e_f"} {
			if r.IntN(2) == 0 {
				list = append(list, c)
			}
		}
		return list
	}
	for i := range 6 {
		keys = append(keys, storedKey{
			Owner: fmt.Sprint("owner", r.IntN(4)), Ident: fmt.Sprint("key", i), Pub: some(), Sub: some(),
		})
	}
	return keys
}

// The same clients send the same messages by the Python broker and, after an import of its database while it runs, by
// this one: each receives the same in the same order.
func TestImportedStoreDeliversAsThePythonBroker(t *testing.T) {
	for name, keys := range map[string][]storedKey{
		"community": community, "random 1": randomCommunity(1), "random 2": randomCommunity(2),
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			fillStore(t, filepath.Join(dir, "sqlite.db"), keys)
			host, port := pythonBroker(t, dir)
			before := exchange(t, host, port, keys)
			s := serve(t)
			out := s.cli(0, "import", "hpfeeds", "--sqlite", filepath.Join(dir, "sqlite.db"))
			if !strings.Contains(out, "the same as before") {
				t.Errorf("import says %q", out)
			}
			after := exchange(t, s.host, s.port, keys)
			received := 0
			for ident, list := range before {
				received += len(list)
				if !slices.Equal(list, after[ident]) {
					t.Errorf("%s received %q by the Python broker and %q by ours", ident, list, after[ident])
				}
			}
			if received < 10 {
				t.Errorf("%d messages were received: this test looks at too little", received)
			}
			if again := s.cli(0, "import", "hpfeeds", "--sqlite", filepath.Join(dir, "sqlite.db")); !strings.Contains(again,
				"everything was there already") {
				t.Errorf("importing again says %q", again)
			}
		})
	}
}

// The same by the database itself, which the program serves under the name of the Python broker's: a key that is added
// to it meanwhile is let in, too.
func TestStoreIsServedLive(t *testing.T) {
	dir, err := os.MkdirTemp("", "hp") // short: the path of a Unix socket is
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	store := filepath.Join(dir, "sqlite.db")
	fillStore(t, store, community)
	host, port := pythonBroker(t, dir)
	before := exchange(t, host, port, community)
	ours := filepath.Join(dir, "hpfeeds-broker")
	if err := os.Symlink(hpfriends, ours); err != nil {
		t.Fatal(err)
	}
	address := freeport.On127(t)
	cmd := exec.Command(ours, "--bind", address)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HPFRIENDS_DATA_DIR=d", "HPFRIENDS_HTTP=")
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(log.String())
		}
	}()
	await := func(keys []storedKey) {
		t.Helper()
		for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
			listed := execute(t, hpfriends, "--data-dir", filepath.Join(dir, "d"), "authkey", "ls").stdout
			if !slices.ContainsFunc(keys, func(k storedKey) bool { return !strings.Contains(listed, " "+k.Ident+" ") }) {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("the keys of the store are not served:\n%s", listed)
			}
		}
	}
	await(community)
	host, port, _ = net.SplitHostPort(address)
	for ident, list := range exchange(t, host, port, community) {
		if !slices.Equal(list, before[ident]) {
			t.Errorf("%s received %q by the Python broker and %q by ours", ident, before[ident], list)
		}
	}
	late := storedKey{Owner: "late", Ident: "late", Pub: []string{"geoloc"}, Sub: []string{"geoloc"}}
	fillStore(t, store, []storedKey{late})
	await([]storedKey{late})
	a := startAgent(t, "aio.py", endpoint{host: host, port: port}, "late", "geoloc")
	a.publish("geoloc", "hello")
	if a.sync(); len(a.received) != 1 {
		t.Errorf("a key that was added received %q", a.received)
	}
}

// A cowrie that publishes by the Python broker does so here after an import, with another port in its settings and
// nothing else, and who read it reads it.
func TestCowrieMovesOver(t *testing.T) {
	dir := t.TempDir()
	store := filepath.Join(dir, "sqlite.db")
	fillStore(t, store, []storedKey{{Owner: "ada", Ident: "cowrie", Pub: []string{"cowrie.sessions"}},
		{Owner: "bob", Ident: "reader", Sub: []string{"cowrie.sessions"}}})
	host, port := pythonBroker(t, dir)
	cowrieSession(t, host, port, readSensor(t, host, port, "cowrie", "cowrie.sessions"))
	s := serve(t)
	s.cli(0, "import", "hpfeeds", "--sqlite", store)
	cowrieSession(t, host, s.port, readSensor(t, host, s.port, "cowrie", "cowrie.sessions"))
}

// exchange has each key publish two messages on each of its channels, and returns what each received.
func exchange(t *testing.T, host, port string, keys []storedKey) map[string][]string {
	t.Helper()
	scripts := []string{"blocking.py", "aio.py", "tx.py"}
	var agents []*agent
	for i, k := range keys {
		agents = append(agents, startAgent(t, scripts[i%len(scripts)], endpoint{host: host, port: port}, k.Ident, k.Sub...))
	}
	for i, k := range keys {
		for _, c := range k.Pub {
			for n := range 2 {
				agents[i].publish(c, fmt.Sprint("message ", n, " of ", k.Ident))
			}
			agents[i].sync() // so that what the next one publishes comes after it
		}
	}
	received := make(map[string][]string)
	for i, k := range keys {
		agents[i].sync()
		received[k.Ident] = agents[i].received
	}
	return received
}

// A store that changes hands by its files alone: what is in the database of a broker that is gone, in any journal mode.
func TestImportReadsEveryJournalMode(t *testing.T) {
	for _, mode := range []string{"delete", "truncate", "persist", "wal"} {
		path := filepath.Join(t.TempDir(), "sqlite.db")
		fillStore(t, path, community)
		script := fmt.Sprintf(`import sqlite3, os
db = sqlite3.connect(%q)
db.execute("pragma journal_mode = %s")
db.execute("insert into authkeys (owner, ident, secret, pubchans, subchans) values ('late', 'late', 's', '[]', '[]')")
db.commit()
os._exit(0)`, path, mode)
		if err := verbose(exec.Command(filepath.Join(venv, "bin", "python3"), "-c", script)); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(path + "-wal"); (err == nil) != (mode == "wal") {
			t.Fatalf("%s: a write-ahead log: %v", mode, err)
		}
		s := serve(t)
		s.cli(0, "import", "hpfeeds", "--sqlite", path)
		if out := s.cli(0, "authkey", "ls"); !strings.Contains(out, "late") {
			t.Errorf("%s: the last commit is missing:\n%s", mode, out)
		}
	}
}
