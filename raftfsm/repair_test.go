package raftfsm

import (
	"bytes"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/raft"

	"hpfriends/eventlog"
	"hpfriends/eventlog/cold"
	"hpfriends/eventlog/entry"
	"hpfriends/raftfsm/apply"
)

// fillLarge proposes batches of one message of 12 KiB each, at the leader, and returns what they hold.
func (w *simulation) fillLarge(n int) (payloads [][]byte) {
	w.t.Helper()
	c, rng := w.leader(), rand.New(rand.NewPCG(1, 2))
	w.sessions++
	for i := range n {
		payload := make([]byte, 12<<10)
		for j := range payload {
			payload[j] = byte(rng.Uint32())
		}
		payloads = append(payloads, payload)
		var b entry.Builder
		b.Add("c", uint64(w.sessions), 1, time.Now().UnixMilli(), netip.Addr{}, frame("k", "c", string(payload)), 1)
		if _, err := c.node.propose(w.t.Context(), b.Encode([16]byte{w.sessions}, uint64(i+1))); err != nil {
			w.t.Fatal(err)
		}
	}
	return payloads
}

// pack puts what comes before an entry into blocks of so many entries.
func (c *simNode) pack(before, each uint64) {
	c.w.t.Helper()
	for at := each; ; at += each {
		if _, err := c.log.Cold().Pack(c.w.t.Context(), eventlog.Packing{Before: min(at, before)}); err != nil {
			c.w.t.Fatal(err)
		}
		if at >= before {
			break
		}
	}
	if err := c.log.Cold().GiveBack(c.w.t.Context()); err != nil {
		c.w.t.Fatal(err)
	}
}

// rot flips a bit of what lies in a table of a stopped node.
func (c *simNode) rot(what []byte) {
	c.w.t.Helper()
	names, err := c.fs.List("log")
	if err != nil {
		c.w.t.Fatal(err)
	}
	flipped := 0
	for _, name := range names {
		if !strings.HasSuffix(name, ".sst") {
			continue
		}
		b, err := c.fs.UnsafeGetFileDataBuffer(c.fs.PathJoin("log", name))
		if err != nil {
			c.w.t.Fatal(err)
		}
		if at := bytes.Index(b, what); at >= 0 {
			b[at+len(what)/2] ^= 1
			flipped++
		}
	}
	if flipped != 1 {
		c.w.t.Fatalf("%s: it is in %d tables", c.id, flipped)
	}
}

// TestDamagedBlockIsRepaired rots a block of old entries on one node, which has other blocks than the others or is the
// only one that has any. Whoever finds it, the block is fetched, put back, and read as everywhere.
func TestDamagedBlockIsRepaired(t *testing.T) {
	if cold.PacksSoon {
		t.Skip("it says itself what is in blocks")
	}
	outside(t)
	for name, find := range map[string]func(*testing.T, *simNode) error{
		"reader": func(_ *testing.T, c *simNode) (err error) {
			l := c.log
			for i := l.Floor(); i < l.Applied() && err == nil; i++ {
				_, err = l.Entry(i)
			}
			return err
		},
		"scrub": func(t *testing.T, c *simNode) (err error) {
			var from []byte
			for {
				p, failed := c.log.Scrub(t.Context(), from, 1<<20)
				if failed != nil {
					err = failed
				}
				if from = p.Next; from == nil {
					return err
				}
			}
		},
		// What it compares with the others says that it is not known: they would take it for the odd one.
		"comparison": func(t *testing.T, c *simNode) error {
			v, err := c.log.View()
			if err != nil {
				return err
			}
			defer v.Close()
			if sum, err := c.node.checkpointer.digest(&apply.Pin{View: v, Index: v.Applied}); sum != "" || err != nil {
				t.Errorf("digest %q, %v", sum, err)
			}
			if all, _ := c.log.Cold().Damaged(); len(all) > 0 {
				return &eventlog.CorruptError{Index: all[0].First, Err: all[0].Err}
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newSimulation(t, 5, "n1", "n2", "n3")
				w.form()
				payloads := w.fillLarge(60)
				w.alike()
				victim, end := w.nodes["n3"], w.leader().log.Applied()
				victim.pack(end, 25)
				if name != "reader" {
					w.nodes["n1"].pack(end-7, 40)
				}
				victim.stop()
				w.start("n3").pack(end, 25) // what was in the WAL is in tables now
				victim.stop()
				victim.rot(payloads[10][:64])
				w.start("n3")
				w.alive(victim)
				if err := find(t, victim); !eventlog.IsDamage(err) {
					t.Fatalf("the damage is not found: %v", err)
				}
				w.until("the block is repaired", 20*time.Second, func() bool {
					s := victim.node.Repairs()
					return s.Repaired == 1 && len(s.Damaged) == 0
				})
				s := victim.node.Repairs()
				if s.Found != 1 || s.Newest == nil || s.Newest.From != "n1" && s.Newest.From != "n2" {
					t.Errorf("%+v", s)
				}
				if n := victim.node.notices(); len(n) > 0 {
					t.Errorf("notices: %q", n)
				}
				w.alike()
				for i := uint64(1); i <= end; i++ {
					a, errA := w.nodes["n2"].log.Entry(i)
					b, errB := victim.log.Entry(i)
					if errA != nil || errB != nil || a.Term != b.Term || !bytes.Equal(a.Data, b.Data) {
						t.Errorf("entry %d: %v, %v", i, errA, errB)
					}
				}
				w.end()
			})
		})
	}
}

// alive waits until a node that was started has applied what the others have.
func (w *simulation) alive(c *simNode) {
	w.t.Helper()
	w.until(c.id+" has applied everything", time.Minute, func() bool {
		lead := w.leader()
		return lead != nil && c.log.Applied() == lead.log.Applied()
	})
}

// outside makes and reads a block outside of any bubble: the compressors that all share have channels, which are the
// bubble's that makes them.
func outside(t *testing.T) {
	t.Helper()
	l, err := eventlog.Open(eventlog.Config{Dir: "log", FS: vfs.NewMem(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	logs := []*raft.Log{{Index: 1, Term: 1, Type: raft.LogNoop}, {Index: 2, Term: 1, Type: raft.LogNoop}}
	tx := l.Begin()
	if err := errors.Join(l.LogStore().StoreLogs(logs), tx.Commit(2)); err != nil {
		t.Fatal(err)
	}
	_, errPack := l.Cold().Pack(t.Context(), eventlog.Packing{Before: 2})
	_, errEntry := l.Entry(1)
	_, errVerify := l.Verify(t.Context(), nil)
	if err := errors.Join(errPack, errEntry, errVerify); err != nil {
		t.Fatal(err)
	}
}
