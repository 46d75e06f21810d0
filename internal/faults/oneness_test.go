package faults

import (
	"strings"
	"testing"
	"time"

	"hpfriends/api"
)

// What is revoked on one node ends connections on another within a second, and the cluster can be changed through any
// node.
func TestClusterActsAsOne(t *testing.T) {
	Long(t, 0, 0)
	c := Form(t, 3)
	login := c.account()["writer"]
	for i, n := range c.Nodes {
		conn, err := login.dial(t.Context(), n)
		if err != nil {
			t.Fatal(err)
		}
		other := (i + 1) % 3
		enable := func(on bool) error {
			in := api.AuthkeyEdit{IdentPath: api.IdentPath{Ident: login.Ident}, Body: api.AuthkeyChanges{Enabled: &on}}
			_, err := api.EditAuthkey.Call(t.Context(), c.Nodes[other].api, in)
			return err
		}
		c.must(other, enable(false))
		begin := time.Now()
		_ = conn.SetReadDeadline(begin.Add(5 * time.Second))
		for err = nil; err == nil; {
			_, err = conn.ReadFrame()
		}
		if took := time.Since(begin); took > time.Second {
			t.Errorf("%s: revoked on %s, and the connection ended after %v: %v", n.ID, c.Nodes[other].ID, took, err)
		}
		_ = conn.Close()
		c.must(other, enable(true))
		c.Until("it is enabled on "+n.ID+" too", time.Second, c.caughtUp)
	}
	l := c.Leader()
	dead, asked := (l+1)%3, (l+2)%3
	c.Nodes[dead].Kill()
	remove := func(node int) error {
		return order(t.Context(), c.Nodes[asked], api.RemoveNode, c.Nodes[node].ID)
	}
	if err := remove(asked); err == nil || !strings.Contains(err.Error(), "the cluster would stop") {
		t.Errorf("removing one of two live voters of three: %v", err)
	}
	if err := remove(dead); err != nil {
		t.Errorf("removing a dead voter: %v", err)
	}
	if voters := c.Voters(l); len(voters) != 2 {
		t.Errorf("after removing the dead one the voters are %v", voters)
	}
}
