package trail

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"hpfriends/eventlog"
	"hpfriends/internal/golden"
)

func newTrail(t *testing.T) Trail {
	t.Helper()
	log, err := eventlog.Open(eventlog.Config{Dir: "log", FS: vfs.NewMem(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	return New(log)
}

// record is the event at index.
func record(index uint64, by uint64, changes ...Change) *Record {
	m := eventlog.AuditMark{}.Next(index, time.UnixMilli(1_700_000_000_000), []byte("command"))
	return &Record{AuditMark: m.AuditMark, By: by, Stamped: 1_700_000_000_001, Op: "op", Actor: "ada", Changes: changes,
		Event: []byte("{}")}
}

func (t Trail) fill(test *testing.T, write func(w Writer)) {
	test.Helper()
	w := t.Begin()
	write(w)
	if err := w.Commit(); err != nil {
		test.Fatal(err)
	}
}

// A later program goes on with what is stored, or makes it anew: the bytes change with the version only.
func TestStoredBytes(t *testing.T) {
	trail := newTrail(t)
	trail.fill(t, func(w Writer) {
		w.Named(7, "Ada")
		w.Member(Span{Group: 3, From: 5, To: 9}, 7)
		w.Add(record(9, 7, Change{Users: []uint64{7, 8}, Group: 3}, Change{}))
	})
	var all strings.Builder
	err := trail.log.Scan(eventlog.SpaceTrail, nil, nil, func(k, v []byte) error {
		_, err := fmt.Fprintf(&all, "%c %x = %x\n", k[0], k[1:], v)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, fmt.Sprintf("trail-%d.hex", version), []byte(all.String()))
	index, _, err := trail.Newest()
	if err != nil || index != 9 {
		t.Errorf("the newest event is %d, %v", index, err)
	}
	trail.fill(t, func(w Writer) { w.Put(eventlog.SpaceTrail, []byte{keyCursor}, make([]byte, 40)) }) // of version 1
	if index, _, err = trail.Newest(); err != nil || index != 0 {
		t.Errorf("of a trail of another version the newest event is %d, %v", index, err)
	}
}

// What is read of somebody is what a look at every event says that concerns them, or that they made.
func TestReadingIsALookAtEveryEvent(t *testing.T) {
	trail, rng := newTrail(t), rand.New(rand.NewPCG(1, 1))
	const events, users, groups = 1500, 5, 3
	var all []*Record
	begun := map[[2]uint64]uint64{}
	trail.fill(t, func(w Writer) {
		for i := uint64(1); i <= events; i++ {
			var c Change
			user, group := 1+rng.Uint64N(users), 1+rng.Uint64N(groups)
			switch rng.IntN(4) {
			case 0:
				c.Users = []uint64{user, 1 + rng.Uint64N(users)}
			case 1:
				c.Users, c.Group = []uint64{user}, group
				key := [2]uint64{user, group}
				if from := begun[key]; from != 0 {
					w.Member(Span{group, from, i}, user)
					delete(begun, key)
				} else {
					begun[key] = i
					w.Member(Span{group, i, 0}, user)
				}
			case 2:
				c.Group = group
			}
			r := record(i, rng.Uint64N(users+1), c)
			all = append(all, r)
			w.Add(r)
		}
	})
	for user := uint64(1); user <= users; user++ {
		subject, err := trail.Subject(user)
		if err != nil {
			t.Fatal(err)
		}
		for _, down := range []bool{false, true} {
			lo := 1 + rng.Uint64N(events/2)
			hi := lo + rng.Uint64N(events)
			var want, got []uint64
			for _, r := range all {
				if r.Index >= lo && r.Index <= hi && (subject.Made(r) || subject.Concerns(r.Changes[0], r.Index)) {
					want = append(want, r.Index)
				}
			}
			if down {
				slices.Reverse(want)
			}
			reader := trail.Read(subject, lo, hi, down)
			for {
				r, err := reader.Next()
				if err != nil {
					t.Fatal(err)
				}
				if r == nil {
					break
				}
				got = append(got, r.Index)
			}
			if !slices.Equal(got, want) || len(got) < 20 {
				t.Errorf("user %d, %d to %d, down %t: %v, want %v", user, lo, hi, down, got, want)
			}
			if n := len(reader.streams); n > 1+groups {
				t.Errorf("%d streams for a user and %d groups", n, groups)
			}
		}
	}
}
