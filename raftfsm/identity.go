package raftfsm

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"

	"hpfriends/eventlog"
	"hpfriends/raftfsm/link"
	"hpfriends/raftfsm/store"
)

var (
	// ErrStableBehind: the term in the stable store is below that of the log beside it. Term and vote are gone, or are
	// another's.
	ErrStableBehind = errors.New("raftfsm: " + store.StableFile + " is not the one of this log")
	// ErrOwnCluster: the data directory is of a node that leads a cluster of its own, and was told to enter another.
	ErrOwnCluster = errors.New("raftfsm: this node has begun a cluster of its own")
	// ErrHasJoined: the data directory is of a node that has joined a cluster, and was told to begin one.
	ErrHasJoined = errors.New("raftfsm: this node has joined a cluster")
)

// comeBack is how a member that lost its state goes on. Under its old node id it could vote twice, or forget what it
// confirmed.
const comeBack = "this node must neither vote nor serve: restore it from a backup; " +
	"in a cluster, remove it from there, empty its data directory, and join it under a new node id"

// checkStores compares the log with what the stable store knows of it. Both must be of one node and one moment.
func checkStores(stable *store.Stable, log *eventlog.Log) error {
	if err := quarantined(stable); err != nil {
		return err
	}
	index, term, err := stable.HighWater()
	if err != nil {
		return err
	}
	if err := log.CheckHighWater(index, term); err != nil {
		return fmt.Errorf("raftfsm: acknowledged entries are missing, %s: %w", comeBack, err)
	}
	// raft sets the term, synced, before it stores an entry of it, and does not look at the start.
	current, err := stable.CurrentTerm()
	if err != nil {
		return err
	}
	if last, term := log.Last(); current < term {
		return fmt.Errorf("%w: it is at term %d, entry %d is of term %d: put back the file that belongs to it, or else %s",
			ErrStableBehind, current, last, term, comeBack)
	}
	return nil
}

// identify reads who this node is and of which cluster; at the first start it says so for good. A directory that is not
// this node's own is refused before anything is written to it.
func (n *Node) identify(c Config) (cluster string, err error) {
	node, errNode := n.stable.Stored("node")
	cluster, errCluster := n.stable.Stored("cluster")
	if err := errors.Join(errNode, errCluster); err != nil {
		return "", err
	}
	if c.NodeID != "" && node != "" && c.NodeID != node {
		return "", fmt.Errorf("raftfsm: data directory %s belongs to node %q, not %q: use its own directory for each node",
			c.Dir, node, c.NodeID)
	}
	if c.Cluster == nil {
		err = alone(c.Dir)
	} else {
		err = own(c.Dir, link.Bound{Cluster: cluster, Node: node})
	}
	if err != nil {
		return "", err
	}
	if n.id, err = n.stable.Identity("node", cmp.Or(c.NodeID, "node-"+randomHex(4))); err != nil {
		return "", err
	}
	return n.stable.Identity("cluster", randomHex(16))
}

// own checks the certificate in a directory against what its stable store says; there may be none yet.
func own(dir string, b link.Bound) error {
	id, err := link.Load(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return b.Check(id)
}
