package faults

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hpfriends/api"
	"hpfriends/internal/proc"
)

// before is the commit whose program is upgraded from: the newest of level 1 (see apply.Level). With a release it
// becomes that of the release before.
const before = "51c89cf766a6dccc80053b2dff488458bd49439b"

// older builds the program of that commit. HPFRIENDS_OLDER names one that is there already. Without the history, as in
// a shallow clone, the test is skipped.
func older(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("HPFRIENDS_OLDER"); path != "" {
		return path
	}
	git := func(args ...string) (string, error) {
		out, err := exec.Command("git", append([]string{"-C", "../.."}, args...)...).CombinedOutput()
		return strings.TrimSpace(string(out)), err
	}
	if out, err := git("cat-file", "-e", before+"^{commit}"); err != nil {
		t.Skipf("the history does not hold the commit %.10s, from which the older program is built: %v: %s", before, err, out)
	}
	dir := t.TempDir()
	source, binary := filepath.Join(dir, "source"), filepath.Join(dir, "hpfriends")
	must(t, os.Mkdir(source, 0o700))
	archive := filepath.Join(dir, "source.tar")
	out, err := git("archive", "-o", archive, before)
	if err == nil {
		var b []byte
		b, err = exec.Command("tar", "-x", "-f", archive, "-C", source).CombinedOutput()
		out = string(b)
	}
	if err == nil {
		build := exec.Command("go", "build", "-buildvcs=false", "-o", binary, "./cmd/hpfriends")
		build.Dir = source
		var b []byte
		b, err = build.CombinedOutput()
		out = string(b)
	}
	if err != nil && os.Getenv("CI") == "" {
		t.Skipf("the program of %.10s cannot be built here: %v: %s", before, err, out)
	} else if err != nil {
		t.Fatalf("the program of %.10s cannot be built: %v: %s", before, err, out)
	}
	return binary
}

// allow sets a limit of a user, an operation that the older program does not know.
func (c *Cluster) allow(as *api.Client, user string) error {
	in := api.LimitsEdit{HandlePath: api.HandlePath{Handle: user}, Body: api.LimitChanges{Groups: new(uint32(7))}}
	_, err := api.SetLimits.Call(c.t.Context(), as, in)
	return err
}

// refusedFor requires that a node refuses it, and names another node for the reason.
func (c *Cluster) refusedFor(at, older int) {
	c.t.Helper()
	err := c.allow(c.Nodes[at].api, "reader")
	want := fmt.Sprintf("the change user.limits: level 2, which the program of node %s (hpfriends ", c.Nodes[older].ID)
	p, ok := errors.AsType[*api.Problem](err)
	if !ok || p.Status != http.StatusConflict || !strings.Contains(err.Error(), want) {
		c.t.Errorf("%s: what %s does not know: %v, want a conflict: %s", c.Nodes[at].ID, c.Nodes[older].ID, err, want)
	}
}

// replace stops a node in good order, after it has handed leadership over, and starts it with another program, empty:
// this one. Writers on the other nodes may not wait longer than a second.
func (s *Season) replace(i int, program string) {
	s.t.Helper()
	n := s.Nodes[i]
	s.Pauses()
	s.Until("another leads than "+n.ID, 20*time.Second, func() bool {
		if s.Leader() != i {
			return true
		}
		_ = order(s.t.Context(), n, api.TransferLeadership, s.Nodes[(i+1)%len(s.Nodes)].ID)
		return false
	})
	n.Stop()
	n.program = program
	n.Start()
	s.Flows(20 * time.Second)
	s.Until(n.ID+" has caught up", 20*time.Second, s.caughtUp)
	var pause time.Duration
	for _, w := range s.Writers {
		if w.nodes[0] != i {
			pause = max(pause, w.Pause())
		}
	}
	s.t.Logf("T16: %s restarted, older program: %v: writers on the other nodes waited %v", n.ID, program != "",
		pause.Round(time.Millisecond))
	if pause > time.Second {
		s.t.Errorf("writers on other nodes than %s waited %v, at most 1 s", n.ID, pause)
	}
}

// stopsAt requires that a node which is started with an older program ends by itself, and says why.
func (c *Cluster) stopsAt(i int, program, why string) {
	c.t.Helper()
	n := c.Nodes[i]
	n.program = program
	n.Launch()
	state := n.AwaitEnd(20 * time.Second)
	said := n.Tail()
	said = said[strings.LastIndex(said, " starts [")+1:]
	if state.Success() || !strings.Contains(said, why) {
		c.t.Errorf("%s with the older program ends with %v, and does not say %q: %s", n.ID, state, why, said)
	}
}

// T16: a cluster of the program before this one is upgraded node by node under load, the leader last. Until all nodes
// are new, what the old ones do not know is refused, and a node may go back. Once such a thing is in the log, a node
// that goes back stops there or at its start, and with the new program it is what it was.
func TestT16Upgrade(t *testing.T) {
	Long(t, 0, 0)
	old := older(t)
	_, err := proc.Build() // before anybody waits for it
	must(t, err)
	c := newCluster(t, 3, 0)
	for _, n := range c.Nodes {
		n.program = old
	}
	formOn(t, c, nil)
	s := c.Load(Load{Writers: 6, Rate: Scaled(20_000), Size: 256, Stay: true})

	last := c.Leader()
	others := c.Others(last)
	for round, i := range others {
		s.replace(i, "")
		if m := c.seats(i); m[c.Nodes[i].ID].Level < 2 || m[c.Nodes[last].ID].Level != 1 {
			t.Errorf("the levels are %d and %d", m[c.Nodes[i].ID].Level, m[c.Nodes[last].ID].Level)
		}
		c.refusedFor(i, last)
		if round == 0 {
			s.replace(i, old)
			s.replace(i, "")
		}
	}
	s.replace(last, "")
	// A member may not do it, which is asked after what the nodes know: from here on this one knows that of all.
	err = c.allow(c.Nodes[last].api.As("writer"), "writer")
	if p, ok := errors.AsType[*api.Problem](err); !ok || p.Status != http.StatusForbidden {
		t.Errorf("all nodes are new, and a member sets limits: %v, want forbidden", err)
	}

	away := others[0]
	s.Until("another leads", 20*time.Second, func() bool {
		if c.Leader() != away {
			return true
		}
		_ = order(t.Context(), c.Nodes[away], api.TransferLeadership, c.Nodes[last].ID)
		return false
	})
	c.Nodes[away].Kill()
	if err := c.allow(c.Nodes[last].api, "reader"); err != nil { // it counts with its last word
		t.Errorf("all nodes are new, and it is refused: %v", err)
	}
	for range 2 { // each time that it is started
		c.stopsAt(away, old, `unknown operation \"user.limits\"`)
	}
	s.replace(away, "")
	c.Nodes[away].Stop() // it stores its graph
	c.stopsAt(away, old, "it has version 2, this program reads 1")
	c.Nodes[away].program = ""
	c.Nodes[away].Start()
	s.Flows(20 * time.Second)
	s.Verdict()
}
