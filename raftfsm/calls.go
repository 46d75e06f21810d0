package raftfsm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"hpfriends/graph"
	"hpfriends/raftfsm/link"
)

// Methods between nodes.
const (
	methodPropose byte = 1 // first u64 and an entry; the answer is a result
	methodReport  byte = 2 // nothing; the answer is the JSON of a Report
	methodOperate byte = 3 // the JSON of an operation; answered by the leader
	methodRoster  byte = 4 // nothing; the answer is the JSON of a hearsay
	methodDrain   byte = 5 // the JSON of an operation; answered by the node that is to be drained
	methodProgram byte = 6 // what the program's nodes tell each other, see Ask
)

// Handle implements link.Handler.
func (m *Members) Handle(ctx context.Context, peer string, method byte, req []byte) ([]byte, error) {
	if err := m.up(); err != nil {
		return nil, err
	}
	switch method {
	case methodPropose:
		return m.accept(ctx, req)
	case methodReport:
		return json.Marshal(m.report())
	case methodOperate:
		return m.operateFor(ctx, peer, req)
	case methodRoster:
		return m.tell()
	case methodDrain:
		return m.obey(ctx, peer, req, m.drainHere)
	case methodProgram:
		if m.config.Handle != nil {
			return m.config.Handle(ctx, peer, req)
		}
	}
	return nil, fmt.Errorf("%w: node %s runs an older program, which does not know method %d", link.ErrNotDone, m.node.id, method)
}

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
	for _, id := range m.IDs() {
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
		return m.execute(ctx, o)
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

// operateFor does an operation for another node, when this one leads.
func (m *Members) operateFor(ctx context.Context, peer string, req []byte) ([]byte, error) {
	if !m.node.Leading() {
		return nil, &link.Failure{Code: codeNotLeader, Text: m.lead.now().leader}
	}
	return m.obey(ctx, peer, req, m.execute)
}

// obey does an operation for another node: the answer is the refusal, or null.
func (m *Members) obey(ctx context.Context, peer string, req []byte, do func(context.Context, operation) error) ([]byte, error) {
	var o operation
	if err := json.Unmarshal(req, &o); err != nil {
		return nil, &link.Failure{Code: codeRefused, Text: "malformed operation"}
	}
	m.node.slog.Info("a member asks for a change of the cluster", "peer", peer, "verb", o.Verb, "node", o.Node, "force", o.Force)
	err := do(ctx, o)
	refusal, refused := errors.AsType[*graph.Error](err)
	switch {
	case err == nil, refused:
		return json.Marshal(refusal)
	case errors.Is(err, ErrUnavailable):
		return nil, &link.Failure{Code: codeRefused, Text: err.Error()}
	}
	return nil, fmt.Errorf("%w: %w", link.ErrUnknownOutcome, err)
}
