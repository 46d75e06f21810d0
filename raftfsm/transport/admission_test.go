package transport

import (
	"errors"
	"testing"

	"github.com/hashicorp/raft"
)

// inbox is a transport to which members have sent something.
type inbox struct {
	Base
	in chan raft.RPC
}

func (i inbox) Consumer() <-chan raft.RPC { return i.in }

// What would end the process does not come to raft, and its sender is told.
func TestUnsoundRequestsDoNotReachRaft(t *testing.T) {
	from := inbox{in: make(chan raft.RPC)}
	a := newAdmission(from, func([]*raft.Log) error { return nil })
	stop := make(chan struct{})
	defer close(stop)
	go a.run(stop)
	good := raft.EncodeConfiguration(raft.Configuration{Servers: []raft.Server{{ID: "n1", Address: "n1:1"}}})
	entries := func(all ...*raft.Log) any { return &raft.AppendEntriesRequest{Entries: all} }
	for what, c := range map[string]struct {
		command any
		sound   bool
	}{
		"an entry that is none":      {entries(&raft.Log{}, nil), false},
		"a configuration of noise":   {entries(&raft.Log{Type: raft.LogConfiguration, Data: []byte{0xff}}), false},
		"no configuration":           {entries(&raft.Log{Type: raft.LogConfiguration}), false},
		"a snapshot with noise":      {&raft.InstallSnapshotRequest{SnapshotVersion: 1, Configuration: []byte{0xdf}}, false},
		"a configuration":            {entries(&raft.Log{Type: raft.LogConfiguration, Data: good}), true},
		"a snapshot":                 {&raft.InstallSnapshotRequest{SnapshotVersion: 1, Configuration: good}, true},
		"a vote":                     {&raft.RequestVoteRequest{}, true},
		"noise that is only a value": {entries(&raft.Log{Data: []byte{0xff}}), true},
	} {
		answer := make(chan raft.RPCResponse, 1)
		from.in <- raft.RPC{Command: c.command, RespChan: answer}
		select {
		case <-a.in:
			if !c.sound {
				t.Errorf("%s comes to raft", what)
			}
		case r := <-answer:
			if c.sound || !errors.Is(r.Error, errUnsound) {
				t.Errorf("%s: %v", what, r.Error)
			}
		}
	}
}
