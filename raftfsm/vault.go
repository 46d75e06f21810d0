package raftfsm

import (
	"context"

	"hpfriends/eventlog/entry"
	"hpfriends/raftfsm/apply"
)

// Vault has sealed values and locks by name, which all nodes have: see apply.Vault. Reads are of what this node has
// applied.
type Vault struct {
	*apply.Vault
	node *Node
}

// Vault returns the vault.
func (n *Node) Vault() Vault { return Vault{n.fsm.Vault(), n} }

// Do has a step done, at the time that it is by the cluster's clock; this node has applied it on return. Errors are a
// *graph.Error, which is a refusal, ErrUnavailable and ErrUnknownOutcome: each step may be done again.
func (v Vault) Do(ctx context.Context, e entry.Vault) error {
	e.Time = v.node.clock.Now()
	r, err := v.node.propose(ctx, e.Encode())
	if err != nil {
		return err
	}
	done, ok := r.(apply.ChangeResult)
	if !ok {
		return ErrUnknownOutcome
	}
	return done.Err
}
