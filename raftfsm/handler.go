package raftfsm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/raftfsm/link"
)

// handler answers the calls of other members. It implements link.Handler.
type handler struct{ m *Members }

// Handle implements link.Handler.
func (h handler) Handle(ctx context.Context, peer string, method byte, req []byte) ([]byte, error) {
	if err := h.m.up(); err != nil {
		return nil, err
	}
	switch method {
	case methodPropose:
		return h.accept(ctx, req)
	case methodReport:
		return json.Marshal(h.m.node.Report())
	case methodOperate:
		return h.operateFor(ctx, peer, req)
	case methodConfiguration:
		return h.tell()
	case methodDrain:
		return h.obey(ctx, peer, req, h.m.drainHere)
	case methodEntries:
		answer, err := h.m.node.repairer.Serve(ctx, req)
		if err != nil {
			err = &link.Failure{Code: codeRefused, Text: err.Error()}
		}
		return answer, err
	case methodProgram:
		if h.m.config.Handle != nil {
			return h.m.config.Handle(ctx, peer, req)
		}
	}
	return nil, fmt.Errorf("%w: node %s runs an older program, which does not know method %d", link.ErrNotDone,
		h.m.node.id, method)
}

// tell answers methodConfiguration: the applied configuration.
func (h handler) tell() ([]byte, error) {
	c := h.m.node.fsm.Configuration()
	if c == nil {
		return nil, fmt.Errorf("%w: node %s has no configuration yet", link.ErrNotDone, h.m.node.id)
	}
	return json.Marshal(learnedConfiguration{c.Index, c.Servers})
}

// operateFor does an operation for another node, when this one leads.
func (h handler) operateFor(ctx context.Context, peer string, req []byte) ([]byte, error) {
	if !h.m.node.Leading() {
		return nil, &link.Failure{Code: codeNotLeader, Text: h.m.lead.now().leader}
	}
	return h.obey(ctx, peer, req, coordinator{h.m}.execute)
}

// obey does an operation for another node: the answer is the refusal, or null.
func (h handler) obey(
	ctx context.Context, peer string, req []byte, do func(context.Context, operation) error,
) ([]byte, error) {
	var o operation
	if err := json.Unmarshal(req, &o); err != nil {
		return nil, &link.Failure{Code: codeRefused, Text: "malformed operation"}
	}
	h.m.node.slog.Info("a member asks for a change of the cluster", "peer", peer, "verb", o.Verb, "node", o.Node, "force",
		o.Force)
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

// accept takes an entry that another node forwarded.
func (h handler) accept(ctx context.Context, req []byte) ([]byte, error) {
	first, data, err := parseForwarded(req)
	if err != nil {
		return nil, &link.Failure{Code: codeRefused, Text: err.Error()}
	}
	n := h.m.node
	if !n.Leading() {
		return nil, &link.Failure{Code: codeNotLeader, Text: h.m.lead.now().leader}
	}
	if err := n.takes(data); err != nil {
		return nil, &link.Failure{Code: codeRefused, Text: leaderFull}
	}
	if err := n.known(ctx, data); err != nil { // also what only this leader does not know
		return nil, &link.Failure{Code: codeRefused, Text: err.Error()}
	}
	if r, refused := n.refuses(ctx, data); refused {
		return r.Encode()
	}
	leave := func() {}
	if entry.Kind(data[0]) == entry.KindBatch {
		head, err := entry.DecodeHeader(data)
		if err != nil {
			return nil, &link.Failure{Code: codeRefused, Text: err.Error()}
		}
		if leave, err = h.m.order.enter(ctx, head.Session, head.Seq, first); err != nil {
			return nil, &link.Failure{Code: codeRefused, Text: err.Error()}
		}
	}
	future := n.raft.Apply(data, enqueueTimeout)
	leave()
	r, err := n.result(ctx, future)
	switch {
	case errors.Is(err, ErrUnavailable):
		return nil, &link.Failure{Code: codeNotLeader, Text: h.m.lead.now().leader}
	case err != nil:
		return nil, fmt.Errorf("%w: %w", link.ErrUnknownOutcome, err)
	}
	return r.Encode()
}
