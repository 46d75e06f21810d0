package raftfsm

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/raft"

	"hpfriends/raftfsm/link"
)

// Token implements link.Admission.
func (m *Members) Token(hash [sha256.Size]byte) (expires time.Time, ok bool) {
	return m.node.fsm.JoinToken(hash)
}

// Welcome implements link.Admission: the leader decides who gets the cluster's keys.
func (m *Members) Welcome(_ context.Context, j link.Joiner) (link.Welcome, error) {
	w := link.Welcome{Members: make(map[string]string), Blob: m.config.Key}
	if err := m.up(); err != nil {
		return w, err
	}
	if !m.node.Leading() {
		leader, ok := m.server(m.lead.now().leader)
		if !ok {
			return w, errors.New("the cluster has no leader now: try again in a moment")
		}
		return w, link.Elsewhere(leader.Address)
	}
	applied := m.node.fsm.Configuration()
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
	for _, s := range m.servers() {
		if string(s.Address) == j.Addr {
			return w, fmt.Errorf("address %s is that of member %s: advertise another, or remove that member first", j.Addr, s.ID)
		}
	}
	return w, nil
}

// Admit implements link.Admission: a new node has no vote before it has caught up, see promote.
func (m *Members) Admit(ctx context.Context, j link.Joiner) error {
	if err := m.up(); err != nil {
		return err
	}
	err := m.change(ctx, m.node.raft.AddNonvoter(raft.ServerID(j.Node), raft.ServerAddress(j.Addr), 0, enqueueTimeout))
	if err == nil {
		m.node.slog.Info("a node joined the cluster", "node", j.Node, "addr", j.Addr, "remote", j.Remote, "token", fmt.Sprintf("%x", j.Token[:4]))
	}
	return err
}

// up is nil once raft runs.
func (m *Members) up() error {
	select {
	case <-m.started:
		return nil
	default:
		return fmt.Errorf("%w: node %s is starting", link.ErrNotDone, m.node.id)
	}
}

// change waits for a change of the configuration.
func (m *Members) change(ctx context.Context, f raft.IndexFuture) error {
	done := make(chan error, 1)
	go func() { done <- f.Error() }()
	select {
	case err := <-done:
		return outcome(err)
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrUnknownOutcome, ctx.Err())
	case <-m.node.stop:
		return fmt.Errorf("%w: %w", ErrUnknownOutcome, ErrClosed)
	}
}
