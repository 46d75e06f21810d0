package raftfsm

import (
	"github.com/hashicorp/raft"
)

// doorkeeper is a transport that turns entries away that this node has no room for, before raft sees them. The leader takes it for a
// node that does not answer, keeps its place, and tries again. Were they refused in StoreLogs, raft would have cut off what
// contradicts them by then and go on believing in it, and the leader would walk back through the log, one entry for each try.
type doorkeeper struct {
	carrier
	disk *disk
	in   chan raft.RPC
}

func newDoorkeeper(c carrier, d *disk) *doorkeeper {
	return &doorkeeper{carrier: c, disk: d, in: make(chan raft.RPC)}
}

// Consumer is what raft reads.
func (d *doorkeeper) Consumer() <-chan raft.RPC { return d.in }

// run lets requests in until stop is closed.
func (d *doorkeeper) run(stop <-chan struct{}) {
	from := d.carrier.Consumer()
	for {
		select {
		case rpc := <-from:
			if req, ok := rpc.Command.(*raft.AppendEntriesRequest); ok && !d.disk.hasRoom(req.Entries) {
				rpc.Respond(&raft.AppendEntriesResponse{}, ErrDiskFull)
				continue
			}
			select {
			case d.in <- rpc:
			case <-stop:
				return
			}
		case <-stop:
			return
		}
	}
}
