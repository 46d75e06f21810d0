package transport

import "github.com/hashicorp/raft"

// admission is a transport that refuses entries for which this node has no room, before raft sees them. The leader
// takes the node for one that does not answer, keeps its place, and tries again. If StoreLogs refused them, raft would
// already have cut off what contradicts them and go on believing in it, and the leader would walk back through the log,
// one entry for each try.
type admission struct {
	Base
	room func([]*raft.Log) error
	in   chan raft.RPC
}

func newAdmission(b Base, room func([]*raft.Log) error) *admission {
	return &admission{Base: b, room: room, in: make(chan raft.RPC)}
}

// Consumer returns what raft reads.
func (a *admission) Consumer() <-chan raft.RPC { return a.in }

// run lets requests in until stop is closed.
func (a *admission) run(stop <-chan struct{}) {
	from := a.Base.Consumer()
	for {
		select {
		case rpc := <-from:
			if req, ok := rpc.Command.(*raft.AppendEntriesRequest); ok {
				if err := a.room(req.Entries); err != nil {
					rpc.Respond(&raft.AppendEntriesResponse{}, err)
					continue
				}
			}
			select {
			case a.in <- rpc:
			case <-stop:
				return
			}
		case <-stop:
			return
		}
	}
}
