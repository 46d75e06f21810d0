package raftfsm

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/hashicorp/raft"

	"hpfriends/eventlog"
)

// storedConfig is the newest applied raft configuration: at start raft reads the log from the applied index on only, so
// the configuration in force there has to be known.
type storedConfig struct {
	Index uint64 `json:"index"`
	Data  []byte `json:"data"` // raft.EncodeConfiguration
}

var keyConfig = []byte("raft-configuration")

func (c *storedConfig) store(tx *eventlog.Tx, l *raft.Log) error {
	*c = storedConfig{Index: l.Index, Data: l.Data}
	return putJSON(tx, eventlog.SpaceMeta, keyConfig, c)
}

func loadConfig(log *eventlog.Log) (storedConfig, error) {
	var c storedConfig
	v, err := log.Get(eventlog.SpaceMeta, keyConfig)
	if errors.Is(err, eventlog.ErrNotFound) {
		return c, nil
	}
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(v, &c); err != nil {
		return c, fmt.Errorf("raftfsm: stored raft configuration: %w", err)
	}
	return c, nil
}

// startAt describes the applied state to raft, or nil on a fresh node.
func (c storedConfig) startAt(log *eventlog.Log) (*raft.SnapshotMeta, error) {
	applied := log.Applied()
	if applied == 0 {
		return nil, nil
	}
	if c.Index == 0 {
		return nil, fmt.Errorf("raftfsm: entries up to %d are applied but no raft configuration is: the data directory is damaged", applied)
	}
	term, err := log.Term(applied)
	if err != nil {
		return nil, fmt.Errorf("raftfsm: term of the applied entry %d: %w", applied, err)
	}
	return &raft.SnapshotMeta{
		Version: raft.SnapshotVersionMax, ID: fmt.Sprintf("applied-%d", applied), Index: applied, Term: term,
		Configuration: raft.DecodeConfiguration(c.Data), ConfigurationIndex: c.Index,
	}, nil
}
