package raftfsm

import (
	"context"
	"encoding/json"
	"fmt"

	"hpfriends/graph"
)

// Methods between nodes.
const (
	methodPropose       byte = 1 // first u64 and an entry; the answer is a result
	methodReport        byte = 2 // nothing; the answer is the JSON of a Report
	methodOperate       byte = 3 // the JSON of an operation; answered by the leader
	methodConfiguration byte = 4 // nothing; the answer is the JSON of a learnedConfiguration
	methodDrain         byte = 5 // the JSON of an operation; answered by the node that is to be drained
	methodProgram       byte = 6 // what the program's nodes tell each other, see Ask
	methodEntries       byte = 7 // which entries; the answer is some of them, see package repair
)

// Ask sends a request of the program to another member, whose Cluster.Handle answers it. Nothing of it is in the log.
func (m *Members) Ask(ctx context.Context, peer string, req []byte) ([]byte, error) {
	if m == nil {
		return nil, errAlone()
	}
	return m.net.Call(ctx, peer, methodProgram, req)
}

// Peers are the ids of the other members.
func (m *Members) Peers() (ids []string) {
	if m == nil {
		return nil
	}
	for _, id := range m.dir.IDs() {
		if id != m.node.id {
			ids = append(ids, id)
		}
	}
	return ids
}

// operation is a change of the cluster that its leader makes, or of one node.
type operation struct {
	Verb  string `json:"verb"` // remove, promote, transfer, address; drain, undrain
	Node  string `json:"node"`
	Addr  string `json:"addr,omitempty"`
	Force bool   `json:"force,omitempty"`
}

// operate has the leader do an operation: this node, or another by one call.
func (m *Members) operate(ctx context.Context, o operation) error {
	if m == nil {
		return errAlone()
	}
	if err := m.up(); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if m.node.Leading() {
		return coordinator{m}.execute(ctx, o)
	}
	leader := m.lead.now().leader
	if leader == "" || leader == m.node.id {
		return fmt.Errorf("%w: the cluster has no leader", ErrUnavailable)
	}
	return m.command(ctx, leader, methodOperate, o)
}

// command has another node do an operation.
func (m *Members) command(ctx context.Context, id string, method byte, o operation) error {
	req, err := json.Marshal(o)
	if err != nil {
		return err
	}
	answer, err := m.net.Call(ctx, id, method, req)
	if err != nil {
		return callOutcome(err)
	}
	var refusal *graph.Error
	if err := json.Unmarshal(answer, &refusal); err != nil {
		return fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
	}
	if refusal != nil {
		return refusal
	}
	return nil
}
