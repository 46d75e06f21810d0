package raftfsm

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/raftfsm/apply"
	"hpfriends/raftfsm/level"
	"hpfriends/raftfsm/link"
)

// What a member does not know is proposed by nobody, whether the member runs, is away or has just come back, and
// whether it leads: it would stop there. Everything else goes on.
func TestNothingIsProposedThatAMemberDoesNotKnow(t *testing.T) {
	c := newPortCluster(t, "n1")
	n1 := c.nodes["n1"]
	put := func() error {
		return n1.Vault().Do(t.Context(), entry.Vault{Step: entry.VaultPut, Name: "name", Value: []byte("sealed")})
	}
	c.until("n1 leads", 5*time.Second, n1.Leading)
	if err := put(); err != nil {
		t.Fatalf("alone: %v", err)
	}
	c.join("n2", "n1", vfs.NewMem(), Cluster{older: true, Reader: true, Version: "v1"})
	refused := func(when string) {
		t.Helper()
		c.until(when+": it is refused by name", 5*time.Second, func() bool {
			err := put()
			return errors.Is(err, level.ErrOlder) && errors.Is(err, graph.ErrConflict) &&
				strings.Contains(err.Error(), "node n2 (hpfriends v1, level 1) does not know")
		})
	}
	refused("a reader of an older program")
	limits := graph.Command{By: operator, Op: graph.SetLimits{}}
	if _, err := n1.Change(t.Context(), limits); !errors.Is(err, level.ErrOlder) {
		t.Errorf("an operation that it does not know: %v", err)
	}
	n1.mustChange(t, operator, graph.AddUser{Handle: "somebody"}) // what it knows

	// What another node forwards is refused as well: it may have heard something else.
	e := entry.Vault{Step: entry.VaultPut, Name: "forwarded"}
	for data, want := range map[string]string{
		string(e.Encode()): "n2 (hpfriends v1, level 1)",
		"\xc8":             fmt.Sprintf("n1 (hpfriends , level %d)", apply.Level), // of a newer program than this leader's
	} {
		_, err := handler{n1.members}.Handle(t.Context(), "n2", methodPropose, forwarded(0, []byte(data)))
		f, ok := errors.AsType[*link.Failure](err)
		if !ok || f.Code != codeRefused || !strings.Contains(f.Text, want) {
			t.Errorf("forwarded: %v, want %q", err, want)
		}
	}

	s, err := n1.Members().Status(t.Context())
	if err != nil || !strings.Contains(strings.Join(s.Warnings, "\n"), "node n2 runs an older program, of level 1") {
		t.Errorf("the warnings are %q, %v", s.Warnings, err)
	}
	c.close("n2")
	refused("it is away")
	if err := n1.Members().Remove(t.Context(), "n2", true); err != nil {
		t.Fatal(err)
	}
	c.until("it is no member any more", 5*time.Second, func() bool { return put() == nil })
	if _, ok := n1.Vault().Value("forwarded"); ok {
		t.Error("what was refused was applied")
	}
}
