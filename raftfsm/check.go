package raftfsm

import (
	"errors"
	"log/slog"

	"hpfriends/eventlog"
	"hpfriends/raftfsm/apply"
	"hpfriends/raftfsm/store"
)

// CheckStable checks what a stopped node has beside its log, and what it would check at its start: the structure of the
// stable store and the checksum of each value, that the log holds the newest entry that was known to be synced, and
// that every projection can be read. Nothing is written, and nothing created where something is missing.
func CheckStable(dir string, log *eventlog.Log) error {
	stable, err := store.CheckStable(dir)
	if err != nil {
		return err
	}
	defer stable.Close()
	index, term, err := stable.HighWater()
	if err != nil {
		return err
	}
	if err := log.CheckHighWater(index, term); err != nil {
		return err
	}
	_, err = apply.New(log, slog.New(slog.DiscardHandler), func(error) {})
	return err
}

// StoredIdentity is who a stopped node is, and of which cluster.
func StoredIdentity(dir string) (cluster, node string, err error) {
	stable, err := store.CheckStable(dir)
	if err != nil {
		return "", "", err
	}
	cluster, errCluster := stable.Stored("cluster")
	node, errNode := stable.Stored("node")
	return cluster, node, errors.Join(errCluster, errNode, stable.Close())
}
