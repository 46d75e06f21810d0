package raftfsm

import (
	"errors"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"hpfriends/eventlog/entry"
	"hpfriends/graph"
)

// What one node puts into the vault is there on it at once and on the others soon, and a lock that one has is refused
// to the other, whoever leads.
func TestVaultIsOneForAllNodes(t *testing.T) {
	c := newPortCluster(t, "n1")
	c.join("n2", "n1", vfs.NewMem(), Cluster{})
	c.until("n2 has a vote", 20*time.Second, func() bool { return c.votes("n2", "n1") })
	ctx := t.Context()
	for _, pair := range [][2]string{{"n1", "n2"}, {"n2", "n1"}} {
		here, there := c.nodes[pair[0]].Vault(), c.nodes[pair[1]].Vault()
		name := "from " + pair[0]
		if err := here.Do(ctx, entry.Vault{Step: entry.VaultPut, Name: name, Value: []byte("sealed")}); err != nil {
			t.Fatal(err)
		}
		if v, ok := here.Value(name); !ok || string(v.Sealed) != "sealed" || time.Since(v.Time) > time.Minute {
			t.Errorf("%s reads %+v, %v of what it has put", pair[0], v, ok)
		}
		c.until("the other has it", 20*time.Second, func() bool { _, ok := there.Value(name); return ok })

		lock := entry.Vault{Step: entry.VaultLock, Name: name, Holder: [16]byte{1}, Expires: time.Now().Add(time.Hour)}
		if err := here.Do(ctx, lock); err != nil {
			t.Fatal(err)
		}
		lock.Holder = [16]byte{2}
		var refusal *graph.Error
		if err := there.Do(ctx, lock); !errors.As(err, &refusal) || refusal.Code != graph.Conflict {
			t.Errorf("%s takes the lock of %s: %v", pair[1], pair[0], err)
		}
	}
}
