package raftfsm

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/raft"

	"hpfriends/eventlog/entry"
	"hpfriends/raftfsm/apply"
	"hpfriends/raftfsm/link"
)

const (
	enqueueTimeout = 5 * time.Second
	// forwardTimeout bounds one way to the leader and back.
	forwardTimeout = 10 * time.Second
	// patience is how long a proposal waits for a leader.
	patience = 5 * time.Second
	// proposeAgain is the pause before a proposal that was certainly not applied is made again; a new leader ends it.
	proposeAgain = 50 * time.Millisecond
	// lastWords is how long a forwarded batch waits for the leader that was, once there is another.
	lastWords = 250 * time.Millisecond
)

// propose has one entry applied, and answers once this node has applied it. It waits a while for a leader.
func (n *Node) propose(ctx context.Context, data []byte) (any, error) {
	give := time.Now().Add(patience)
	for {
		select {
		case <-n.stop:
			return nil, ErrClosed
		default:
		}
		if n.members == nil {
			r, err := n.here(ctx, data)
			return r.Response, err
		}
		reign := n.members.lead.now()
		r, err := n.submit(ctx, reign, data)
		if err == nil {
			return r.Response, n.catchUp(ctx, r.Index)
		}
		if !errors.Is(err, ErrUnavailable) || time.Now().After(give) {
			return nil, err
		}
		select {
		case <-reign.over.Done():
		case <-time.After(proposeAgain):
		case <-ctx.Done():
			return nil, err
		case <-n.stop:
			return nil, err
		}
	}
}

// submit brings one entry to the leader: to this node's raft, or in one hop to another's.
func (n *Node) submit(ctx context.Context, reign *reign, data []byte) (apply.Result, error) {
	switch reign.leader {
	case n.id:
		return n.here(ctx, data)
	case "":
		return apply.Result{}, fmt.Errorf("%w: the cluster has no leader", ErrUnavailable)
	}
	return n.members.forward(ctx, reign.leader, data, 0)
}

// here proposes to this node's raft.
func (n *Node) here(ctx context.Context, data []byte) (apply.Result, error) {
	if err := n.takes(data); err != nil {
		return apply.Result{}, err
	}
	return n.await(ctx, n.raft.Apply(data, enqueueTimeout))
}

// takes refuses what there is no room for.
func (n *Node) takes(data []byte) error {
	if err := n.disk.Takes(data); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return nil
}

// begin proposes a batch of a session. When this node leads, it is enqueued on return, so that batches stay in order;
// first is for the leader elsewhere, see sequencer. end waits for the outcome.
func (n *Node) begin(data []byte, first uint64) (end func() (apply.Result, error)) {
	refused := n.takes(data)
	fail := func() (apply.Result, error) { return apply.Result{}, refused }
	if n.members == nil {
		if refused != nil {
			return fail
		}
		future := n.raft.Apply(data, 0)
		return func() (apply.Result, error) { return n.await(context.Background(), future) }
	}
	reign := n.members.lead.now()
	switch reign.leader {
	case n.id:
		if refused != nil {
			return fail
		}
		future := n.raft.Apply(data, enqueueTimeout)
		return func() (apply.Result, error) { return n.await(context.Background(), future) }
	case "":
		return func() (apply.Result, error) {
			return apply.Result{}, fmt.Errorf("%w: the cluster has no leader", ErrUnavailable)
		}
	}
	return func() (apply.Result, error) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		// Each batch is in the log once however often it is proposed, so it need not wait for a leader that may be frozen.
		defer context.AfterFunc(reign.over, func() {
			select {
			case <-time.After(lastWords):
				cancel()
			case <-ctx.Done():
			}
		})()
		return n.members.forward(ctx, reign.leader, data, first)
	}
}

// await waits for a proposal, which raft may leave unanswered at shutdown (its futures have no timeout).
func (n *Node) await(ctx context.Context, f raft.ApplyFuture) (apply.Result, error) {
	done := make(chan error, 1)
	go func() { done <- f.Error() }() // ends with raft's shutdown at the latest, or with the process
	select {
	case err := <-done:
		if err != nil {
			return apply.Result{}, outcome(err)
		}
		return apply.Result{Index: f.Index(), Response: f.Response()}, nil
	case <-ctx.Done():
		return apply.Result{}, fmt.Errorf("%w: %w", ErrUnknownOutcome, ctx.Err())
	case <-n.stop:
		return apply.Result{}, fmt.Errorf("%w: %w", ErrUnknownOutcome, ErrClosed)
	}
}

