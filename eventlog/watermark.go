package eventlog

import (
	"context"
	"sync"
	"sync/atomic"
)

// watermark is a number that only rises, and those who wait for it. A waiter costs nothing while it waits: all of them
// hang on one channel, which is made when somebody waits and closed when the number rises.
type watermark struct {
	value  atomic.Uint64
	mu     sync.Mutex
	risen  chan struct{} // nil: nobody waits
	closed bool
}

func (w *watermark) load() uint64 { return w.value.Load() }

func (w *watermark) raise(v uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.value.Store(v)
	w.wake()
}

func (w *watermark) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	w.wake()
}

func (w *watermark) wake() {
	if w.risen != nil {
		close(w.risen)
		w.risen = nil
	}
}

// wait returns the value as soon as it is above after.
func (w *watermark) wait(ctx context.Context, after uint64) (uint64, error) {
	for {
		if v := w.value.Load(); v > after {
			return v, nil
		}
		risen, err := w.subscribe(after)
		if err != nil {
			return 0, err
		}
		if risen == nil {
			continue
		}
		select {
		case <-risen:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

func (w *watermark) subscribe(after uint64) (<-chan struct{}, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.value.Load() > after {
		return nil, nil // it rose meanwhile
	}
	if w.closed {
		return nil, ErrClosed
	}
	if w.risen == nil {
		w.risen = make(chan struct{})
	}
	return w.risen, nil
}

// Applied returns the newest index whose Tx is committed. It only rises.
func (l *Log) Applied() uint64 { return l.applied.load() }

// Wait returns Applied as soon as it is above after. It returns ctx's error or ErrClosed otherwise.
func (l *Log) Wait(ctx context.Context, after uint64) (uint64, error) {
	return l.applied.wait(ctx, after)
}
