package raftfsm

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/hashicorp/raft"

	"hpfriends/eventlog"
	"hpfriends/raftfsm/apply"
	"hpfriends/raftfsm/store"
)

// Recovery is what a stopped node has.
type Recovery struct {
	Node                string
	Last, Term, Applied uint64   // Term is of the newest entry
	Members             []string // of the newest configuration: id, address, vote
}

// Recover makes a stopped node the only member of its cluster, when do is set: for a majority that is lost for good. It
// appends a configuration of its own in a new term; raft finds it at the next start and goes on from there, with all
// entries of this node's log. It is not raft.RecoverCluster, which replaces the log by a snapshot.
func Recover(dir string, log *eventlog.Log, do bool) (r Recovery, err error) {
	stable, err := store.OpenStable(dir)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, stable.Close()) }()
	if r.Node, err = stable.Stored("node"); err != nil {
		return r, err
	}
	mark, markTerm, err := stable.HighWater()
	if err != nil {
		return r, err
	}
	if err := log.CheckHighWater(mark, markTerm); err != nil {
		return r, fmt.Errorf("raftfsm: this node has lost acknowledged entries itself, recover another: %w", err)
	}
	logs := log.LogStore()
	servers, err := newestServers(log, logs)
	if err != nil {
		return r, err
	}
	var self raft.Server
	for _, s := range servers {
		r.Members = append(r.Members, fmt.Sprintf("%s %s %s", s.ID, s.Address, s.Suffrage))
		if string(s.ID) == r.Node {
			self = s
		}
	}
	r.Applied = log.Applied()
	if r.Last, r.Term = log.Last(); r.Last == 0 { // right behind a snapshot
		r.Last = r.Applied
		if r.Term, err = log.Term(r.Applied); err != nil {
			return r, err
		}
	}
	if r.Node == "" || self.ID == "" {
		return r, fmt.Errorf("raftfsm: %s is no member of its own configuration: it cannot be recovered", cmp.Or(r.Node, dir))
	}
	if !do {
		return r, nil
	}
	self.Suffrage = raft.Voter
	term, err := stable.CurrentTerm()
	if err != nil {
		return r, err
	}
	term = max(term, r.Term) + 1
	if err := stable.SetUint64(store.KeyCurrentTerm, term); err != nil {
		return r, err
	}
	data := raft.EncodeConfiguration(raft.Configuration{Servers: []raft.Server{self}})
	return r, logs.StoreLog(&raft.Log{Index: r.Last + 1, Term: term, Type: raft.LogConfiguration, Data: data})
}

// newestServers is the newest configuration in the log, applied or not.
func newestServers(log *eventlog.Log, logs *eventlog.LogStore) ([]raft.Server, error) {
	var servers []raft.Server
	if c, err := apply.LoadConfiguration(log); err != nil {
		return nil, err
	} else if c != nil {
		servers = c.Servers
	}
	last, _ := log.Last()
	for i := log.Applied() + 1; i <= last; i++ {
		var l raft.Log
		if err := logs.GetLog(i, &l); err != nil {
			return nil, fmt.Errorf("raftfsm: entry %d: %w", i, err)
		}
		if l.Type == raft.LogConfiguration {
			servers = raft.DecodeConfiguration(l.Data).Servers
		}
	}
	if servers == nil {
		return nil, errors.New("raftfsm: the log has no configuration: this node was never a member")
	}
	return servers, nil
}