// catchUp waits until this node has applied what the leader has: who proposed here reads it here.
func (n *Node) catchUp(ctx context.Context, index uint64) error {
	if index == 0 {
		return nil
	}
	if _, err := n.log.Wait(ctx, index-1); err != nil {
		return fmt.Errorf("%w: it is entry %d, which this node has not applied yet: %w", ErrUnknownOutcome, index, err)
	}
	return nil
}

// outcome sorts raft's errors into "not applied" and "unknown".
func outcome(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, raft.ErrNotLeader), errors.Is(err, raft.ErrLeadershipTransferInProgress),
		errors.Is(err, raft.ErrEnqueueTimeout), errors.Is(err, raft.ErrAbortedByRestore), errors.Is(err, ErrDiskFull):
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	default:
		return fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
	}
}

// forward sends an entry to the leader and waits for the result. When that node says who leads instead, it asks there,
// once: the one that is asked never forwards.
func (m *Members) forward(ctx context.Context, leader string, data []byte, first uint64) (apply.Result, error) {
	ctx, cancel := context.WithTimeout(ctx, forwardTimeout)
	defer cancel()
	req := append(binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(data)), first), data...)
	m.forwarded.Add(1)
	answer, err := m.net.Call(ctx, leader, methodPropose, req)
	if f, ok := errors.AsType[*link.Failure](err); ok && f.Code == codeNotLeader && f.Text != leader && f.Text != m.node.id {
		if _, member := m.server(f.Text); member {
			answer, err = m.net.Call(ctx, f.Text, methodPropose, req)
		}
	}
	if err != nil {
		return apply.Result{}, callOutcome(err)
	}
	r, err := apply.DecodeResult(answer)
	if err != nil {
		return apply.Result{}, fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
	}
	return r, nil
}

// Codes of failures between nodes.
const (
	codeNotLeader = link.CodeFirst + iota // the text is who leads, or nothing
	codeRefused                           // certainly not done; the text says why
)

// callOutcome sorts the errors of calls.
func callOutcome(err error) error {
	f, ok := errors.AsType[*link.Failure](err)
	switch {
	case errors.Is(err, link.ErrNotDone), ok && f.Code == codeNotLeader, ok && f.Code == codeRefused:
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
}

// accept takes an entry that another node forwarded: first (u64) and the entry.
func (m *Members) accept(ctx context.Context, req []byte) ([]byte, error) {
	if len(req) < 9 {
		return nil, &link.Failure{Code: codeRefused, Text: "malformed proposal"}
	}
	first, data := binary.BigEndian.Uint64(req), req[8:]
	n := m.node
	if !n.Leading() {
		return nil, &link.Failure{Code: codeNotLeader, Text: m.lead.now().leader}
	}
	if err := n.takes(data); err != nil {
		return nil, &link.Failure{Code: codeRefused, Text: "the disk of the leader is almost full"}
	}
	leave := func() {}
	if kind := entry.Kind(data[0]); !kind.Known() {
		return nil, &link.Failure{Code: codeRefused, Text: fmt.Sprintf("the leader runs an older program, which does not know entries of kind %d: upgrade it", kind)}
	} else if kind == entry.KindBatch {
		h, err := entry.DecodeHeader(data)
		if err != nil {
			return nil, &link.Failure{Code: codeRefused, Text: err.Error()}
		}
		if leave, err = m.order.enter(ctx, h.Session, h.Seq, first); err != nil {
			return nil, &link.Failure{Code: codeRefused, Text: err.Error()}
		}
	}
	future := n.raft.Apply(data, enqueueTimeout)
	leave()
	r, err := n.await(ctx, future)
	switch {
	case errors.Is(err, ErrUnavailable):
		return nil, &link.Failure{Code: codeNotLeader, Text: m.lead.now().leader}
	case err != nil:
		return nil, fmt.Errorf("%w: %w", link.ErrUnknownOutcome, err)
	}
	return r.Encode()
}
