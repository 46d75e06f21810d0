package program

import (
	"context"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"hpfriends/internal/load"
	"hpfriends/wire"
)

// sentElsewhere connects and returns why it could not.
func sentElsewhere(f *fleet, id string) string {
	f.t.Helper()
	c, err := wire.Dial(f.t.Context(), wire.DialConfig{Addr: f.address(id), Ident: "x", Secret: []byte("x")})
	if err == nil {
		c.Close()
		f.t.Fatalf("%s takes a client", id)
	}
	return err.Error()
}

// A leader with a publisher is drained by another node: the publisher loses nothing that it has sent, the leader hands
// over, stays a voter, and takes clients again when it is told to, not when it is restarted.
func TestDrainSendsClientsElsewhereAndLosesNothing(t *testing.T) {
	t.Parallel() // it waits most of the time
	f := startFleet(t, 3)
	pubs, _ := f.setUp("n1", 1, 0)
	l := f.leader()
	by := f.other(l)
	there := f.address(by)
	first := f.address(l)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	v := sail(ctx, pubs[0], 0, 50, func() string {
		if v := first; v != "" {
			first = ""
			return v
		}
		return there
	})
	v.goesOn(f, 2000)
	if n := f.member(by, l).Clients; n == nil || *n != 1 {
		t.Errorf("%s has %v clients by the status, want 1", l, n)
	}
	v.pause()
	f.must(f.order(by, "drain", l, false))
	f.until("the leader has handed over",
		10*time.Second, func() bool { return f.status(by).Leader != l && f.status(by).Leader != "" })
	f.until("no client is left", 10*time.Second, func() bool {
		n := f.member(by, l).Clients
		return n != nil && *n == 0
	})
	v.goesOn(f, 2000)
	if v.at() != there {
		t.Error("the publisher is at the drained node")
	}
	if gap := v.pause(); gap > time.Second {
		t.Errorf("acknowledgements paused for %v", gap)
	} else {
		t.Logf("drain of the leader: acknowledgements paused for %v", gap)
	}
	if got := f.readyz(l); got != http.StatusServiceUnavailable {
		t.Errorf("/readyz of the drained node is %d", got)
	}
	if said := sentElsewhere(f, l); !strings.Contains(said, "reset by peer") {
		t.Errorf("a new client is told %q", said)
	}
	s := f.status(l)
	if m := f.member(l, l); !m.Drained || m.Role != "voter" ||
		!strings.Contains(strings.Join(s.Warnings, "\n"), "node "+l+" is drained") {
		t.Errorf("the status says %+v, warnings %q", m, s.Warnings)
	}
	if err := f.order(by, "transfer", l, false); err == nil || !strings.Contains(err.Error(), "is drained") {
		t.Errorf("leadership to the drained node: %v", err)
	}
	f.stop(l)
	f.start(l)
	if got := f.readyz(l); got != http.StatusServiceUnavailable {
		t.Errorf("/readyz of the drained node after a restart is %d", got)
	}
	f.must(f.order(by, "undrain", l, false))
	f.until("it is ready again", 10*time.Second, func() bool { return f.readyz(l) == http.StatusOK })
	c, err := load.Login(t.Context(), f.address(l), pubs[0])
	f.must(err)
	c.Close()
	stop()
	<-v.done
	f.compare(v)
}

// What would leave no node for clients, or no majority once the node is stopped, is refused; and a stop by signal says
// what it does.
func TestDrainAndStopWarnBeforeHarm(t *testing.T) {
	t.Parallel() // it waits most of the time
	f := startFleet(t, 3)
	f.kill("n3")
	f.until("n3 is missed", 10*time.Second, func() bool { return f.member("n1", "n3").Error != "" })
	if err := f.order("n1", "drain", "n2", false); err == nil || !strings.Contains(err.Error(), "1 of 3 voters") {
		t.Errorf("draining one of two that are left of three: %v", err)
	}
	f.must(f.order("n1", "drain", "n2", true))
	if err := f.order("n1", "drain", "n1", false); err == nil ||
		!strings.Contains(err.Error(), "no node that takes clients") {
		t.Errorf("draining the last one: %v", err)
	}
	if err := f.order("n1", "drain", "n9", false); err == nil || !strings.Contains(err.Error(), "no member") {
		t.Errorf("draining a stranger: %v", err)
	}
	p := f.nodes["n2"].proc
	p.Signal(syscall.SIGTERM)
	if said := f.gone("n2"); !strings.Contains(said, "stopping node n2 would leave 1 of 3 voters") {
		t.Errorf("a stop that leaves no majority says %q", said)
	}
}
