package raftfsm

import (
	"context"
	"fmt"
	"sync"
	"time"
)

const (
	// sequenceWait is how long a batch waits at the leader for those before it.
	sequenceWait = 250 * time.Millisecond
	maxQueues    = 256
	queueLife    = time.Minute
)

// sequencer puts the batches that other nodes forward in order: those of one session travel side by side and overtake
// each other, and the FSM takes only the next. One that comes too early waits; what it waits for in vain is refused
// before it takes room in the log.
type sequencer struct {
	mu     sync.Mutex
	queues map[[16]byte]*queue
}

// queue is one session at this leader.
type queue struct {
	next  uint64 // the batch that may be enqueued next; 0: unknown
	busy  bool   // one is being enqueued
	moved chan struct{}
	used  time.Time
}

// enter waits for the turn of a batch. first is the oldest batch that its node waits for: what is before it is
// committed, so its turn is always now. The caller enqueues the batch and then calls leave. If it could not be
// enqueued, those behind it are refused by the FSM and all come again, from the first on.
func (s *sequencer) enter(ctx context.Context, session [16]byte, seq, first uint64) (leave func(), err error) {
	late := time.NewTimer(sequenceWait)
	defer late.Stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.queue(session)
	for l.busy || seq != first && seq != l.next {
		moved := l.moved
		s.mu.Unlock()
		select {
		case <-moved:
			err = nil
		case <-late.C:
			err = fmt.Errorf("batch %d came without those before it", seq)
		case <-ctx.Done():
			err = ctx.Err()
		}
		s.mu.Lock()
		if err != nil {
			return nil, err
		}
	}
	l.busy = true
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		l.busy, l.next = false, seq+1
		close(l.moved)
		l.moved = make(chan struct{})
	}, nil
}

// queue finds or makes a session's. s.mu is held.
func (s *sequencer) queue(session [16]byte) *queue {
	now := time.Now()
	l := s.queues[session]
	if l == nil {
		if s.queues == nil {
			s.queues = make(map[[16]byte]*queue)
		}
		for id, old := range s.queues {
			if len(s.queues) >= maxQueues && !old.busy && now.Sub(old.used) > queueLife {
				delete(s.queues, id) // who still waits in it is refused in time
			}
		}
		l = &queue{moved: make(chan struct{})}
		s.queues[session] = l
	}
	l.used = now
	return l
}
