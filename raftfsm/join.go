package raftfsm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"hpfriends/raftfsm/link"
	"hpfriends/raftfsm/store"
)

// Joining is what a fresh data directory needs to become a member's.
type Joining struct {
	Dir       string
	NodeID    string // empty: a fresh one
	Token     link.Token
	Addr      string // of any member's cluster port
	Advertise string // host:port that the members dial
	// Key stores what the cluster gives beside the certificate, durably: the data key.
	Key func([]byte) error
}

// Join makes the data directory a member's, once; Open comes after it. A join that was cut short is done again.
func Join(ctx context.Context, j Joining) error {
	stable, err := store.OpenStable(j.Dir)
	if err != nil {
		return err
	}
	defer stable.Close()
	node, err := stable.Stored("node")
	if err != nil {
		return err
	}
	if j.NodeID != "" && node != "" && node != j.NodeID {
		return fmt.Errorf("raftfsm: data directory %s belongs to node %q, not %q: use its own directory for each node", j.Dir,
			node, j.NodeID)
	}
	cluster, err := stable.Stored("cluster")
	if err != nil {
		return err
	}
	_, err = link.Load(j.Dir)
	stored := err == nil
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if begun, err := stable.Begun(); err != nil {
		return err
	} else if begun {
		return fmt.Errorf("raftfsm: data directory %s has a log of its own: join with an empty one", j.Dir)
	}
	if cluster != "" {
		if err := j.Token.Check(time.Time{}, cluster); err != nil {
			return err
		}
	}
	node = cmp.Or(j.NodeID, node, "node-"+randomHex(4))
	err = link.Join(ctx, link.Joining{
		Token: j.Token, Addr: j.Addr, Node: node, Advertise: j.Advertise,
		Store: func(i *link.Identity, w link.Welcome) error {
			_, errNode := stable.Identity("node", i.Node)
			_, errCluster := stable.Identity("cluster", i.Cluster)
			return errors.Join(errNode, errCluster, storeLearned(stable, learnedAtJoin(w)), stable.SetClock(w.Time),
				j.Key(w.Blob), i.Save(j.Dir))
		},
	})
	if stored && errors.Is(err, link.ErrWiped) {
		return nil // the join before was cut short after the cluster had admitted this very node
	}
	return err
}

// Joined is the cluster of a data directory that is a member's and has been in contact with the others: nothing is left
// to join. It is empty when there is something. A node that began its own cluster is refused.
func Joined(dir string) (cluster string, err error) {
	if _, err := os.Stat(filepath.Join(dir, link.File)); errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	stable, err := store.OpenStable(dir)
	if err != nil {
		return "", err
	}
	defer stable.Close()
	begun, err := stable.Begun()
	if err != nil || !begun {
		return "", err
	}
	learned, err := loadLearned(stable)
	if err == nil && learned == nil {
		err = fmt.Errorf("%w: to enter another, join with an empty data directory (what %s holds does not come along)",
			ErrOwnCluster, dir)
	}
	if err != nil {
		return "", err
	}
	return stable.Stored("cluster")
}

// alone refuses to run a member of a cluster as a node of its own.
func alone(dir string) error {
	_, err := os.Stat(filepath.Join(dir, link.File))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return fmt.Errorf("raftfsm: data directory %s is a cluster member's: give --cluster HOST:PORT", dir)
}
