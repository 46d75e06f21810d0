package raftfsm

import (
	"crypto/rand"
	"net/netip"
	"strings"
	"testing"

	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/raftfsm/link"
	"hpfriends/wire"
)

// What one layer takes the next one takes too: the largest frame fits into a batch, which fits into what a follower
// hands to the leader, and there can be an authkey that receives it. What fits into none is refused, not a panic.
func TestLimitsOfLayersFit(t *testing.T) {
	payload := make([]byte, MaxMessage)
	rand.Read(payload)
	name := strings.Repeat("c", wire.MaxName)
	largest := wire.AppendPublish(nil, name, name, payload)
	var b entry.Builder
	b.Add(name, 1, 1, 1, netip.Addr{}, largest, 1)
	if n := len(b.Encode([16]byte{1}, 1)); n > link.MaxRequest {
		t.Errorf("the largest frame is a batch of %d bytes, and a request has at most %d", n, link.MaxRequest)
	}
	if len(largest) > graph.MaxMessageLimit || MaxMessage > wire.MaxPayloadLimit {
		t.Error("nobody can send or receive the largest frame")
	}
	in := NewIngest(&Node{}, nil)
	if err := in.Publish(t.Context(), &Source{}, "c", make([]byte, entry.MaxBatchBytes+1), 1); err != ErrTooLarge {
		t.Errorf("what no batch can hold: %v", err)
	}
}
