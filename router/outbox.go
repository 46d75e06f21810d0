package router

import (
	"encoding/binary"
	"net"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph/version"
)

// sendBytes is about how much one Send is given at most: a revocation cannot take back what was given to it.
const sendBytes = 1 << 20

// outbox is what waits for a subscriber.
type outbox struct {
	queue    []item
	charged  int    // bytes of memory that the queue holds on to
	pinned   uint64 // newest entry whose batch the queue references
	liveFrom uint64 // the tail offers entries from here on
	lagging  bool   // a reader reads the log from lagAt
	lagAt    eventlog.Position
	from     *version.Version // in force at or before the first frame queued, or lagAt
	writing  bool             // the writer goroutine runs
	closed   bool
}

// item is some frames, either a part of a batch or a copy.
type item struct {
	pos    eventlog.Position // of its first message
	next   eventlog.Position // after its last
	frames []byte
	count  int // messages
	charge int
	own    bool // a copy that may be appended to
}

// offer queues a run of the entry index, whose batch holds batchSize bytes in memory. The router holds its mu.
func (s *Subscriber) offer(index uint64, run *entry.Run, batchSize int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.lagging || index < s.liveFrom {
		return
	}
	pos := eventlog.Position{Index: index, Offset: run.First}
	if len(s.queue) == 0 {
		s.from = s.router.version
	}
	if s.readerOnly > 0 {
		s.catchUpFrom(pos)
		return
	}
	if !s.fits(len(run.Frames)) || s.router.memory.short() {
		s.router.lags.Add(1)
		s.catchUpFrom(pos)
		return
	}
	s.pieces(
		pos, run, func(p eventlog.Position, frames []byte, count int) { s.enqueue(p, frames, count, batchSize) },
		func(_ eventlog.Position, size int) { s.peer.Events.Skipped(run, size, false) },
	)
	s.start()
}

func (s *Subscriber) fits(n int) bool {
	return len(s.queue) == 0 || s.charged+n <= s.router.config.OutboxBytes
}

// catchUpFrom makes a live subscriber a reader of the log from pos on. The caller holds mu and router.mu.
func (s *Subscriber) catchUpFrom(pos eventlog.Position) {
	if s.lagging || s.closed {
		return
	}
	if pos.Index < s.liveFrom { // a reader was ahead of the router
		pos = eventlog.Position{Index: s.liveFrom}
	}
	s.lagging, s.lagAt = true, pos
	s.router.lagging.Add(1)
	if len(s.queue) == 0 {
		s.from = s.router.version
	}
	s.start()
}

// takeBack gives the queued frames back to the log, because the graph has taken something away. The router holds its
// mu.
func (s *Subscriber) takeBack() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) == 0 || s.closed {
		return
	}
	first := s.queue[0].pos
	if s.lagging {
		s.lagAt = first // what was queued lies before lagAt
	} else {
		s.router.lags.Add(1)
		s.catchUpFrom(first)
	}
	s.queue, s.pinned = nil, 0
	s.charge(-s.charged)
}

// charge counts bytes that the queue holds on to. The caller holds mu.
func (s *Subscriber) charge(n int) {
	s.charged += n
	s.router.memory.queued.Add(int64(n))
}

// pieces yields the parts of a run whose frames are within the subscriber's limit, and tells of those that are not.
func (s *Subscriber) pieces(
	pos eventlog.Position, run *entry.Run,
	yield func(eventlog.Position, []byte, int), skipped func(eventlog.Position, int),
) {
	if len(run.Frames) <= s.limit {
		yield(pos, run.Frames, int(run.Count))
		return
	}
	begin, count := 0, 0
	for at := 0; at < len(run.Frames); {
		n := frameLen(run.Frames[at:])
		if n > s.limit {
			if count > 0 {
				yield(pos, run.Frames[begin:at], count)
			}
			pos.Offset += uint32(count)
			skipped(pos, n)
			pos.Offset++
			begin, count = at+n, 0
		} else {
			count++
		}
		at += n
	}
	if count > 0 {
		yield(pos, run.Frames[begin:], count)
	}
}

// push queues frames. A piece that is a good part of its batch is referenced; of others a copy is kept, so that a few
// small messages do not hold on to many batches.
func (s *Subscriber) enqueue(pos eventlog.Position, frames []byte, count, batchSize int) {
	next := eventlog.Position{Index: pos.Index, Offset: pos.Offset + uint32(count)}
	if len(frames)*8 >= batchSize {
		charge := 0
		if s.pinned != pos.Index {
			s.pinned, charge = pos.Index, batchSize
		}
		s.charge(charge)
		s.queue = append(s.queue, item{pos: pos, next: next, frames: frames, count: count, charge: charge})
		return
	}
	s.charge(len(frames))
	if i := len(s.queue) - 1; i >= 0 && s.queue[i].own && len(s.queue[i].frames) < sendBytes/4 {
		it := &s.queue[i]
		it.frames = append(it.frames, frames...)
		it.count += count
		it.charge += len(frames)
		it.next = next
		return
	}
	s.queue = append(s.queue, item{pos, next, append([]byte(nil), frames...), count, len(frames), true})
}

// start makes sure that the writer runs. The caller holds mu.
func (s *Subscriber) start() {
	if !s.writing {
		s.writing = true
		s.writers.Go(s.write)
	}
}

// write is the writer: it ends when nothing is left to do. At most one runs.
func (s *Subscriber) write() {
	for {
		t := s.dequeue()
		var err error
		switch {
		case len(t.bufs) > 0:
			err = s.send(t)
		case t.lagging:
			err = s.catchUp()
		default:
			return
		}
		if err != nil { // what Send returns, its connection knows
			s.Close()
		}
	}
}

// sending is what one Send is given.
type sending struct {
	bufs    net.Buffers
	held    int               // bytes that bufs hold on to
	count   int               // messages
	next    eventlog.Position // what is before it has been sent then
	lagging bool              // the log is to be read, when there are no bufs
}

func (s *Subscriber) send(t sending) error {
	s.router.memory.inHand.Add(int64(t.held))
	defer s.router.memory.inHand.Add(-int64(t.held))
	if err := s.peer.Conn.Send(t.bufs); err != nil {
		return err
	}
	if s.peer.Sent != nil {
		s.peer.Sent(t.next)
	}
	s.received.Add(uint64(t.count))
	s.router.delivered.Add(uint64(t.count))
	return nil
}

// dequeue takes a portion off the queue. With nothing to do it ends the writer.
func (s *Subscriber) dequeue() (t sending) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, taken, portion := 0, 0, s.router.memory.portion()
	for n < len(s.queue) && taken < portion {
		it := &s.queue[n]
		t.bufs = append(t.bufs, it.frames)
		t.count, t.next, t.held = t.count+it.count, it.next, t.held+it.charge
		taken += len(it.frames)
		n++
	}
	s.charge(-t.held)
	if n == len(s.queue) {
		s.queue = nil // also gives the memory of a burst back
	} else {
		s.queue = s.queue[n:]
	}
	if s.closed || n == 0 && !s.lagging {
		s.writing = false
		return sending{}
	}
	t.lagging = s.lagging
	return t
}

// frameLen is the length of the first hpfeeds frame, header included.
func frameLen(frames []byte) int { return int(binary.BigEndian.Uint32(frames)) }
