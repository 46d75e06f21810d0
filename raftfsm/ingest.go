package raftfsm

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"time"

	"hpfriends/eventlog/entry"
)

const (
	batchBytes = 256 << 10            // a batch closes at this size; a larger frame is a batch of its own
	batchAge   = 2 * time.Millisecond // or when its first frame has waited this long
	maxFlights = 8                    // proposals under way
	maxPending = 64 << 20             // bytes of all connections that are not committed
)

// MaxMessage is the largest payload that the layers below take: a frame of it is a batch, which is stored, and handed
// to the leader, in one piece.
const MaxMessage = 32 << 20

// ErrTooLarge is why a run is not taken that no batch can hold.
var ErrTooLarge = errors.New("raftfsm: larger than a batch can be")

// Ingest collects the frames of all connections into batches. Each batch has a sequence number and enters the log once,
// in order, however often it has to be proposed.
type Ingest struct {
	node      *Node
	session   [16]byte
	committed Observer // nil: nobody

	mu      sync.Mutex
	open    *batch
	closed  []*batch      // full, in order
	pending int           // bytes from Publish to commit
	room    chan struct{} // closed and replaced when pending falls

	wake chan struct{} // a batch has begun or is full

	seq   uint64        // owned by Run
	pause time.Duration // before the next retry; owned by Run
}

// batch is being filled, then proposed.
type batch struct {
	builder entry.Builder
	began   time.Time
	parts   []part
}

// part is what one source put into a batch.
type part struct {
	source       *Source
	bytes, count int
}

// NewIngest returns an Ingest that proposes through n. Run must be running for Publish to make progress. committed is
// told how long each batch took from its first proposal until the leader had applied it; nil: nobody is.
func NewIngest(n *Node, committed Observer) *Ingest {
	in := &Ingest{node: n, committed: committed, wake: make(chan struct{}, 1), room: make(chan struct{})}
	rand.Read(in.session[:])
	return in
}

// Publish takes a run of count complete PUBLISH frames of one channel, which it copies. It blocks while the source's
// window or the node's is full, until ctx is done. On an almost full disk it is ErrDiskFull. The caller has checked the
// right to publish.
func (in *Ingest) Publish(ctx context.Context, s *Source, channel string, frames []byte, count int) error {
	if len(frames) > entry.MaxBatchBytes {
		return ErrTooLarge
	}
	if err := in.node.Full(); err != nil {
		return err
	}
	if err := in.reserve(ctx, s, len(frames)); err != nil {
		return err
	}
	now, stamp := time.Now(), in.node.clock.Now()
	in.mu.Lock()
	if in.open != nil && in.open.builder.Size()+len(frames) > batchBytes {
		in.rotate()
	}
	if in.open == nil {
		in.open = &batch{began: now}
	}
	b := in.open
	b.builder.Add(channel, s.Authkey, s.Origin, stamp.UnixMilli(), s.Remote, frames, count)
	if i := len(b.parts) - 1; i >= 0 && b.parts[i].source == s {
		b.parts[i].bytes += len(frames)
		b.parts[i].count += count
	} else {
		b.parts = append(b.parts, part{s, len(frames), count})
	}
	first := b.builder.Size() == len(frames)
	if b.builder.Size() >= batchBytes {
		in.rotate()
		first = true
	}
	in.mu.Unlock()
	if first {
		in.signal()
	}
	return nil
}

// reserve waits for room in both windows.
func (in *Ingest) reserve(ctx context.Context, s *Source, size int) error {
	for {
		wait := s.reserve(size)
		if wait == nil {
			if wait = in.reserveAll(size); wait == nil {
				return nil
			}
			s.release(size, 0)
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (in *Ingest) reserveAll(size int) <-chan struct{} {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.pending > 0 && in.pending+size > maxPending {
		return in.room
	}
	in.pending += size
	return nil
}

// rotate closes the open batch. The caller holds mu.
func (in *Ingest) rotate() {
	in.closed = append(in.closed, in.open)
	in.open = nil
}

func (in *Ingest) signal() {
	select {
	case in.wake <- struct{}{}:
	default:
	}
}

// take returns the next batch that is due, or how long until one will be (0: nothing waits).
func (in *Ingest) take(idle bool) (*batch, time.Duration) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.closed) > 0 {
		b := in.closed[0]
		in.closed = in.closed[1:]
		return b, 0
	}
	if in.open == nil {
		return nil, 0
	}
	if left := batchAge - time.Since(in.open.began); !idle && left > 0 {
		return nil, left
	}
	b := in.open
	in.open = nil
	return b, 0
}

// settle gives the bytes of a committed batch back to those who wait for room.
func (in *Ingest) settle(b *batch) {
	total := 0
	for _, p := range b.parts {
		p.source.release(p.bytes, p.count)
		total += p.bytes
	}
	in.mu.Lock()
	in.pending -= total
	close(in.room)
	in.room = make(chan struct{})
	in.mu.Unlock()
}

// busyBytes are more than wait while the node keeps up with what is published.
const busyBytes = 1 << 20

// Busy reports whether connections publish as fast as this node takes it, or faster.
func (in *Ingest) Busy() bool { return in.Pending() >= busyBytes }

// Pending is the number of bytes that were taken and are not committed yet.
func (in *Ingest) Pending() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.pending
}
