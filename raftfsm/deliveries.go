package raftfsm

import (
	"sort"
	"sync"

	"hpfriends/eventlog"
)

// Deliveries translates what the peer of a connection has acknowledged, in bytes, into positions of the log: it
// remembers up to which byte what was sent. It keeps at most one mark for each markEvery bytes that are not safe yet,
// so a position may be told late while much is sent, and never early. All methods may be called from any goroutine.
type Deliveries struct {
	mu    sync.Mutex
	marks []mark            // ascending in both; the first one is safe
	acked eventlog.Position // the newest that was told; its mark may be gone
}

// mark says that what comes before next is within the first sent bytes.
type mark struct {
	sent uint64
	next eventlog.Position
}

// markEvery bounds the memory: some 300 marks for 8 MiB.
const markEvery = 32 << 10

// NewDeliveries begins a connection's deliveries at start, when it has sent sent bytes.
func NewDeliveries(sent uint64, start eventlog.Position) *Deliveries {
	return &Deliveries{marks: []mark{{sent, start}}, acked: start}
}

// Sent says that everything before next has been handed to the kernel, within the first sent bytes of the connection.
// Neither may go back; what does is ignored.
func (d *Deliveries) Sent(sent uint64, next eventlog.Position) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := len(d.marks)
	last := &d.marks[n-1]
	switch {
	case sent < last.sent || next.Compare(last.next) <= 0:
	case n > 1 && last.sent-d.marks[n-2].sent < markEvery:
		*last = mark{sent, next}
	default:
		d.marks = append(d.marks, mark{sent, next})
	}
}

// Acknowledged returns the two positions of a cursor: what comes before acked is within the bytes that the peer's TCP
// has acknowledged, what comes before safe was followed by unread more such bytes. At the end of a connection whose
// peer has read everything, unread is 0.
func (d *Deliveries) Acknowledged(bytes, unread uint64) (acked, safe eventlog.Position) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if p := d.marks[d.before(bytes)].next; p.Compare(d.acked) > 0 {
		d.acked = p
	}
	i := 0
	if bytes > unread {
		i = d.before(bytes - unread)
	}
	d.marks = append(d.marks[:0], d.marks[i:]...)
	return d.acked, d.marks[0].next
}

// before is the newest mark within the first n bytes, or the first.
func (d *Deliveries) before(n uint64) int {
	return max(0, sort.Search(len(d.marks), func(i int) bool { return d.marks[i].sent > n })-1)
}
