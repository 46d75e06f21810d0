package raftfsm

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/raft"

	"hpfriends/raftfsm/apply"
	"hpfriends/raftfsm/link"
)

const (
	enqueueTimeout = 5 * time.Second
	// forwardTimeout bounds one way to the leader and back.
	forwardTimeout = 10 * time.Second
	// proposeWait is how long a proposal waits for a leader.
	proposeWait = 5 * time.Second
	// proposeAgain is the pause before a proposal that was certainly not applied is made again; a new leader ends it.
	proposeAgain = 50 * time.Millisecond
	// lateAnswer is how long a forwarded batch waits for the leader that was, once there is another.
	lateAnswer = 250 * time.Millisecond
)

// propose has one entry applied, and answers once this node has applied it. It waits a while for a leader.
func (n *Node) propose(ctx context.Context, data []byte) (any, error) {
	if err := n.known(ctx, data); err != nil {
		return nil, err
	}
	give := time.Now().Add(proposeWait)
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
		tenure := n.members.lead.now()
		r, err := n.submit(ctx, tenure, data)
		if err == nil {
			return r.Response, n.catchUp(ctx, r.Index)
		}
		if !errors.Is(err, ErrUnavailable) || time.Now().After(give) {
			return nil, err
		}
		select {
		case <-tenure.over.Done():
		case <-time.After(proposeAgain):
		case <-ctx.Done():
			return nil, err
		case <-n.stop:
			return nil, err
		}
	}
}

// submit brings one entry to the leader: to this node's raft, or in one hop to another's.
func (n *Node) submit(ctx context.Context, tenure *tenure, data []byte) (apply.Result, error) {
	switch tenure.leader {
	case n.id:
		return n.here(ctx, data)
	case "":
		return apply.Result{}, fmt.Errorf("%w: the cluster has no leader", ErrUnavailable)
	}
	return n.members.forward(ctx, tenure.leader, data, 0)
}

// here proposes to this node's raft.
func (n *Node) here(ctx context.Context, data []byte) (apply.Result, error) {
	if err := n.takes(data); err != nil {
		return apply.Result{}, err
	}
	if r, refused := n.refuses(ctx, data); refused {
		return r, nil
	}
	return n.result(ctx, n.raft.Apply(data, enqueueTimeout))
}

// refuses answers a change that is refused anyway: as an entry it would cost every node, for ever. Only a leader that
// has applied all that was confirmed knows.
func (n *Node) refuses(ctx context.Context, data []byte) (r apply.Result, refused bool) {
	if n.fsm.Refuses(data) == nil || !n.Leading() || n.proven(ctx) != nil {
		return r, false
	}
	err := n.fsm.Refuses(data)
	return apply.Result{Index: n.log.Applied(), Response: apply.ChangeResult{Err: err}}, err != nil
}

// known refuses what a member does not know. One that lacks it is asked again before: perhaps it has been upgraded.
func (n *Node) known(ctx context.Context, data []byte) error {
	m := n.members
	if m == nil {
		return nil
	}
	need, what := apply.Needs(data)
	if need <= apply.FirstLevel {
		return nil
	}
	err := m.reconciler.levels.Refuse(m.dir.IDs(), need, what)
	if err != nil {
		m.reconciler.hear(m.survey(ctx))
		err = m.reconciler.levels.Refuse(m.dir.IDs(), need, what)
	}
	return err
}

// takes refuses what there is no room for.
func (n *Node) takes(data []byte) error {
	reserved := n.Full() != nil && n.fsm.ByAdmin(data)
	if err := n.disk.Takes(data, reserved); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return nil
}

// begin proposes a batch of a session. When this node leads, it is enqueued on return, so that batches stay in order;
// first is for the leader elsewhere, see sequencer. end waits for the outcome.
func (n *Node) begin(data []byte, first uint64) (end func() (apply.Result, error)) {
	refused := n.known(context.Background(), data)
	if refused == nil {
		refused = n.takes(data)
	}
	fail := func() (apply.Result, error) { return apply.Result{}, refused }
	if n.members == nil {
		if refused != nil {
			return fail
		}
		future := n.raft.Apply(data, 0)
		return func() (apply.Result, error) { return n.result(context.Background(), future) }
	}
	tenure := n.members.lead.now()
	switch tenure.leader {
	case n.id:
		if refused != nil {
			return fail
		}
		future := n.raft.Apply(data, enqueueTimeout)
		return func() (apply.Result, error) { return n.result(context.Background(), future) }
	case "":
		return func() (apply.Result, error) {
			return apply.Result{}, fmt.Errorf("%w: the cluster has no leader", ErrUnavailable)
		}
	}
	return func() (apply.Result, error) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		// Each batch is in the log once however often it is proposed, so it need not wait for a leader that may be frozen.
		defer context.AfterFunc(tenure.over, func() {
			select {
			case <-time.After(lateAnswer):
				cancel()
			case <-ctx.Done():
			}
		})()
		return n.members.forward(ctx, tenure.leader, data, first)
	}
}

// result waits for a proposal.
func (n *Node) result(ctx context.Context, f raft.ApplyFuture) (apply.Result, error) {
	if err := n.await(ctx, f.Error); err != nil {
		return apply.Result{}, err
	}
	return apply.Result{Index: f.Index(), Response: f.Response()}, nil
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

// forward sends an entry to the leader and waits for the result. When that node says who leads instead, it asks there,
// once: the one that is asked never forwards.
func (m *Members) forward(ctx context.Context, leader string, data []byte, first uint64) (apply.Result, error) {
	ctx, cancel := context.WithTimeout(ctx, forwardTimeout)
	defer cancel()
	req := forwarded(first, data)
	m.forwarded.Add(1)
	answer, err := m.net.Call(ctx, leader, methodPropose, req)
	if f, ok := errors.AsType[*link.Failure](err); ok && f.Code == codeNotLeader && f.Text != leader &&
		f.Text != m.node.id {
		if _, member := m.dir.server(f.Text); member {
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

// forwarded is the request of methodPropose: the oldest batch that the node waits for (u64), and the entry.
func forwarded(first uint64, data []byte) []byte {
	return append(binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(data)), first), data...)
}

var errForwarded = errors.New("malformed proposal")

func parseForwarded(req []byte) (first uint64, data []byte, err error) {
	if len(req) < 9 {
		return 0, nil, errForwarded
	}
	return binary.BigEndian.Uint64(req), req[8:], nil
}

// Codes of failures between nodes.
const (
	codeNotLeader = link.CodeFirst + iota // the text is who leads, or nothing
	codeRefused                           // certainly not done; the text says why
)

// leaderFull is the text of a refusal for want of space.
const leaderFull = "the disk of the leader is almost full"

// callOutcome sorts the errors of calls.
func callOutcome(err error) error {
	f, ok := errors.AsType[*link.Failure](err)
	switch {
	case ok && f.Code == codeRefused && f.Text == leaderFull:
		return fmt.Errorf("%w: %w: %w", ErrUnavailable, ErrDiskFull, err)
	case errors.Is(err, link.ErrNotDone), ok && f.Code == codeNotLeader, ok && f.Code == codeRefused:
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
}
