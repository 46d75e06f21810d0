package raftfsm

import (
	"fmt"
	"maps"

	"github.com/hashicorp/raft"

	"hpfriends/eventlog"
)

// roster is the applied configuration and who was in earlier ones. It is immutable.
type roster struct {
	Index   uint64
	servers []raft.Server
	left    map[string]bool
}

// formerPrefix is of the records of members that were removed. A node id is never used twice: votes of the one before and
// entries that it acknowledged may be known to others still.
//
//	SpaceMeta: "former-member/" | node id -> index of the configuration without it (8)
const formerPrefix = "former-member/"

func (r *roster) former(id string) bool { return r.left[id] }

func (r *roster) member(id string) bool {
	for _, s := range r.servers {
		if string(s.ID) == id {
			return true
		}
	}
	return false
}

func loadRoster(log *eventlog.Log, c storedConfig) (*roster, error) {
	if c.Index == 0 {
		return nil, nil
	}
	r := &roster{Index: c.Index, servers: raft.DecodeConfiguration(c.Data).Servers, left: make(map[string]bool)}
	end := []byte(formerPrefix)
	end[len(end)-1]++
	err := log.Scan(eventlog.SpaceMeta, []byte(formerPrefix), end, func(k, _ []byte) error {
		r.left[string(k[len(formerPrefix):])] = true
		return nil
	})
	return r, err
}

// configure keeps an applied configuration, and who is not in it any more.
func (f *FSM) configure(tx *eventlog.Tx, l *raft.Log) error {
	if err := f.config.store(tx, l); err != nil {
		return err
	}
	next := &roster{Index: l.Index, servers: raft.DecodeConfiguration(l.Data).Servers}
	if old := f.roster.Load(); old != nil {
		next.left = maps.Clone(old.left)
		for _, s := range old.servers {
			if next.member(string(s.ID)) {
				continue
			}
			if next.left == nil {
				next.left = make(map[string]bool)
			}
			next.left[string(s.ID)] = true
			tx.Put(eventlog.SpaceMeta, fmt.Append([]byte(formerPrefix), string(s.ID)), eventlog.IndexKey(l.Index))
		}
	}
	f.roster.Store(next)
	return nil
}
