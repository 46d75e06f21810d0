package program

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/raft"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rogpeppe/go-internal/testscript"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/internal/datadir"
	"hpfriends/internal/freeport"
	"hpfriends/internal/secret"
	"hpfriends/query"
	"hpfriends/query/view"
	"hpfriends/web"
)

// office is the API on a graph in memory, on the socket of a data directory: all that the command line needs of a
// server.
type office struct {
	events *eventlog.Log
	url    string // of the API on TCP
	mu     sync.Mutex
	graph  *graph.Graph
}

// open serves dir until the test ends.
func open(dir string, cleanup func(func())) (*office, error) {
	o := &office{graph: graph.New()}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	key, err := secret.LoadOrCreate(dir)
	if err != nil {
		return nil, err
	}
	quiet := slog.New(slog.DiscardHandler)
	if o.events, err = eventlog.Open(eventlog.Config{Dir: filepath.Join(dir, "log"), Logger: quiet}); err != nil {
		return nil, err
	}
	s := web.New(web.Config{
		Changer: o, Query: query.New(o.events, o.newest, nil), Key: key, Metrics: prometheus.NewRegistry(),
		Node:  web.Node{Version: "test"},
		Ready: func(context.Context) error { return nil }, Logger: quiet,
	})
	l, err := net.Listen("unix", filepath.Join(dir, datadir.Socket))
	if err != nil {
		return nil, err
	}
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	o.url = "http://" + tcp.Addr().String()
	done := make(chan error, 2)
	go func() { done <- s.ServeSocket(l) }()
	go func() { done <- s.Serve(tcp) }()
	cleanup(func() {
		_ = s.Shutdown(context.Background())
		<-done
		<-done
		_ = o.events.Close()
	})
	return o, nil
}

func (o *office) newest() *graph.Graph {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.graph
}

// Now implements v1.Changer.
func (o *office) Now() time.Time { return time.Now() }

// Retention implements v1.Changer.
func (o *office) Retention() view.Retention { return view.Retention{} }

// Change implements web.Changer.
func (o *office) Change(_ context.Context, c graph.Command) (graph.Outcome, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	c.Time = time.Now().UTC()
	index := o.graph.Index() + 1
	next, out, err := o.graph.Apply(index, c)
	if err == nil {
		err = o.record(index, c)
	}
	o.graph = next
	return out, err
}

// record keeps an accepted change as a node would: in the log and in the audit.
func (o *office) record(index uint64, c graph.Command) error {
	command, err := json.Marshal(c)
	if err != nil {
		return err
	}
	entry := &raft.Log{Index: index, Term: 1, Type: raft.LogCommand,
		Data: append([]byte{byte(entry.KindChange)}, command...)}
	if err := o.events.LogStore().StoreLogs([]*raft.Log{entry}); err != nil {
		return err
	}
	newest, err := o.events.Audit().Newest()
	if err != nil {
		return err
	}
	tx := o.events.Begin()
	tx.PutAudit(newest.Next(index, c.Time, command))
	return tx.Commit(index)
}

// refused puts a row into the logs, as the entry r.Index would.
func (o *office) refused(t *testing.T, id string, r entry.Refusal) {
	t.Helper()
	v, tx := r.AppendStored(nil), o.events.BeginUpdate()
	row := append(eventlog.IndexKey(r.Owner), id...)
	tx.Put(eventlog.SpaceLogs, row, v)
	tx.Put(eventlog.SpaceRecent, eventlog.RecentKey(r.Last, row), v)
	tx.Put(eventlog.SpaceMeta, eventlog.KeyNewestRefusal, eventlog.IndexKey(r.Index))
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
}

// terminal runs command lines in this process.
type terminal struct {
	t   *testing.T
	dir string
}

func newTerminal(t *testing.T) (*office, terminal) {
	t.Helper()
	dir := t.TempDir()
	o, err := open(dir, t.Cleanup)
	if err != nil {
		t.Fatal(err)
	}
	return o, terminal{t, dir}
}

func (m terminal) run(args ...string) (code int, stdout, stderr string) {
	var out, msg bytes.Buffer
	code = run(m.t.Context(), append([]string{"hpfriends", "--data-dir", m.dir}, args...), &out, &msg)
	return code, out.String(), msg.String()
}

func (m terminal) ok(args ...string) string {
	m.t.Helper()
	code, out, msg := m.run(args...)
	if code != 0 {
		m.t.Fatalf("%q: exit %d: %s%s", args, code, out, msg)
	}
	return out
}

// Every script is a small story on the real program; it says what a user can rely on.
func TestScripts(t *testing.T) {
	if testing.Short() {
		t.Skip("starts about a hundred processes, each of which is slow under the race detector")
	}
	runScripts(t, "testdata/script", func(*testscript.Env) error { return nil })
}

// runScripts runs the scripts of a directory, each after prepare, in a directory of its own.
func runScripts(t *testing.T, dir string, prepare func(*testscript.Env) error) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: dir,
		Setup: func(env *testscript.Env) error {
			if err := prepare(env); err != nil {
				return err
			}
			bin := filepath.Join(env.WorkDir, ".bin")
			if err := os.Mkdir(bin, 0o700); err != nil {
				return err
			}
			program := fmt.Sprintf("#!/bin/sh\n%s=1 exec %q \"$@\"\n", asProgram, self)
			if err := os.WriteFile(filepath.Join(bin, "hpfriends"), []byte(program), 0o700); err != nil {
				return err
			}
			env.Setenv("PATH", bin+string(os.PathListSeparator)+env.Getenv("PATH"))
			env.Setenv("HPFRIENDS_DATA_DIR", filepath.Join(env.WorkDir, "d"))
			o, err := open(filepath.Join(env.WorkDir, "d"), env.Defer)
			if err == nil {
				env.Setenv("URL", o.url)
				env.Setenv("CLUSTER", freeport.On127(t))
			}
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "server": runServer, "capture": capture,
		},
	})
}

// exits runs a program that must end with a certain code: exits CODE PROGRAM ARG...
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARG...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var failed *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &failed) {
		got = failed.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("%s: exit %d, want %d", strings.Join(args[1:], " "), got, want)
	}
}
