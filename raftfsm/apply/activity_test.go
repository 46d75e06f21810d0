package apply

import (
	"bytes"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
)

// A record that is damaged is refused with what is wrong with it: its key, or its value.
func TestDamagedActivityIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		space      eventlog.Space
		key, value string
		want       string
	}{
		"a short key of statistics": {eventlog.SpaceStats, "1234", "", "key of 4 bytes"},
		"no statistics":             {eventlog.SpaceStats, "12345678", "\x01\x02", "cut short"},
		"a short key of a refusal":  {eventlog.SpaceLogs, "12345678", "", "key of 8 bytes"},
		"no refusal":                {eventlog.SpaceLogs, "123456781234567812345678", "{", "version 123, want 1"},
	} {
		r := newReplica(t)
		if err := r.log.LogStore().StoreLogs([]*raft.Log{{Index: 1, Term: 1, Type: raft.LogNoop}}); err != nil {
			t.Fatal(err)
		}
		tx := r.log.Begin()
		tx.Put(c.space, []byte(c.key), []byte(c.value))
		if err := tx.Commit(1); err != nil {
			t.Fatal(err)
		}
		_, err := New(r.log, slog.New(slog.DiscardHandler), func(error) {})
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "%!w") {
			t.Errorf("%s: %v, want %q in it", name, err, c.want)
		}
	}
}

// The rows of all owners, newest first, are those that the owners have: when a row folds, when the oldest is dropped,
// and when a process has begun anew.
func TestTheNewestRefusalsAreThoseOfTheOwners(t *testing.T) {
	r := newReplica(t)
	roll := rand.New(rand.NewPCG(1, 2))
	at := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	for index := uint64(1); index <= 6; index++ {
		a, err := loadActivity(r.log)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 400 {
			at = at.Add(time.Duration(roll.IntN(3)) * time.Second)
			a.foldRefusal(entry.Refusal{
				Owner: uint64(5 + roll.IntN(50)/49), Ident: fmt.Sprint("k", roll.IntN(20), "-", int(index)*i), First: at, Last: at,
				Count: 1, Index: index,
			})
		}
		if err := r.log.LogStore().StoreLogs([]*raft.Log{{Index: index, Term: 1, Type: raft.LogNoop}}); err != nil {
			t.Fatal(err)
		}
		tx := r.log.Begin()
		a.flush(tx)
		if err := tx.Commit(index); err != nil {
			t.Fatal(err)
		}
	}
	rows := make(map[string][]byte)
	err := r.log.Scan(eventlog.SpaceLogs, nil, nil, func(k, v []byte) error {
		row, err := entry.DecodeRefusal(v)
		rows[string(eventlog.RecentKey(row.Last, k))] = bytes.Clone(v)
		return err
	})
	if err != nil || len(rows) < MaxRows || len(rows) > MaxRows+100 {
		t.Fatalf("%d rows, %v: nothing was dropped", len(rows), err)
	}
	err = r.log.Scan(eventlog.SpaceRecent, nil, nil, func(k, v []byte) error {
		if !bytes.Equal(rows[string(k)], v) {
			t.Errorf("%x is %s, want %s", k, v, rows[string(k)])
		}
		delete(rows, string(k))
		return nil
	})
	if err != nil || len(rows) > 0 {
		t.Errorf("%d rows are missing, %v", len(rows), err)
	}
}

// Rows about one authkey, however many, do not push out those about another of the same owner, nor an address those of
// another address.
func TestRowsAreSharedFairlyWithinAnOwner(t *testing.T) {
	at := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	for name, flood := range map[string]func(i int) entry.Refusal{
		"of one authkey": func(i int) entry.Refusal {
			return entry.Refusal{Owner: 5, Authkey: 7, Ident: "noisy", Channel: fmt.Sprint("c", i)}
		},
		"of two authkeys": func(i int) entry.Refusal {
			return entry.Refusal{Owner: 5, Authkey: uint64(7 + i%2), Ident: "noisy", Channel: fmt.Sprint("c", i)}
		},
		"from one address": func(i int) entry.Refusal {
			return entry.Refusal{Owner: 5, Ident: fmt.Sprint("made-up-", i), Addr: "192.0.2.9"}
		},
	} {
		a, err := loadActivity(newReplica(t).log)
		if err != nil {
			t.Fatal(err)
		}
		add := func(d entry.Refusal, second int) {
			d.First, d.Last, d.Count = at.Add(time.Duration(second)*time.Second), at.Add(time.Duration(second)*time.Second), 1
			a.foldRefusal(d)
		}
		quiet := []entry.Refusal{
			{Owner: 5, Authkey: 9, Ident: "victim", Message: "guessed"},
			{Owner: 5, Ident: "ada", Message: "password", Addr: "192.0.2.1"},
		}
		for _, d := range quiet { // first, so they are the oldest
			add(d, 0)
		}
		for i := range 3 * MaxRows {
			add(flood(i), 1+i/100)
		}
		if n := len(a.rows[5]); n != MaxRows {
			t.Errorf("%s: %d rows are kept, want %d", name, n, MaxRows)
		}
		for _, d := range quiet {
			d.First, d.Last = at, at
			if a.rows[5][refusalID(d)] == nil {
				t.Errorf("%s: the row of %s was pushed out", name, d.Ident)
			}
		}
	}
}
