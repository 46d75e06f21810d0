package transport

import (
	"errors"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"hpfriends/eventlog"
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
	bytes int                           // a second
	read  func(uint64, *raft.Log) error // an entry of this node's log; nil: requests are not lengthened

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

func newThrottle(c Base, read func(uint64, *raft.Log) error) *throttle {
	return &throttle{
		Base: c, bytes: catchUpPerCore * runtime.GOMAXPROCS(0), read: read, next: make(map[raft.ServerID]time.Time),
	}
}

// AppendEntries sends a request, in pieces when nobody waits for it. Each piece is a whole request that stands behind
// what the one before has brought. The first that fails is the answer. Where entries are small the request becomes
// longer, so that a piece of them has as many bytes as one of others.
func (t *throttle) AppendEntries(
	id raft.ServerID, at raft.ServerAddress, req *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse,
) error {
	t.pass(req)
	if err := whole(req.Entries); err != nil {
		return err
	}
	more := t.lengthen(req)
	n := pieceOf(req)
	if n == len(req.Entries) && !more {
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

// maxLonger bounds the entries that are added to a request: those without data count no bytes.
const maxLonger = 4096

// lengthen adds to a request, all of which is committed, what is committed behind it, until its last piece is full.
// raft sends 64 entries at a time whatever their size, each time for one sync and one answer. It reports whether there
// is more than that, so that the follower is far behind.
//
// raft reads the entries of the request when it was answered, and then knows that the follower has these too. What is
// committed is the same in every log, and for ever: raft could have made this request itself.
func (t *throttle) lengthen(req *raft.AppendEntriesRequest) (more bool) {
	all := len(req.Entries)
	if t.read == nil || all == 0 || req.Entries[all-1].Index >= req.LeaderCommitIndex {
		return false
	}
	size := 0 // of the last piece
	for _, e := range req.Entries {
		if size += len(e.Data); size > pieceBytes {
			size = len(e.Data)
		}
	}
	last := req.Entries[all-1]
	for range maxLonger {
		if last.Index == req.LeaderCommitIndex {
			return false
		}
		next := new(raft.Log)
		if t.read(last.Index+1, next) != nil || next.Index != last.Index+1 || next.Term < last.Term || standIn(next) {
			return false // raft will meet it, and knows what to do
		}
		if size += len(next.Data); size > pieceBytes {
			return true
		}
		req.Entries, last = append(req.Entries, next), next
	}
	return true
}

// errCut is why a request is not sent.
var errCut = errors.New("transport: the beginning of the log was removed while raft read it")

// whole is errCut when not all entries are what was stored.
func whole(entries []*raft.Log) error {
	if slices.ContainsFunc(entries, standIn) {
		return errCut
	}
	return nil
}

// standIn reports whether raft was given the term only: the log answers so for the entry before its beginning, which
// may move while raft reads one entry after the other.
func standIn(e *raft.Log) bool { return string(e.Extensions) == eventlog.TermOnly }

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
