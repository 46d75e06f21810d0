package raftfsm

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"hpfriends/eventlog"
	"hpfriends/graph"
	"hpfriends/raftfsm/link"
	"hpfriends/raftfsm/store"
)

func TestAnyNodeTakesChangesAndReadsItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimulation(t, 1, "n1", "n2", "n3")
		w.form()
		for i := range 30 {
			c := w.nodes[w.names[i%3]]
			handle := fmt.Sprintf("user%d", i)
			out, err := c.node.Change(t.Context(), graph.Command{By: operator, Op: graph.AddUser{Handle: handle}})
			if err != nil {
				t.Fatal(err)
			}
			if u, ok := c.node.Graph().UserByHandle(handle); !ok || uint64(u.ID) != out.Object {
				t.Fatalf("%s does not read what it has written: %s", c.id, handle)
			}
		}
		_, err := w.nodes["n2"].node.Change(t.Context(), graph.Command{By: operator, Op: graph.AddUser{Handle: "user0"}})
		if want := graph.ErrConflict; err == nil || !errors.Is(err, want) {
			t.Errorf("a refusal through a follower is %v, want %v", err, want)
		}
		old := w.leader()
		begin := time.Now()
		old.crash(func() {})
		c := w.up()[0]
		if _, err := c.node.Change(t.Context(), graph.Command{By: operator, Op: graph.AddUser{Handle: "after"}}); err != nil {
			t.Fatalf("a change right after the leader's crash: %v", err)
		}
		t.Logf("change after a crash of the leader: %v", time.Since(begin))
		for _, c := range w.up() {
			c.stop()
		}
	})
}

// A node that has joined, and was stopped before it heard of its cluster, must not begin another one with the cluster's
// own authority.
func TestJoinedNodeDoesNotBeginACluster(t *testing.T) {
	const cluster = "0123456789abcdef0123456789abcdef"
	dir := t.TempDir()
	id, err := link.Bootstrap(cluster, "n2")
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.OpenStable(dir)
	if err != nil {
		t.Fatal(err)
	}
	_, errNode := s.Identity("node", "n2")
	_, errCluster := s.Identity("cluster", cluster)
	if err := errors.Join(errNode, errCluster, storeLearned(s,
		learnedAtJoin(link.Welcome{Members: map[string]string{"n1": "127.0.0.1:1"}})), id.Save(dir), s.Close()); err != nil {
		t.Fatal(err)
	}
	log, err := eventlog.Open(eventlog.Config{Dir: filepath.Join(dir, "log"), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n, err := Open(Config{Dir: dir, Log: log, Logger: slog.New(slog.DiscardHandler),
		Cluster: &Cluster{Listener: l, Advertise: l.Addr().String(), Bootstrap: true}})
	if !errors.Is(err, ErrHasJoined) {
		t.Errorf("%v, want ErrHasJoined", err)
	}
	if n != nil {
		n.Close()
	}
}
