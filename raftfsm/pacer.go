package raftfsm

import (
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

const (
	// pieceBytes are sent and synced at once to a follower that is far behind.
	pieceBytes = 1 << 20
	// restMost bounds the pause after a piece, twice as long as that took.
	restMost = 250 * time.Millisecond
)

// pacer is a transport that brings a follower up in small pieces, so that messages come first. raft sends up to 64 entries at once,
// 16 MiB, which a follower stores in one sync: whoever shares its disk, and everything else that it has to answer, waits that
// long. What is not committed is never held up; nor is what is, when nothing else is being committed: perhaps this follower is
// the one that is needed.
type pacer struct {
	carrier
	mu     sync.Mutex
	commit map[raft.ServerID]uint64 // at the last request in pieces
}

func newPacer(c carrier) *pacer { return &pacer{carrier: c, commit: make(map[raft.ServerID]uint64)} }

// AppendEntries sends a request, in pieces when nobody waits for it. Each is a whole request: it stands behind what the one before
// has brought. The first that fails is the answer.
func (p *pacer) AppendEntries(id raft.ServerID, at raft.ServerAddress, req *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	rest := *req
	n := pieceOf(&rest)
	busy := n < len(rest.Entries) && p.moves(id, req.LeaderCommitIndex)
	for ; n < len(rest.Entries); n = pieceOf(&rest) {
		piece := rest
		piece.Entries = rest.Entries[:n]
		begin := time.Now()
		*resp = raft.AppendEntriesResponse{}
		if err := p.carrier.AppendEntries(id, at, &piece, resp); err != nil || !resp.Success {
			return err
		}
		if busy {
			time.Sleep(min(2*time.Since(begin), restMost))
		}
		last := piece.Entries[n-1]
		rest.PrevLogEntry, rest.PrevLogTerm, rest.Entries = last.Index, last.Term, rest.Entries[n:]
	}
	*resp = raft.AppendEntriesResponse{}
	return p.carrier.AppendEntries(id, at, &rest, resp)
}

// pieceOf is how many entries of a request make a piece: all that is left, when not all of them are committed.
func pieceOf(req *raft.AppendEntriesRequest) int {
	all := len(req.Entries)
	if all == 0 || req.Entries[all-1].Index > req.LeaderCommitIndex {
		return all
	}
	size := 0
	for n, e := range req.Entries {
		if size += len(e.Data); size > pieceBytes {
			return max(n, 1)
		}
	}
	return all
}

// moves is whether something was committed since the last request in pieces to this follower.
func (p *pacer) moves(id raft.ServerID, commit uint64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	before, known := p.commit[id]
	p.commit[id] = commit
	return known && commit > before
}
