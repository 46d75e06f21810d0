package transport

import (
	"errors"
	"fmt"

	"github.com/hashicorp/raft"
)

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
			if err := sound(rpc.Command); err != nil {
				rpc.Respond(nil, err)
				continue
			}
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

var errUnsound = errors.New("transport: a member sent what cannot be")

// sound refuses a request by which raft would end the process: an entry that is none, and a configuration that cannot
// be read.
func sound(command any) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", errUnsound, p)
		}
	}()
	switch req := command.(type) {
	case *raft.AppendEntriesRequest:
		for _, e := range req.Entries {
			if e == nil {
				return fmt.Errorf("%w: an entry is missing", errUnsound)
			}
			if e.Type == raft.LogConfiguration {
				raft.DecodeConfiguration(e.Data)
			}
		}
	case *raft.InstallSnapshotRequest:
		if req.SnapshotVersion > 0 {
			raft.DecodeConfiguration(req.Configuration)
		}
	}
	return nil
}
