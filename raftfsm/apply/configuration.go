package apply

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	"github.com/hashicorp/raft"

	"hpfriends/eventlog"
)

// Configuration is the newest applied configuration of the cluster, and who was a member before and is not any more. It
// is immutable. It is stored, because at its start raft reads the log from the applied index on only.
//
//	SpaceMeta: "raft-configuration"       -> storedConfiguration as JSON
//	SpaceMeta: "former-member/" | node id -> index of the configuration without it (8)
//
// A node id is never used twice: others may still know of the former node's votes, and of entries that it confirmed.
type Configuration struct {
	Index   uint64
	Servers []raft.Server

	removed map[string]bool
}

type storedConfiguration struct {
	Index uint64 `json:"index"`
	Data  []byte `json:"data"` // raft.EncodeConfiguration
}

const formerPrefix = "former-member/"

var keyConfiguration = []byte("raft-configuration")

// Removed reports whether a node was a member and is not any more.
func (c *Configuration) Removed(id string) bool { return c.removed[id] }

// Has reports whether a node is a member.
func (c *Configuration) Has(id string) bool {
	for _, s := range c.Servers {
		if string(s.ID) == id {
			return true
		}
	}
	return false
}

// LoadConfiguration returns the stored configuration, or nil when none was applied yet.
func LoadConfiguration(log *eventlog.Log) (*Configuration, error) {
	v, err := log.Get(eventlog.SpaceMeta, keyConfiguration)
	if errors.Is(err, eventlog.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	c, err := decodeConfiguration(v)
	if err != nil {
		return nil, err
	}
	c.removed = make(map[string]bool)
	end := []byte(formerPrefix)
	end[len(end)-1]++
	err = log.Scan(eventlog.SpaceMeta, []byte(formerPrefix), end, func(k, _ []byte) error {
		c.removed[string(k[len(formerPrefix):])] = true
		return nil
	})
	return c, err
}

func decodeConfiguration(v []byte) (*Configuration, error) {
	var stored storedConfiguration
	if err := json.Unmarshal(v, &stored); err != nil {
		return nil, fmt.Errorf("apply: stored raft configuration: %w", err)
	}
	return &Configuration{Index: stored.Index, Servers: raft.DecodeConfiguration(stored.Data).Servers}, nil
}

// applyConfiguration keeps a configuration, and notes who is not in it any more.
func (f *FSM) applyConfiguration(tx *eventlog.Tx, l *raft.Log) error {
	if err := putJSON(tx, eventlog.SpaceMeta, keyConfiguration, storedConfiguration{l.Index, l.Data}); err != nil {
		return err
	}
	next := &Configuration{Index: l.Index, Servers: raft.DecodeConfiguration(l.Data).Servers,
		removed: make(map[string]bool)}
	if old := f.configuration.Load(); old != nil {
		maps.Copy(next.removed, old.removed)
		for _, s := range old.Servers {
			if !next.Has(string(s.ID)) {
				next.removed[string(s.ID)] = true
				tx.Put(eventlog.SpaceMeta, fmt.Append([]byte(formerPrefix), string(s.ID)), eventlog.IndexKey(l.Index))
			}
		}
	}
	f.configuration.Store(next)
	return nil
}

// Applied describes the applied state to raft, which goes on from there. It is nil on a fresh node.
func (f *FSM) Applied() (*raft.SnapshotMeta, error) {
	applied := f.log.Applied()
	if applied == 0 {
		return nil, nil
	}
	c := f.configuration.Load()
	if c == nil {
		return nil, fmt.Errorf("apply: entries up to %d are applied but no raft configuration is: the data directory is "+
			"damaged", applied)
	}
	term, err := f.log.Term(applied)
	if err != nil {
		return nil, fmt.Errorf("apply: term of the applied entry %d: %w", applied, err)
	}
	return c.meta(fmt.Sprintf("applied-%d", applied), applied, term), nil
}

// meta describes the state at an entry to raft.
func (c *Configuration) meta(id string, index, term uint64) *raft.SnapshotMeta {
	return &raft.SnapshotMeta{
		Version: raft.SnapshotVersionMax, ID: id, Index: index, Term: term,
		Configuration: raft.Configuration{Servers: c.Servers}, ConfigurationIndex: c.Index,
	}
}
