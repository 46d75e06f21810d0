package transport

import (
	"context"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"hpfriends/eventlog"
)

const (
	// notifyGrace is how long the news of a commit waits for entries that carry it.
	notifyGrace = 250 * time.Microsecond
	// followerTrust is how long after its last answer a follower is thought to be one.
	followerTrust = time.Second
)

// notifier is a transport that tells followers of a commit at once. raft tells them with the next entries, or when
// CommitTimeout has passed without any: what is published now and then would be delivered there that much later.
//
// A notification is an AppendEntries without entries, as raft's own after CommitTimeout. It names the newest entry that
// the follower has confirmed in this term, and never announces more than that: see DESIGN.md.
type notifier struct {
	Base
	grace time.Duration
	news  chan struct{} // something was committed or confirmed

	mu        sync.Mutex
	followers map[raft.ServerID]*confirmed
}

// confirmed is what a follower has confirmed to this node as the leader of a term.
type confirmed struct {
	at    raft.ServerAddress
	bare  raft.AppendEntriesRequest // without entries, behind the newest that it has confirmed
	told  uint64                    // newest commit index that was sent
	heard time.Time                 // when it answered last
	busy  bool                      // a notification is under way
}

func newNotifier(b Base, grace time.Duration) *notifier {
	return &notifier{
		Base: b, grace: grace, news: make(chan struct{}, 1), followers: make(map[raft.ServerID]*confirmed),
	}
}

// AppendEntries sends raft's own entries and heartbeats, and notes what the follower has now and knows.
func (n *notifier) AppendEntries(
	id raft.ServerID, at raft.ServerAddress, req *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse,
) error {
	n.sending(id, req)
	err := n.Base.AppendEntries(id, at, req, resp)
	if err == nil && resp.Success {
		n.answered(id, at, req)
	}
	return err
}

func (n *notifier) sending(id raft.ServerID, req *raft.AppendEntriesRequest) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if f := n.followers[id]; f != nil && f.bare.Term == req.Term {
		f.told = max(f.told, req.LeaderCommitIndex)
	}
}

func (n *notifier) answered(id raft.ServerID, at raft.ServerAddress, req *raft.AppendEntriesRequest) {
	n.mu.Lock()
	defer n.mu.Unlock()
	f := n.followers[id]
	if f == nil || f.bare.Term < req.Term {
		f = &confirmed{bare: raft.AppendEntriesRequest{RPCHeader: req.RPCHeader, Term: req.Term}}
		n.followers[id] = f
	}
	if f.bare.Term > req.Term {
		return
	}
	f.at, f.heard, f.told = at, time.Now(), max(f.told, req.LeaderCommitIndex)
	index, term := req.PrevLogEntry, req.PrevLogTerm
	if last := len(req.Entries) - 1; last >= 0 {
		index, term = req.Entries[last].Index, req.Entries[last].Term
	}
	if index > f.bare.PrevLogEntry { // a heartbeat has 0
		f.bare.PrevLogEntry, f.bare.PrevLogTerm = index, term
		n.wake()
	}
}

func (n *notifier) wake() {
	select {
	case n.news <- struct{}{}:
	default:
	}
}

// notification is one message to a follower.
type notification struct {
	to  raft.ServerID
	at  raft.ServerAddress
	req raft.AppendEntriesRequest
}

// due returns what is to be told to whom. commit was known to this node while its term was term, or before.
func (n *notifier) due(term, commit uint64) (all []notification) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for id, f := range n.followers {
		news := min(commit, f.bare.PrevLogEntry)
		if f.bare.Term != term || news <= f.told || f.busy || time.Since(f.heard) > followerTrust {
			continue
		}
		f.told, f.busy = news, true
		a := notification{id, f.at, f.bare}
		a.req.LeaderCommitIndex = news
		all = append(all, a)
	}
	return all
}

// send sends a notification, once. If that fails, raft tells in its own time.
func (n *notifier) send(a notification) {
	var resp raft.AppendEntriesResponse
	_ = n.Base.AppendEntries(a.to, a.at, &a.req, &resp)
	n.mu.Lock()
	defer n.mu.Unlock()
	if f := n.followers[a.to]; f != nil && f.bare.Term == a.req.Term {
		f.busy = false
		n.wake() // there may be more news
	}
}

// notify sends notifications until stop is closed.
func (n *notifier) notify(r *raft.Raft, stop <-chan struct{}) {
	var sending sync.WaitGroup
	defer sending.Wait()
	for {
		select {
		case <-n.news:
		case <-stop:
			return
		}
		select {
		case <-time.After(n.grace):
		case <-stop:
			return
		}
		// The commit index is read before the term: what a node knows in a term, or before, is in the log of that term's
		// leader.
		commit := r.CommitIndex()
		for _, a := range n.due(r.CurrentTerm(), commit) {
			sending.Go(func() { n.send(a) })
		}
	}
}

// watch wakes notify for what this node applies: it knew before that it is committed.
func (n *notifier) watch(ctx context.Context, log *eventlog.Log) {
	for applied := log.Applied(); ; n.wake() {
		var err error
		if applied, err = log.Wait(ctx, applied); err != nil {
			return
		}
	}
}
