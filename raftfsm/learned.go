package raftfsm

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/hashicorp/raft"

	"hpfriends/raftfsm/link"
	"hpfriends/raftfsm/store"
)

// learnedConfiguration is a configuration that this node was told: by the join handshake, and afterwards by the leader.
// It counts until this node has applied one that is as new. A blank node reads the log from its beginning, where the
// configurations name nodes that may be gone; by those, today's leader would be a stranger. It is immutable.
type learnedConfiguration struct {
	Index   uint64        `json:"index"`
	Servers []raft.Server `json:"servers"`
}

// learnedAtJoin returns what the join handshake tells. It does not say who has a vote: the leader does, soon.
func learnedAtJoin(w link.Welcome) *learnedConfiguration {
	c := &learnedConfiguration{Index: w.Index}
	for id, addr := range w.Members {
		c.Servers = append(c.Servers, raft.Server{ID: raft.ServerID(id), Address: raft.ServerAddress(addr)})
	}
	return c
}

// ahead returns the learned configuration while it is newer than the applied one, nil afterwards.
func (d *directory) ahead() *learnedConfiguration {
	learned := d.learned.Load()
	if learned == nil || len(learned.Servers) == 0 {
		return nil
	}
	if applied := d.node.fsm.Configuration(); applied != nil && applied.Index >= learned.Index {
		return nil
	}
	return learned
}

// learn asks the leader for the newest configuration while this node is behind: members may be replaced, one after the
// other, before it has caught up.
func (m *Members) learn(ctx context.Context) error {
	before, leader := m.dir.ahead(), m.lead.now().leader
	if before == nil || leader == "" {
		return nil
	}
	answer, err := m.net.Call(ctx, leader, methodConfiguration, nil)
	if err != nil {
		return err
	}
	newer := new(learnedConfiguration)
	if err := json.Unmarshal(answer, newer); err != nil {
		return fmt.Errorf("the configuration that node %s tells: %w", leader, err)
	}
	if newer.Index < before.Index {
		return nil
	}
	if newer.Index > before.Index {
		if err := storeLearned(m.node.stable, newer); err != nil {
			return err
		}
	}
	m.dir.learned.Store(newer)
	return nil
}

var keyLearned = []byte("hpfriends/told")

func storeLearned(s *store.Stable, c *learnedConfiguration) error {
	v, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return s.Set(keyLearned, v)
}

func loadLearned(s *store.Stable) (*learnedConfiguration, error) {
	v, err := s.Lookup(keyLearned)
	if err != nil || v == nil {
		return nil, err
	}
	c := new(learnedConfiguration)
	return c, json.Unmarshal(v, c)
}
