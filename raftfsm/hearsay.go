package raftfsm

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/hashicorp/raft"

	"hpfriends/raftfsm/link"
	"hpfriends/raftfsm/store"
)

// hearsay is a configuration that others told of: the join handshake, and afterwards the leader. It counts until this node
// has applied one as new. A blank node reads the log from its beginning, where the configurations are of nodes that may be
// gone; by those, today's leader would be a stranger. It is immutable.
type hearsay struct {
	Index   uint64        `json:"index"`
	Servers []raft.Server `json:"servers"`
}

// welcomed is what the join handshake tells. It does not say who has a vote: the leader does, soon.
func welcomed(w link.Welcome) *hearsay {
	h := &hearsay{Index: w.Index}
	for id, addr := range w.Members {
		h.Servers = append(h.Servers, raft.Server{ID: raft.ServerID(id), Address: raft.ServerAddress(addr)})
	}
	return h
}

// ahead is what others told while it is newer than what was applied, nil afterwards.
func (m *Members) ahead() *hearsay {
	told := m.told.Load()
	if told == nil || len(told.Servers) == 0 {
		return nil
	}
	if r := m.node.fsm.Configuration(); r != nil && r.Index >= told.Index {
		return nil
	}
	return told
}

// inquire asks the leader for the newest configuration while this node is behind: members may be replaced, one after the
// other, before it has caught up.
func (m *Members) inquire(ctx context.Context) error {
	told, leader := m.ahead(), m.lead.now().leader
	if told == nil || leader == "" {
		return nil
	}
	answer, err := m.net.Call(ctx, leader, methodRoster, nil)
	if err != nil {
		return err
	}
	newer := new(hearsay)
	if err := json.Unmarshal(answer, newer); err != nil {
		return fmt.Errorf("the configuration that node %s tells: %w", leader, err)
	}
	if newer.Index < told.Index {
		return nil
	}
	if newer.Index > told.Index {
		if err := setTold(m.node.stable, newer); err != nil {
			return err
		}
	}
	m.told.Store(newer)
	return nil
}

// tell answers methodRoster: the applied configuration.
func (m *Members) tell() ([]byte, error) {
	r := m.node.fsm.Configuration()
	if r == nil {
		return nil, fmt.Errorf("%w: node %s has no configuration yet", link.ErrNotDone, m.node.id)
	}
	return json.Marshal(hearsay{r.Index, r.Servers})
}

var keyTold = []byte("hpfriends/told")

func setTold(s *store.Stable, h *hearsay) error {
	v, err := json.Marshal(h)
	if err != nil {
		return err
	}
	return s.Set(keyTold, v)
}

func told(s *store.Stable) (*hearsay, error) {
	v, err := s.Lookup(keyTold)
	if err != nil || v == nil {
		return nil, err
	}
	h := new(hearsay)
	return h, json.Unmarshal(v, h)
}
