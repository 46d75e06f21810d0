package faults

import (
	"log/slog"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/raft"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
)

// logOf writes a node's log of five batches of one session: the terms of the entries, what the third holds, and
// whether it is hidden.
func logOf(t *testing.T, id string, terms [5]uint64, third string, hidden bool) *Node {
	t.Helper()
	n := &Node{ID: id, Dir: t.TempDir()}
	log, err := eventlog.Open(eventlog.Config{Dir: filepath.Join(n.Dir, "log"), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	for i, term := range terms {
		index, payload := uint64(i+1), "payload"
		if i == 2 {
			payload = third
		}
		var b entry.Builder
		b.Add("c", 1, 1, 1, netip.Addr{}, []byte("\x00\x00\x00\x10\x03\x01k\x01c"+payload), 1)
		data := b.Encode([16]byte{1}, index)
		l := &raft.Log{Index: index, Term: term, Type: raft.LogCommand, Data: data}
		if err := log.LogStore().StoreLog(l); err != nil {
			t.Fatal(err)
		}
		h, err := entry.DecodeHeader(data)
		if err != nil {
			t.Fatal(err)
		}
		tx := log.Begin()
		if i == 2 && hidden {
			tx.HideBatch(index)
		} else {
			tx.IndexBatch(index, h)
		}
		if err := tx.Commit(index); err != nil {
			t.Fatal(err)
		}
	}
	return n
}

// The autopsy finds logs that differ in one entry, and says nothing of equal ones.
func TestAutopsyFindsWhatDiffers(t *testing.T) {
	terms := [5]uint64{1, 1, 1, 2, 2}
	equal := func(id string) *Node { return logOf(t, id, terms, "payload", true) }
	f, faults := autopsy([]*Node{equal("n1"), equal("n2"), equal("n3")})
	if len(faults) > 0 || f != (Findings{Entries: 5, Terms: 2, Hidden: 1}) {
		t.Errorf("equal logs: %+v, %v", f, faults)
	}
	for what, c := range map[string]struct {
		odd  *Node
		says string
	}{
		"other bytes":            {logOf(t, "n3", terms, "daolyap", true), "entry 3 of n1"},
		"shown on one node only": {logOf(t, "n3", terms, "payload", false), "entry 3 of n1"},
		"another term":           {logOf(t, "n3", [5]uint64{1, 1, 1, 2, 3}, "payload", true), "entry 5 of n1"},
		"no log":                 {&Node{ID: "n3", Dir: filepath.Join(t.TempDir(), "\x00")}, "does not open"},
	} {
		_, faults := autopsy([]*Node{equal("n1"), equal("n2"), c.odd})
		if len(faults) != 1 || faults[0].Checker != "C4" || !strings.Contains(faults[0].Text, c.says) {
			t.Errorf("%s: found %v", what, faults)
		}
	}
}
