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

// admission decides who joins the cluster. It implements link.Admission.
type admission struct{ m *Members }

// Token implements link.Admission.
func (a admission) Token(hash [sha256.Size]byte) (expires time.Time, ok bool) {
	return a.m.node.fsm.JoinToken(hash)
}

// Welcome implements link.Admission: the leader decides who gets the cluster's keys.
func (a admission) Welcome(_ context.Context, j link.Joiner) (link.Welcome, error) {
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
	return w, nil
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
