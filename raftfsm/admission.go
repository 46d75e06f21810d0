package raftfsm

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/raft"

	"hpfriends/eventlog/entry"
	"hpfriends/raftfsm/apply"
	"hpfriends/raftfsm/link"
)

// admission decides who joins the cluster. It implements link.Admission.
type admission struct{ m *Members }

// Token implements link.Admission.
func (a admission) Token(hash [sha256.Size]byte, node string) error {
	t, ok := a.m.node.fsm.JoinToken(hash)
	if !ok {
		return link.ErrTokenUnknown
	}
	now := a.m.node.clock.Now()
	switch state := t.State(now); {
	case state == apply.TokenRemoved:
		return fmt.Errorf("%w: by %s at %s", link.ErrTokenRemoved, t.Remover, stamp(t.Removed))
	case state == apply.TokenExpired:
		return fmt.Errorf("%w: at %s", link.ErrTokenExpired, stamp(t.Expires))
	case state == apply.TokenUsed && !t.UsedBy(node):
		last := t.Used[len(t.Used)-1]
		return fmt.Errorf("%w: by %s at %s", link.ErrTokenUsed, last.Node, stamp(last.Time))
	}
	return nil
}

// stamp writes a time of a token.
func stamp(seconds int64) string { return time.Unix(seconds, 0).UTC().Format(time.RFC3339) }

// use has the cluster note that a node joins with a token, before the node gets anything that is secret. One that comes
// again under its id, before it is a member, has used the token already: an answer may have been lost.
func (a admission) use(ctx context.Context, j link.Joiner) error {
	e := entry.Token{Step: entry.TokenUsed, Hash: j.Token, Time: a.m.node.clock.Now(), By: j.Node}
	if t, _ := a.m.node.fsm.JoinToken(j.Token); !t.UsedBy(j.Node) {
		if _, err := a.m.node.propose(ctx, e.Encode()); err != nil {
			return err
		}
	}
	if err := a.Token(j.Token, j.Node); err != nil {
		return err
	}
	if t, _ := a.m.node.fsm.JoinToken(j.Token); !t.UsedBy(j.Node) {
		return link.ErrTokenExpired // between the question and the entry
	}
	return nil
}

// Welcome implements link.Admission: the leader decides who gets the cluster's keys.
func (a admission) Welcome(ctx context.Context, j link.Joiner) (link.Welcome, error) {
	w := link.Welcome{Members: make(map[string]string), Blob: a.m.config.Key}
	if err := a.m.up(); err != nil {
		return w, err
	}
	if !a.m.node.Leading() {
		leader, ok := a.m.dir.server(a.m.lead.now().leader)
		if !ok {
			return w, errors.New("the cluster has no leader now: try again in a moment")
		}
		return w, link.Elsewhere(leader.Address)
	}
	applied := a.m.node.fsm.Configuration()
	if applied == nil {
		return w, errors.New("the cluster is just being formed: try again in a moment")
	}
	if applied.Removed(j.Node) {
		return w, fmt.Errorf("node id %s was a member before and left: choose another id", j.Node)
	}
	w.Index = applied.Index
	for _, s := range applied.Servers {
		w.Members[string(s.ID)] = string(s.Address)
	}
	for _, s := range a.m.dir.servers() {
		if string(s.Address) == j.Addr {
			return w, fmt.Errorf("address %s is that of member %s: advertise another, or remove that member first", j.Addr, s.ID)
		}
	}
	return w, a.use(ctx, j)
}

// Admit implements link.Admission: a new node has no vote before it has caught up, see reconciler.
func (a admission) Admit(ctx context.Context, j link.Joiner) error {
	if err := a.m.up(); err != nil {
		return err
	}
	n := a.m.node
	err := n.await(ctx, n.raft.AddNonvoter(raft.ServerID(j.Node), raft.ServerAddress(j.Addr), 0, enqueueTimeout).Error)
	if err == nil {
		n.slog.Info("a node joined the cluster", "node", j.Node, "addr", j.Addr, "remote", j.Remote,
			"token", fmt.Sprintf("%x", j.Token[:4]))
	}
	return err
}
