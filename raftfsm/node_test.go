package raftfsm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"hpfriends/eventlog"
	"hpfriends/graph"
	"hpfriends/raftfsm/store"
)

// running is an open node with its log. It is closed when its test ends, if not before.
type running struct {
	*Node
	log    *eventlog.Log
	closed bool
}

func open(t *testing.T, dir string) *running {
	t.Helper()
	return openWith(t, dir, Config{})
}

// openWith opens a node that does its work as c says.
func openWith(t *testing.T, dir string, c Config) *running {
	t.Helper()
	log, err := eventlog.Open(eventlog.Config{Dir: filepath.Join(dir, "log"), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	c.Dir, c.Log, c.Logger = dir, log, slog.New(slog.DiscardHandler)
	c.Fail = func(err error) { t.Errorf("fail-stop: %v", err) }
	n, err := Open(c)
	if err != nil {
		log.Close()
		t.Fatal(err)
	}
	r := &running{Node: n, log: log}
	t.Cleanup(func() { r.close(t) })
	if err := n.AwaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *running) close(t *testing.T) {
	t.Helper()
	if r.closed {
		return
	}
	r.closed = true
	if err := errors.Join(r.Node.Close(), r.log.Close()); err != nil {
		t.Error(err)
	}
}

var operator = graph.Actor{Operator: true, From: "test"}

func (r *running) mustChange(t *testing.T, by graph.Actor, op graph.Op) graph.Outcome {
	t.Helper()
	out, err := r.Change(t.Context(), graph.Command{By: by, Op: op})
	if err != nil {
		t.Fatalf("%T: %v", op, err)
	}
	return out
}

func TestGraphIsTheSameAfterRestart(t *testing.T) {
	for _, stored := range []bool{true, false} {
		t.Run(fmt.Sprintf("stored=%v", stored), func(t *testing.T) {
			dir := t.TempDir()
			r := open(t, dir)
			for i := range 20 {
				r.mustChange(t, operator, graph.AddUser{Handle: fmt.Sprintf("user%d", i)})
			}
			if !stored {
				r.saved = r.Version().Index // Close then stores nothing: the events alone must do
			}
			want := r.Graph().Index()
			r.close(t)

			r = open(t, dir)
			if got := r.Graph().Index(); got != want {
				t.Errorf("graph is at %d after restart, want %d", got, want)
			}
			for i := range 20 {
				if _, ok := r.Graph().UserByHandle(fmt.Sprintf("user%d", i)); !ok {
					t.Errorf("user%d is lost", i)
				}
			}
			if out := r.mustChange(t, operator, graph.AddUser{Handle: "later"}); out.Index <= want {
				t.Errorf("a change after restart has index %d, want above %d", out.Index, want)
			}
		})
	}
}

func TestRefusalIsTheAnswerAndChangesNothing(t *testing.T) {
	r := open(t, t.TempDir())
	r.mustChange(t, operator, graph.AddUser{Handle: "ada"})
	before, last := r.Version(), r.raft.LastIndex()
	_, err := r.Change(t.Context(), graph.Command{By: operator, Op: graph.AddUser{Handle: "ada"}})
	if !errors.Is(err, graph.ErrConflict) {
		t.Errorf("second user of the same handle: %v, want a conflict", err)
	}
	if r.Version() != before {
		t.Error("a refused change made a new version")
	}
	if r.raft.LastIndex() != last {
		t.Error("a refused change is an entry of the log")
	}
}

func TestAlteredAuditEventIsFoundAtStart(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir)
	var first graph.Outcome
	for _, h := range []string{"ada", "bob", "cleo"} {
		if out := r.mustChange(t, operator, graph.AddUser{Handle: h}); first.Index == 0 {
			first = out
		}
	}
	r.saved = r.Version().Index
	v, err := r.log.Get(eventlog.SpaceAudit, eventlog.IndexKey(first.Index))
	if err != nil {
		t.Fatal(err)
	}
	tx := r.log.BeginUpdate()
	tx.Put(eventlog.SpaceAudit, eventlog.IndexKey(first.Index), []byte(strings.Replace(string(v), "ada", "eve", 1)))
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	r.close(t)
	log, err := eventlog.Open(eventlog.Config{Dir: filepath.Join(dir, "log"), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if _, err := Open(Config{Dir: dir, Log: log, Logger: slog.New(slog.DiscardHandler)}); err == nil ||
		!strings.Contains(err.Error(), "audit event") {
		t.Errorf("opening with an altered audit event: %v", err)
	}
}

func TestExpiryTakesEffectByItself(t *testing.T) {
	r := open(t, t.TempDir())
	ada := graph.UserID(r.mustChange(t, operator, graph.AddUser{Handle: "ada"}).Object)
	bob := graph.UserID(r.mustChange(t, operator, graph.AddUser{Handle: "bob"}).Object)
	out := r.mustChange(t, graph.Actor{User: ada}, graph.AddShare{Channel: "c", User: bob, Type: graph.Own,
		History: graph.FromShare, Expires: time.Now().Add(300 * time.Millisecond)})
	deadline := time.After(5 * time.Second)
	for v := r.Version(); ; v = v.Newest() {
		if s, ok := v.Graph.Share(graph.ShareID(out.Object)); !ok || s.Expired {
			return
		}
		select {
		case <-v.Changed():
		case <-deadline:
			t.Fatal("the share has not expired after 5 s")
		}
	}
}

func TestWipedLogIsRefused(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir)
	r.mustChange(t, operator, graph.AddUser{Handle: "ada"})
	r.close(t)
	log, err := eventlog.Open(eventlog.Config{Dir: filepath.Join(dir, "another"), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	_, err = Open(Config{Dir: dir, Log: log, Logger: slog.New(slog.DiscardHandler)})
	if !errors.Is(err, eventlog.ErrLogBehind) {
		t.Errorf("a log without the acknowledged entries: %v, want ErrLogBehind", err)
	}
}

func TestForeignNodeIDIsRefused(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir)
	id := r.ID()
	r.close(t)
	log, err := eventlog.Open(eventlog.Config{Dir: filepath.Join(dir, "log"), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if _, err := Open(Config{Dir: dir, NodeID: "other", Log: log, Logger: slog.New(slog.DiscardHandler)}); err == nil ||
		!strings.Contains(err.Error(), id) {
		t.Errorf("opening as another node: %v, want an error that names %s", err, id)
	}
}

func TestOutcomesAreSorted(t *testing.T) {
	for _, err := range []error{raft.ErrNotLeader, raft.ErrEnqueueTimeout, raft.ErrLeadershipTransferInProgress} {
		if got := outcome(err); !errors.Is(got, ErrUnavailable) || !errors.Is(got, err) {
			t.Errorf("%v became %v, want ErrUnavailable", err, got)
		}
		var later interface{ Temporary() bool }
		if !errors.As(outcome(err), &later) || !later.Temporary() {
			t.Errorf("%v does not say that it can be tried again", err)
		}
	}
	for _, err := range []error{raft.ErrLeadershipLost, raft.ErrRaftShutdown, context.DeadlineExceeded} {
		if got := outcome(err); !errors.Is(got, ErrUnknownOutcome) {
			t.Errorf("%v became %v, want ErrUnknownOutcome", err, got)
		}
	}
}

// raft does not look whether its term is at least that of its log (I9 of reliability.md): a stable store that is older
// than the log, or new, has forgotten votes.
func TestStableStoreOlderThanTheLogIsRefused(t *testing.T) {
	for name, age := range map[string]func(dir string) error{
		"gone": func(dir string) error { return os.Remove(filepath.Join(dir, store.StableFile)) },
		"older": func(dir string) error {
			s, err := store.OpenStable(dir)
			if err != nil {
				return err
			}
			return errors.Join(s.SetUint64(store.KeyCurrentTerm, 1), s.Close())
		},
	} {
		dir := t.TempDir()
		open(t, dir).close(t)
		r := open(t, dir) // in a term above 1
		r.close(t)
		if err := age(dir); err != nil {
			t.Fatal(err)
		}
		log, err := eventlog.Open(eventlog.Config{Dir: filepath.Join(dir, "log"), Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		n, err := Open(Config{Dir: dir, Log: log, Logger: slog.New(slog.DiscardHandler)})
		if !errors.Is(err, ErrStableBehind) {
			t.Errorf("%s: %v, want ErrStableBehind", name, err)
		}
		if n != nil {
			n.Close()
		}
		log.Close()
	}
}

// A node that is not ready in time says why, not that the time is over, which it is in the midst of a question more
// often than not.
func TestWaitEndsWithTheReason(t *testing.T) {
	behind := errors.New("it is catching up")
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 110*time.Millisecond)
		defer cancel()
		asked := 0
		why := poll(ctx, 50*time.Millisecond, nil, func(ctx context.Context) error {
			asked++
			select {
			case <-time.After(20 * time.Millisecond):
				return behind
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		if why != behind || asked != 3 {
			t.Errorf("%v after %d questions", why, asked)
		}
		why = poll(ctx, time.Second, nil, func(ctx context.Context) error { return ctx.Err() })
		if why != context.DeadlineExceeded {
			t.Errorf("with no other reason: %v", why)
		}
	})
}
