package backup

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/raft"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/internal/payload"
	"hpfriends/internal/secret"
	"hpfriends/raftfsm/apply"
)

var (
	noon     = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	messages = payload.Honeypot(20_000, 300)
	origin   = Origin{Cluster: "c1", Node: "n1", Program: "test"}
	dataKey  = bytes.Repeat([]byte{7}, 32)
)

// original is a log with its projections, without any raft.
type original struct {
	t    *testing.T
	rng  *rand.Rand
	log  *eventlog.Log
	fsm  *apply.FSM
	term uint64
	seq  [3]uint64
	keys []uint64
}

func newOriginal(t *testing.T, seed uint64) *original {
	t.Helper()
	log, err := eventlog.Open(eventlog.Config{Dir: "log", FS: vfs.NewMem(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	o := &original{t: t, rng: rand.New(rand.NewPCG(seed, 1)), log: log, term: 2, fsm: load(t, log)}
	servers := []raft.Server{{ID: "n1", Address: "n1"}}
	o.apply(raft.LogConfiguration, raft.EncodeConfiguration(raft.Configuration{Servers: servers}))
	o.user()
	return o
}

func load(t *testing.T, log *eventlog.Log) *apply.FSM {
	t.Helper()
	f, err := apply.New(log, slog.New(slog.DiscardHandler), func(err error) { t.Errorf("fail-stop: %v", err) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f
}

// apply stores an entry, applies it, and keeps the checkpoint if it is one.
func (o *original) apply(typ raft.LogType, data []byte) any {
	o.t.Helper()
	l := &raft.Log{
		Index: max(o.log.Applied(), 0) + 1, Term: o.term, Type: typ, Data: data,
		AppendedAt: noon.Add(time.Duration(o.log.Applied()) * time.Millisecond),
	}
	if err := o.log.LogStore().StoreLogs([]*raft.Log{l}); err != nil {
		o.t.Fatal(err)
	}
	res := o.fsm.Apply(l)
	select {
	case p := <-o.fsm.Pins():
		var state bytes.Buffer
		if err := apply.WriteControlState(&state, p.View, p.Term); err != nil {
			o.t.Fatal(err)
		}
		if p.Kept {
			if err := o.log.Checkpoints().Store(p.Index, state.Bytes()); err != nil {
				o.t.Fatal(err)
			}
		}
		p.View.Close()
	default:
	}
	return res
}

func (o *original) user() {
	o.t.Helper()
	n := len(o.keys)
	add := func(op graph.Op) uint64 {
		data, err := apply.EncodeChange(graph.Command{Time: noon, By: graph.Actor{Operator: true, From: "test"}, Op: op})
		if err != nil {
			o.t.Fatal(err)
		}
		res := o.apply(raft.LogCommand, data).(apply.ChangeResult)
		if res.Err != nil {
			o.t.Fatal(res.Err)
		}
		return res.Outcome.Object
	}
	user := add(graph.AddUser{Handle: fmt.Sprintf("user%d", n), Role: graph.Member})
	key, err := secret.NewDataKey(dataKey)
	if err != nil {
		o.t.Fatal(err)
	}
	ident := fmt.Sprintf("key%d", n)
	o.keys = append(o.keys, add(graph.AddAuthkey{
		Owner: graph.UserID(user), Ident: ident, Secret: key.Seal([]byte("secret"), []byte(ident)), Sub: []graph.Pattern{"*"},
	}))
}

func (o *original) batch() {
	session := o.rng.IntN(len(o.seq))
	if o.rng.IntN(10) > 0 { // else it is a repetition, which is hidden
		o.seq[session]++
	}
	var b entry.Builder
	for range 1 + o.rng.IntN(30) {
		ident, channel := fmt.Sprintf("key%d", o.rng.IntN(5)), fmt.Sprintf("channel.%d", o.rng.IntN(8))
		f := append([]byte{0, 0, 0, 0, 3, byte(len(ident))}, ident...)
		f = append(append(append(f, byte(len(channel))), channel...), messages[o.rng.IntN(len(messages))]...)
		binary.BigEndian.PutUint32(f, uint32(len(f)))
		b.Add(channel, o.rng.Uint64N(5), o.rng.Uint64N(5), noon.UnixMilli()+o.rng.Int64N(1e6),
			netip.MustParseAddr("192.0.2.1"), f, 1)
	}
	o.apply(raft.LogCommand, b.Encode([16]byte{byte(session)}, o.seq[session]))
}

// step applies an entry of any kind.
func (o *original) step() {
	o.t.Helper()
	switch o.rng.IntN(40) {
	case 0:
		o.term += o.rng.Uint64N(3)
		o.apply(raft.LogNoop, nil)
	case 1:
		o.user()
	case 2:
		r := entry.Report{Node: "n1", Time: noon, Usage: []entry.Usage{{Authkey: o.keys[0], Published: 7}}}
		r.Refusals = []entry.Refusal{{Ident: "k", Message: "no", Count: 1, First: noon, Last: noon}}
		data, err := r.Encode()
		if err != nil {
			o.t.Fatal(err)
		}
		o.apply(raft.LogCommand, data)
	case 3:
		e := entry.Cursors{Time: noon, Ops: []entry.CursorOp{{
			Verb: entry.ClaimCursor, Authkey: o.keys[o.rng.IntN(len(o.keys))], Name: "n", Channel: "c",
		}}}
		o.apply(raft.LogCommand, e.Encode())
	case 4:
		token := entry.Token{Step: entry.TokenMade, Hash: [32]byte{byte(o.rng.IntN(256))}, Time: noon}
		token.Expires = noon.AddDate(0, 0, 1)
		o.apply(raft.LogCommand, token.Encode())
	case 5:
		e := entry.Checkpoint{Kept: o.rng.IntN(2) == 0, Time: noon}
		o.apply(raft.LogCommand, e.Encode())
	case 6:
		if kept, err := o.log.Checkpoints().Indexes(); err == nil && len(kept) > 2 {
			e := entry.Floor{Floor: kept[o.rng.IntN(len(kept)-1)] + 1, Reason: entry.FloorBySize}
			o.apply(raft.LogCommand, e.Encode())
		}
	default:
		o.batch()
	}
}

func (o *original) steps(n int) {
	o.t.Helper()
	for range n {
		o.step()
	}
}

// backup writes a backup, and returns its file.
func (o *original) backup(r Request) (path string, b []byte) {
	o.t.Helper()
	s, err := Open(o.log, origin, r)
	if err != nil {
		o.t.Fatal(err)
	}
	defer s.Close()
	o.steps(5) // it is of one moment
	if err := o.log.Retention().Reclaim(); err != nil {
		o.t.Fatal(err)
	}
	var out bytes.Buffer
	if err := s.Write(o.t.Context(), &out, func(uint64) {}); err != nil {
		o.t.Fatal(err)
	}
	return write(o.t, out.Bytes()), out.Bytes()
}

// digests are of the state and of the entries up to one, and of the audit.
func digests(t *testing.T, log *eventlog.Log, fsm *apply.FSM, from uint64) (all [3][sha256.Size]byte) {
	t.Helper()
	v, err := log.View()
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	term, err := log.Term(v.Applied)
	if err != nil {
		t.Fatal(err)
	}
	if all[0], err = apply.DigestControlState(v, term); err != nil {
		t.Fatal(err)
	}
	if from <= v.Applied {
		if all[1], err = v.Digest(t.Context(), from, v.Applied); err != nil {
			t.Fatal(err)
		}
	}
	mark, err := log.Audit().Newest()
	if err != nil {
		t.Fatal(err)
	}
	all[2] = mark.Hash
	g, err := fsm.Version().Graph.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	h := sha256.Sum256(g)
	for i := range h {
		all[2][i] ^= h[i]
	}
	return all
}

func openDir(t *testing.T, dir string) *eventlog.Log {
	t.Helper()
	log, err := eventlog.Open(eventlog.Config{Dir: filepath.Join(dir, "log"), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	return log
}
