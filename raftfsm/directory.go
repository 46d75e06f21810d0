package raftfsm

import (
	"sync/atomic"

	"github.com/hashicorp/raft"
)

// directory knows who is in the cluster. It implements link.Members.
type directory struct {
	node    *Node
	started chan struct{} // closed when raft runs
	learned atomic.Pointer[learnedConfiguration]
}

// servers returns the newest configuration: raft's own, also before it is committed; the applied one while raft starts;
// the learned one as long as that is newer.
func (d *directory) servers() []raft.Server {
	if learned := d.ahead(); learned != nil {
		return learned.Servers
	}
	select {
	case <-d.started:
		return d.node.raft.GetConfiguration().Configuration().Servers
	default:
	}
	if r := d.node.fsm.Configuration(); r != nil {
		return r.Servers
	}
	return nil
}

// Member implements link.Members.
func (d *directory) Member(id string) (addr string, ok bool) {
	s, ok := d.server(id)
	return string(s.Address), ok
}

// IDs implements link.Members.
func (d *directory) IDs() (ids []string) {
	for _, s := range d.servers() {
		ids = append(ids, string(s.ID))
	}
	return ids
}

// Index implements link.Members. It is that of the applied or learned configuration: never newer than what the others
// answer by.
func (d *directory) Index() uint64 {
	if learned := d.ahead(); learned != nil {
		return learned.Index
	}
	if r := d.node.fsm.Configuration(); r != nil {
		return r.Index
	}
	return 0
}

// server returns one member of the newest configuration.
func (d *directory) server(id string) (raft.Server, bool) {
	for _, s := range d.servers() {
		if string(s.ID) == id {
			return s, true
		}
	}
	return raft.Server{}, false
}

// otherVoters counts the voters beside this node.
func (d *directory) otherVoters() (count int) {
	for _, s := range d.servers() {
		if s.Suffrage == raft.Voter && string(s.ID) != d.node.id {
			count++
		}
	}
	return count
}
