package raftfsm

import (
	"runtime"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

const (
	// pieceBytes are sent and synced at once to a follower that is far behind.
	pieceBytes = 1 << 20
	// pacePerCore is how much of that is sent, in bytes a second for each core, while messages come. Every byte costs both ends time of
	// a core, and nodes may share a machine.
	pacePerCore = 8 << 20
	// restMost bounds the pause after a piece that took long; else it is at least twice as long as that took.
	restMost = 250 * time.Millisecond
	// lately is how long after a commit messages are thought to come.
	lately = time.Second
)

// pacer is a transport that brings a follower up in small pieces, so that messages come first. raft sends up to 64 entries at once,
// 16 MiB, which a follower stores in one sync: whoever shares its disk, and everything else that it has to answer, waits that
// long. What is not committed is never held up; nor is what is, when nothing else is being committed: perhaps this follower is
// the one that is needed. And it gets at least twice as much as is being committed, as far as it takes that: else it would never arrive.
type pacer struct {
	carrier
	bytes int // a second

	mu      sync.Mutex
	term    uint64
	commit  uint64    // newest in that term
	moved   time.Time // when it last did; not the first that was seen
	newest  uint64    // of the entries that were not committed when they were sent
	news    int       // bytes of these
	courses map[raft.ServerID]*course
}

// course is how a follower comes along.
type course struct {
	news int       // before the last request in pieces
	got  int       // bytes of it
	ease float64   // how much of its pauses it has, 0 to 1
	next time.Time // when the next piece may be sent
}

func newPacer(c carrier) *pacer {
	return &pacer{carrier: c, bytes: pacePerCore * runtime.GOMAXPROCS(0), courses: make(map[raft.ServerID]*course)}
}

// AppendEntries sends a request, in pieces when nobody waits for it. Each is a whole request: it stands behind what the one before
// has brought. The first that fails is the answer.
func (p *pacer) AppendEntries(id raft.ServerID, at raft.ServerAddress, req *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	p.pass(req)
	n := pieceOf(req)
	if n == len(req.Entries) {
		return p.carrier.AppendEntries(id, at, req, resp)
	}
	p.request(id, sizeOf(req.Entries))
	for rest := *req; len(rest.Entries) > 0; n = pieceOf(&rest) {
		piece := rest
		piece.Entries = rest.Entries[:n]
		time.Sleep(p.pause(id))
		begin := time.Now()
		*resp = raft.AppendEntriesResponse{}
		if err := p.carrier.AppendEntries(id, at, &piece, resp); err != nil || !resp.Success {
			return err
		}
		p.sent(id, sizeOf(piece.Entries), time.Since(begin))
		last := piece.Entries[n-1]
		rest.PrevLogEntry, rest.PrevLogTerm, rest.Entries = last.Index, last.Term, rest.Entries[n:]
	}
	return nil
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

func sizeOf(entries []*raft.Log) (bytes int) {
	for _, e := range entries {
		bytes += len(e.Data)
	}
	return bytes
}

// pass notes what is being committed: it is sent to every follower, here for the first time or again.
func (p *pacer) pass(req *raft.AppendEntriesRequest) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch commit := req.LeaderCommitIndex; {
	case req.Term > p.term:
		p.term, p.commit, p.moved = req.Term, commit, time.Time{}
	case req.Term == p.term && commit > p.commit:
		p.commit, p.moved = commit, time.Now()
	}
	for _, e := range req.Entries {
		if e.Index > req.LeaderCommitIndex && e.Index > p.newest {
			p.newest, p.news = e.Index, p.news+len(e.Data)
		}
	}
}

// request begins one in pieces. Pauses get short fast while a follower does not get twice what is new, and long slowly.
func (p *pacer) request(id raft.ServerID, size int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, known := p.courses[id]
	switch {
	case !known:
		c = &course{ease: 1}
		p.courses[id] = c
	case 2*(p.news-c.news) > c.got:
		c.ease /= 2
	default:
		c.ease = min(1, c.ease+0.125)
	}
	c.news, c.got = p.news, size
}

// pause is how long a piece has to wait: for nothing, when nothing was committed lately.
func (p *pacer) pause(id raft.ServerID) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.moved) > lately {
		return 0
	}
	return time.Until(p.courses[id].next)
}

// sent notes a piece, and when the next may follow.
func (p *pacer) sent(id raft.ServerID, size int, took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.courses[id]
	rest := max(min(2*took, restMost), time.Duration(size)*time.Second/time.Duration(p.bytes)-took)
	c.next = time.Now().Add(time.Duration(c.ease * float64(rest)))
}
