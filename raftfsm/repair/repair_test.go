package repair

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/raft"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/internal/golden"
)

const (
	entries = 30
	packed  = 25 // the last of the block
)

// frame is a PUBLISH frame.
func frame(payload []byte) []byte {
	f := append([]byte{0, 0, 0, 0, 3, 1, 'k', 1, 'c'}, payload...)
	f[2], f[3] = byte(len(f)>>8), byte(len(f))
	return f
}

func open(t *testing.T, fs vfs.FS) *eventlog.Log {
	t.Helper()
	l, err := eventlog.Open(eventlog.Config{Dir: "log", FS: fs, Logger: slog.New(slog.DiscardHandler),
		Fatal: func(err error) { t.Errorf("fail-stop: %v", err) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// filled is a log, the first entries of which are in one block, in a table; flip damages that. Entries from
// odd on were appended at another time.
func filled(t *testing.T, odd uint64, flip bool) *eventlog.Log {
	t.Helper()
	fs, rng := vfs.NewMem(), rand.New(rand.NewPCG(1, 1))
	l := open(t, fs)
	var needle []byte
	for i := uint64(1); i <= entries; i++ {
		payload := make([]byte, 8<<10)
		for j := range payload {
			payload[j] = byte(rng.Uint32())
		}
		if i == 12 {
			needle = payload[:64]
		}
		at := time.Unix(int64(i), 0)
		if i >= odd {
			at = at.Add(1)
		}
		var b entry.Builder
		b.Add("c", 1, 1, int64(i), netip.Addr{}, frame(payload), 1)
		data := b.Encode([16]byte{1}, i)
		h, err := entry.DecodeHeader(data)
		tx := l.Begin()
		tx.IndexBatch(i, h)
		if err = errors.Join(err, l.LogStore().StoreLog(&raft.Log{Index: i, Term: 1, Data: data, AppendedAt: at}),
			tx.Commit(i)); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // what was in the WAL is in tables then
		_, err := l.Cold().Pack(t.Context(), eventlog.Packing{Before: packed + 1})
		if err = errors.Join(err, l.Cold().GiveBack(t.Context()), l.Close()); err != nil {
			t.Fatal(err)
		}
		l = open(t, fs)
	}
	if !flip {
		return l
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	names, err := fs.List("log")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		b, err := fs.UnsafeGetFileDataBuffer(fs.PathJoin("log", name))
		if at := bytes.Index(b, needle); strings.HasSuffix(name, ".sst") && err == nil && at >= 0 {
			b[at+9] ^= 1
		}
	}
	return open(t, fs)
}

// member is another node.
type member struct {
	id     string
	answer func(ctx context.Context, question []byte) ([]byte, error)
}

func serving(l *eventlog.Log) func(context.Context, []byte) ([]byte, error) {
	return New(Config{Log: l}).Serve
}

func repairer(l *eventlog.Log, asked *int, members ...member) *Repairer {
	return New(Config{
		Log: l, Logger: slog.New(slog.DiscardHandler), Full: func() error { return nil },
		Peers: func() (ids []string) {
			for _, m := range members {
				ids = append(ids, m.id)
			}
			return ids
		},
		Ask: func(ctx context.Context, peer string, question []byte) ([]byte, error) {
			*asked++
			for _, m := range members {
				if m.id == peer {
					return m.answer(ctx, question)
				}
			}
			return nil, errors.New("no such member")
		},
	})
}

// What cannot be repaired is said with why, member by member, and is not asked for again at once. What one member
// cannot give another does.
func TestRepair(t *testing.T) {
	sound, rotten := filled(t, entries, false), filled(t, entries, true)
	if _, err := rotten.Entry(12); !eventlog.IsDamage(err) {
		t.Fatal(err)
	}
	short := open(t, vfs.NewMem())
	trimmed := filled(t, entries, false)
	if err := trimmed.LogStore().DeleteRange(1, 20); err != nil {
		t.Fatal(err)
	}
	older := func(context.Context, []byte) ([]byte, error) {
		return nil, errors.New("node n runs an older program, which does not know method 7")
	}
	cut := func(ctx context.Context, question []byte) ([]byte, error) {
		b, err := serving(sound)(ctx, question)
		return b[:len(b)-1], err
	}
	for _, tt := range []struct {
		name    string
		members []member
		from    string
		why     []string
	}{
		{name: "alone", why: []string{"alone"}},
		{name: "older", members: []member{{"n1", older}}, why: []string{"node n1: ", "older program"}},
		{name: "above its floor", members: []member{{"n1", serving(trimmed)}}, why: []string{"node n1: its log begins at " +
			"entry 21"}},
		{name: "behind", members: []member{{"n1", serving(short)}}, why: []string{"its log ends at entry 0"}},
		{name: "damaged there too", members: []member{{"n1", serving(filled(t, entries, true))}},
			why: []string{"node n1: it is damaged there too: ", "cold block #1 to #25"}},
		{name: "cut short", members: []member{{"n1", cut}}, why: []string{"entry 25 is cut short"}},
		{name: "other entries", members: []member{{"n1", serving(filled(t, 20, false))}},
			why: []string{"node n1: the block made of it has another checksum", "no other member says the same"}},
		{name: "of the last", from: "n4", members: []member{
			{"n1", older}, {"n2", serving(trimmed)}, {"n3", serving(filled(t, 20, false))}, {"n4", serving(sound)},
		}},
	} {
		asked := 0
		r := repairer(rotten, &asked, tt.members...)
		damaged, _ := rotten.Cold().Damaged()
		if len(damaged) != 1 {
			t.Fatalf("%s: %v", tt.name, damaged)
		}
		r.take(damaged)
		wait := r.repair(t.Context(), packed)
		times := asked
		s := r.Status()
		if tt.from != "" {
			if s.Newest == nil || s.Newest.From != tt.from || len(s.Damaged) > 0 || len(r.Notices("n9")) > 0 {
				t.Errorf("%s: %+v", tt.name, s)
			}
			continue
		}
		if again := r.repair(t.Context(), packed); asked != times || again > wait || wait != firstPause {
			t.Errorf("%s: asked %d times, then %d, again in %s", tt.name, times, asked, again)
		}
		if len(s.Damaged) != 1 || s.Repaired > 0 || s.Found != 1 || len(r.Notices("n9")) != 1 {
			t.Fatalf("%s: %+v", tt.name, s)
		}
		for _, why := range tt.why {
			if b := s.Damaged[0]; !strings.Contains(b.Why, why) || !strings.Contains(r.Notices("n9")[0], why) ||
				!strings.Contains(b.Damage, `"c" of user 1`) || b.First != 1 || b.Last != packed {
				t.Errorf("%s: %+v, want %q", tt.name, b, why)
			}
		}
	}
	for i := uint64(1); i <= entries; i++ {
		a, errA := sound.Entry(i)
		b, errB := rotten.Entry(i)
		if err := errors.Join(errA, errB); err != nil || !bytes.Equal(a.Data, b.Data) || a.Term != b.Term {
			t.Errorf("entry %d: %v", i, err)
		}
	}
}

// A block without the checksum of the damaged one is put back when two members say the same.
func TestTwoMembersProve(t *testing.T) {
	rotten := filled(t, entries, true)
	if _, err := rotten.Entry(12); !eventlog.IsDamage(err) {
		t.Fatal(err)
	}
	asked := 0
	r := repairer(rotten, &asked, member{"n1", serving(filled(t, 20, false))}, member{"n2", serving(filled(t, 19, false))},
		member{"n3", serving(filled(t, 20, false))})
	damaged, _ := rotten.Cold().Damaged()
	r.take(damaged)
	r.repair(t.Context(), packed)
	if s := r.Status(); s.Newest == nil || s.Newest.From != "n1 and n3" {
		t.Errorf("%+v", s)
	}
	if _, err := rotten.Verify(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

// A disk that is almost full takes nothing.
func TestFullDiskIsNotRepaired(t *testing.T) {
	rotten, asked := filled(t, entries, true), 0
	_, err := rotten.Entry(12)
	r := repairer(rotten, &asked, member{"n1", serving(rotten)})
	r.Full = func() error { return errors.New("full") }
	damaged, _ := rotten.Cold().Damaged()
	r.take(damaged)
	r.repair(t.Context(), packed)
	if s := r.Status(); len(s.Damaged) != 1 || s.Damaged[0].Why != "full" || asked > 0 {
		t.Errorf("%v: %+v, asked %d times", err, s, asked)
	}
}

// Questions and answers are the same in all programs.
func TestWireIsPinned(t *testing.T) {
	all := []eventlog.Stored{
		{Index: 258, Term: 3, Type: 1},
		{Index: 259, Term: 4, Appended: time.Unix(1, 2).UTC(), Extensions: []byte("ext"), Data: []byte("data"), Hidden: true},
	}
	var answer []byte
	for i := range all {
		answer = appendEntry(answer, &all[i])
	}
	golden.Compare(t, "wire.txt", fmt.Appendf(nil, "%x\n%x\n", encodeQuestion(258, 259), answer))
	got, err := decodeEntries(answer, 258, 259)
	if err != nil || !same(got, all) {
		t.Errorf("%+v, %v", got, err)
	}
	for n := range answer {
		if some, err := decodeEntries(answer[:n], 258, 259); err == nil && len(some) == 2 {
			t.Errorf("%d bytes: %+v", n, some)
		}
	}
	if _, err := decodeEntries(answer, 258, 258); err == nil {
		t.Error("an answer has more than was asked for")
	}
	for _, q := range [][]byte{nil, encodeQuestion(0, 1), encodeQuestion(2, 1), make([]byte, 17)} {
		if _, _, err := decodeQuestion(q); err == nil {
			t.Errorf("question %x is taken", q)
		}
	}
}
