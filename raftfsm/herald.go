package raftfsm

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"hpfriends/eventlog"
)

const (
	// heraldGrace is how long the news of a commit waits for entries that carry it.
	heraldGrace = 250 * time.Microsecond
	// heraldTrust is how long after its last answer a follower is thought to be one.
	heraldTrust = time.Second
)

// carrier is what raft uses of a transport.
type carrier interface {
	raft.Transport
	raft.WithPreVote
	raft.WithClose
}

// herald is a transport that tells followers of a commit at once. raft tells them with the next entries, or when
// CommitTimeout has passed without any, so that what is published now and then would be delivered there that much later.
//
// What it sends is an AppendEntries without entries, as raft's own after CommitTimeout. It names the newest entry that the
// follower has confirmed in this term, and never announces more than that: see DESIGN.md.
type herald struct {
	carrier
	door  *doorkeeper
	gate  interface{ Withhold(bool) } // nil: nothing can be withheld
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
	busy  bool                      // an announcement is under way
}

func newHerald() *herald {
	return &herald{grace: heraldGrace, news: make(chan struct{}, 1), followers: make(map[raft.ServerID]*confirmed)}
}

// over makes t the transport below, with what else stands between it and raft.
func (h *herald) over(t raft.Transport, d *disk) error {
	c, ok := t.(carrier)
	if !ok {
		return errors.New("raftfsm: the transport has no pre-vote or cannot be closed")
	}
	h.door = newDoorkeeper(c, d)
	h.gate, _ = t.(interface{ Withhold(bool) })
	h.carrier = newPacer(h.door)
	return nil
}

// AppendEntries sends raft's own entries and heartbeats, and notes what the follower has now and knows.
func (h *herald) AppendEntries(id raft.ServerID, at raft.ServerAddress, req *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	h.sending(id, req)
	err := h.carrier.AppendEntries(id, at, req, resp)
	if err == nil && resp.Success {
		h.answered(id, at, req)
	}
	return err
}

func (h *herald) sending(id raft.ServerID, req *raft.AppendEntriesRequest) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if f := h.followers[id]; f != nil && f.bare.Term == req.Term {
		f.told = max(f.told, req.LeaderCommitIndex)
	}
}

func (h *herald) answered(id raft.ServerID, at raft.ServerAddress, req *raft.AppendEntriesRequest) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f := h.followers[id]
	if f == nil || f.bare.Term < req.Term {
		f = &confirmed{bare: raft.AppendEntriesRequest{RPCHeader: req.RPCHeader, Term: req.Term}}
		h.followers[id] = f
	}
	if f.bare.Term > req.Term {
		return
	}
	f.at, f.heard, f.told = at, time.Now(), max(f.told, req.LeaderCommitIndex)
	index, term := req.PrevLogEntry, req.PrevLogTerm
	if n := len(req.Entries); n > 0 {
		index, term = req.Entries[n-1].Index, req.Entries[n-1].Term
	}
	if index > f.bare.PrevLogEntry { // a heartbeat has 0
		f.bare.PrevLogEntry, f.bare.PrevLogTerm = index, term
		h.wake()
	}
}

func (h *herald) wake() {
	select {
	case h.news <- struct{}{}:
	default:
	}
}

// announcement is one message to a follower.
type announcement struct {
	to  raft.ServerID
	at  raft.ServerAddress
	req raft.AppendEntriesRequest
}

// due returns what is to be told to whom. commit was known to this node while its term was term, or before.
func (h *herald) due(term, commit uint64) (all []announcement) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, f := range h.followers {
		news := min(commit, f.bare.PrevLogEntry)
		if f.bare.Term != term || news <= f.told || f.busy || time.Since(f.heard) > heraldTrust {
			continue
		}
		f.told, f.busy = news, true
		a := announcement{id, f.at, f.bare}
		a.req.LeaderCommitIndex = news
		all = append(all, a)
	}
	return all
}

// announce sends one, once. If it fails, raft tells in its own time.
func (h *herald) announce(a announcement) {
	var resp raft.AppendEntriesResponse
	_ = h.carrier.AppendEntries(a.to, a.at, &a.req, &resp)
	h.mu.Lock()
	defer h.mu.Unlock()
	if f := h.followers[a.to]; f != nil && f.bare.Term == a.req.Term {
		f.busy = false
		h.wake() // there may be more news
	}
}

// run announces until stop is closed.
func (h *herald) run(r *raft.Raft, log *eventlog.Log, stop <-chan struct{}) {
	ctx, cancel := context.WithCancel(context.Background())
	var under sync.WaitGroup
	defer under.Wait()
	defer cancel()
	under.Go(func() { h.watch(ctx, log) })
	for {
		select {
		case <-h.news:
		case <-stop:
			return
		}
		select {
		case <-time.After(h.grace):
		case <-stop:
			return
		}
		commit := r.CommitIndex() // before the term: what a node knows in a term, or before it, is in the log of that term's leader
		for _, a := range h.due(r.CurrentTerm(), commit) {
			under.Go(func() { h.announce(a) })
		}
	}
}

// watch wakes run for what this node applies: before that, it knew it to be committed.
func (h *herald) watch(ctx context.Context, log *eventlog.Log) {
	for applied := log.Applied(); ; h.wake() {
		var err error
		if applied, err = log.Wait(ctx, applied); err != nil {
			return
		}
	}
}
