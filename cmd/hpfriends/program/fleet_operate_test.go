package program

import (
	"bytes"
	"context"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hpfriends/internal/cmdline"
	"hpfriends/internal/load"
)

// commandLine runs a command and returns its exit code and what it printed.
func commandLine(t *testing.T, args ...string) (code int, out, said string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(t.Context(), append([]string{"hpfriends"}, args...), &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

// Every node is restarted with its clients on it: they learn of it at once, go on elsewhere, and lose nothing that
// they sent.
func TestRollingRestartWithClientsOnEachNode(t *testing.T) {
	t.Parallel() // it waits most of the time
	f := startFleet(t, 3)
	pubs, _ := f.setUp("n1", 1, 0)
	all := &voyage{}
	for i, id := range []string{"n1", "n2", "n3"} {
		route := []string{f.address(id), f.address(f.other(id))}
		ctx, stop := context.WithCancel(t.Context())
		v := sail(ctx, pubs[0], 100*i, 25, func() string {
			next := route[0]
			route = route[len(route)-1:]
			return next
		})
		v.goesOn(f, 1000)
		v.pause()
		led := f.leader() == id
		f.stop(id)
		v.goesOn(f, 1000)
		pause := v.pause()
		t.Logf("restart of %s (leader: %v) with its client: acknowledgements paused for %v", id, led, pause)
		if pause > time.Second {
			t.Errorf("restart of %s: acknowledgements paused for %v", id, pause)
		}
		f.start(id)
		stop()
		<-v.done
		if len(v.legs) != 2 || !v.legs[0].orderly {
			t.Errorf("restart of %s: the client had %d connections, the first ended in good order: %v",
				id, len(v.legs), v.legs[0].orderly)
		}
		all.legs = append(all.legs, v.legs...)
	}
	f.leader()
	f.compare(all)
}

// Two of three nodes are lost for good. The third is made the only member, has everything that it had, and two new
// ones join.
func TestRecoverWhenTheMajorityIsLost(t *testing.T) {
	t.Parallel() // it waits most of the time
	f := startFleet(t, 3)
	pubs, _ := f.setUp("n1", 1, 0)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	v := sail(ctx, pubs[0], 0, 25, func() string { return f.address("n1") })
	v.goesOn(f, 2000)
	stop()
	<-v.done
	for _, id := range []string{"n2", "n3"} {
		f.kill(id)
		f.must(os.RemoveAll(f.nodes[id].dir))
	}
	f.until("n1 says that it has no majority", 10*time.Second, func() bool {
		return strings.Contains(strings.Join(f.status("n1").Warnings, "\n"), "1 of 3 voters answer, 2 are needed")
	})
	dir := f.nodes["n1"].dir
	if code, _, said := commandLine(t, "cluster", "recover", "--data-dir", dir, "--yes"); code == 0 {
		t.Fatalf("a running node was recovered: %s", said)
	}
	f.stop("n1")
	if code, out, said := commandLine(t, "cluster", "recover", "--data-dir", dir); code != 0 ||
		!strings.Contains(out, "Nothing was changed") || strings.Count(out, "Voter") != 3 {
		t.Fatalf("recover without --yes: %d %s %s", code, out, said)
	}
	if code, out, said := commandLine(t, "cluster", "recover", "--data-dir", dir, "--yes"); code != 0 ||
		!strings.Contains(out, "the only member now") {
		t.Fatalf("recover: %d %s %s", code, out, said)
	}
	f.start("n1")
	if s := f.status("n1"); s.Leader != "n1" || len(s.Members) != 1 {
		t.Fatalf("after the recovery the cluster is %+v", s.Cluster)
	}

	f.makeToken("n1")
	// Wiped, with their old ids.
	for id, want := range map[string]string{"n2": "was a member before and left", "n1": "its data directory is empty"} {
		code, _, said := commandLine(t, "cluster", "join", f.nodes["n1"].port, "--data-dir", t.TempDir(), "--node-id", id,
			"--advertise", "127.0.0.1:1", "--token-file", f.token)
		if code != cmdline.ExitFailed || !strings.Contains(said, want) {
			t.Errorf("a blank node with the old id %s: %d %s", id, code, said)
		}
	}
	f.add("n4")
	if code, out, said := commandLine(t, "cluster", "join", f.nodes["n1"].port, "--data-dir", f.nodes["n4"].dir,
		"--node-id", "n4", "--advertise", f.nodes["n4"].port, "--token-file", f.token); code != 0 ||
		!strings.Contains(out, "Start it: hpfriends serve") {
		t.Fatalf("join: %d %s %s", code, out, said)
	}
	f.start("n4")
	f.join("n5", "n4")
	f.awaitVoters("n1", 3)
	f.level("n1")
	f.compare(v)
}

func (f *fleet) metrics(id string) string {
	f.t.Helper()
	page, err := f.nodes[id].proc.API.Metrics(f.t.Context())
	f.must(err)
	return string(page)
}

// A reader serves subscribers from its own log. It gets no vote, and nobody waits for it.
func TestReaderServesAndDoesNotVote(t *testing.T) {
	t.Parallel() // it waits most of the time
	f := startFleet(t, 1)
	f.join("n2", "n1", "--nonvoter")
	pubs, subs := f.setUp("n1", 1, 1)
	c := f.attend("n2", subs[0], load.Channel)
	var received atomic.Int64
	go func() { _ = load.CountFrames(c, &received, func([]byte) {}) }()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	// Also what is published there goes to the leader.
	v := sail(ctx, pubs[0], 0, 5, func() string { return f.address("n2") })
	v.goesOn(f, 500)
	f.until("the subscriber at the reader gets it", 10*time.Second, func() bool { return received.Load() > 100 })
	f.until("long enough for a vote", 20*time.Second, func() bool { return v.acked.Load() > 5000 })
	stop()
	<-v.done
	f.until("the reader has it all, and no vote", 5*time.Second, func() bool {
		m := f.member("n1", "n2")
		return m.Role == "nonvoter" && m.LagEntries == 0
	})
	for _, id := range []string{"n1", "n2"} {
		for _, want := range []string{"hpfriends_cluster_leader_known 1", "hpfriends_cluster_quorum_spare 0",
			"hpfriends_cluster_lag_entries 0", "hpfriends_drained 0"} {
			f.until("the metrics of "+id+" say "+want, 5*time.Second,
				func() bool { return strings.Contains(f.metrics(id), want+"\n") })
		}
	}
	f.kill("n2")
	if err := f.call("n1", "POST", "/api/v1/users", map[string]any{"handle": "alone"}, nil); err != nil {
		t.Errorf("without its reader the voter takes no changes: %v", err)
	}
}
