package transport

import (
	"runtime"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

const (
	// pieceBytes are sent and synced at once to a follower that is far behind.
	pieceBytes = 1 << 20
	// catchUpPerCore is how much of that is sent, in bytes a second for each core, while messages come. Every byte costs
	// time of a core at both ends, and nodes may share a machine.
	catchUpPerCore = 16 << 20
	// maxPause bounds the pause after a piece, which is otherwise at least twice as long as the piece took.
	maxPause = 250 * time.Millisecond
	// recently is how long after a commit more messages are expected.
	recently = time.Second
)

// throttle is a transport that brings a follower up in small pieces, so that messages come first. raft sends up to 64
// entries at once, 16 MiB, which a follower stores in one sync: whatever shares its disk, and whatever else it has to
// answer, waits that long. Three things are not held up: what is not committed; what is, while nothing else is being
// committed, since this follower may be the one that is needed; and twice as much as is new, since the follower would
// otherwise never arrive.
type throttle struct {
	Base
	bytes int // a second

	mu     sync.Mutex
	term   uint64
	commit uint64    // newest in that term
	moved  time.Time // when it last did; not the first that was seen
	news   news
	next   map[raft.ServerID]time.Time // when it may be sent a piece
}

// news is how much is new: bytes of entries that were not committed when they were first sent.
type news struct {
	newest      uint64    // entry
	begin       time.Time // of the second that is counted
	now, before int       // in that, and in the one before
}

func newThrottle(c Base) *throttle {
	return &throttle{Base: c, bytes: catchUpPerCore * runtime.GOMAXPROCS(0), next: make(map[raft.ServerID]time.Time)}
}

// AppendEntries sends a request, in pieces when nobody waits for it. Each piece is a whole request that stands behind
// what the one before has brought. The first that fails is the answer.
func (t *throttle) AppendEntries(
	id raft.ServerID, at raft.ServerAddress, req *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse,
) error {
	t.pass(req)
	n := pieceOf(req)
	if n == len(req.Entries) {
		return t.Base.AppendEntries(id, at, req, resp)
	}
	for rest := *req; len(rest.Entries) > 0; n = pieceOf(&rest) {
		piece := rest
		piece.Entries = rest.Entries[:n]
		time.Sleep(t.pause(id))
		begin := time.Now()
		*resp = raft.AppendEntriesResponse{}
		if err := t.Base.AppendEntries(id, at, &piece, resp); err != nil || !resp.Success {
			return err
		}
		t.sent(id, sizeOf(piece.Entries), time.Since(begin))
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
func (t *throttle) pass(req *raft.AppendEntriesRequest) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch commit := req.LeaderCommitIndex; {
	case req.Term > t.term:
		t.term, t.commit, t.moved = req.Term, commit, time.Time{}
	case req.Term == t.term && commit > t.commit:
		t.commit, t.moved = commit, time.Now()
	}
	t.news.count(req)
}

// pause is how long a piece has to wait: for nothing, when nothing was committed recently.
func (t *throttle) pause(id raft.ServerID) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if time.Since(t.moved) > recently {
		return 0
	}
	return time.Until(t.next[id])
}

// sent notes a piece, and when the next may follow.
func (t *throttle) sent(id raft.ServerID, size int, took time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	rest := max(min(2*took, maxPause), span(size, t.bytes)-took)
	if rate := t.news.rate(); rate > 0 {
		rest = min(rest, span(size, 2*rate)-took)
	}
	t.next[id] = time.Now().Add(rest)
}

// span is how long bytes take at so many a second.
func span(bytes, rate int) time.Duration {
	return time.Duration(bytes) * time.Second / time.Duration(rate)
}

// count adds what is new in a request: the same is sent to every follower.
func (n *news) count(req *raft.AppendEntriesRequest) {
	n.turn()
	for _, e := range req.Entries {
		if e.Index > req.LeaderCommitIndex && e.Index > n.newest {
			n.newest, n.now = e.Index, n.now+len(e.Data)
		}
	}
}

// rate is bytes a second.
func (n *news) rate() int {
	n.turn()
	return max(n.now, n.before)
}

// turn begins another second when one is over.
func (n *news) turn() {
	switch past := time.Since(n.begin); {
	case past >= 2*time.Second:
		n.begin, n.now, n.before = time.Now(), 0, 0
	case past >= time.Second:
		n.begin, n.now, n.before = n.begin.Add(time.Second), 0, n.now
	}
}
