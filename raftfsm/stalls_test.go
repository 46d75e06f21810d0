package raftfsm

import (
	"errors"
	"os"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

// jammed is what became of three nodes under load after the leader's disk began to hang.
type jammed struct {
	elected, resumed, ended time.Duration // 0: not within the limit
	faults                  []string
}

// jamLeader has the leader's log hang in fsync for a minute, and then brings it back as the disk was.
func jamLeader(t *testing.T, seed uint64, brash bool) (j jammed) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimulation(t, seed, "n1", "n2", "n3")
		w.brash, w.sync = brash, 2*time.Millisecond
		w.form()
		h := &history{authors: make(map[string]*author)}
		for _, id := range w.names {
			h.write(w.nodes[id], 2)
		}
		time.Sleep(3*time.Second + time.Duration(w.float()*float64(time.Second)))
		old := w.leader()
		release := old.jam()
		begin := time.Now()
		since := func(d *time.Duration, ok bool) {
			if ok && *d == 0 {
				*d = time.Since(begin)
			}
		}
		before := h.confirmed()
		for time.Since(begin) < time.Minute {
			since(&j.elected, w.leader() != old)
			if j.elected == 0 {
				before = h.confirmed()
			}
			since(&j.resumed, h.confirmed() > before+20)
			since(&j.ended, errors.Is(old.why(), ErrStuck))
			time.Sleep(10 * time.Millisecond)
		}
		a := h.authors[old.id]
		a.stop()
		old.crash(func() { release(); a.end(false) })
		h.write(w.start(old.id), 2)
		h.calm(w)
		j.faults = h.verdict(t, w)
		for _, c := range w.up() {
			c.stop()
		}
		time.Sleep(time.Minute)
	})
	return j
}

// A leader whose disk hangs is replaced, ends, and comes back; nothing that was confirmed is lost (hashicorp/raft#503).
func TestLeaderWithAStuckDiskIsReplaced(t *testing.T) {
	seeds := uint64(1)
	if s := os.Getenv("HPFRIENDS_SOAK_SEEDS"); s != "" {
		seeds, _ = strconv.ParseUint(s, 10, 64)
	}
	for seed := range seeds {
		j := jamLeader(t, seed, false)
		t.Logf("seed %d: another leads after %v, publishing resumes after %v, the process ends after %v", seed, j.elected,
			j.resumed, j.ended)
		if j.elected == 0 || j.elected > 10*time.Second || j.resumed == 0 || j.resumed > 10*time.Second || j.ended == 0 ||
			j.ended > 25*time.Second {
			t.Errorf("seed %d: want a leader and messages within 10 s, and the end within 25 s", seed)
		}
		for _, f := range j.faults {
			t.Errorf("seed %d: %s", seed, f)
		}
	}
	if testing.Short() {
		t.Skip("the control waits for what must not come")
	}
	if j := jamLeader(t, 1, true); j.elected != 0 || j.resumed != 0 {
		t.Errorf("the control shows nothing: without withholding another led after %v", j.elected)
	}
}
