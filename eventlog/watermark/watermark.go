// Package watermark has a number that only rises, and those who wait for it. Any number of goroutines may use it.
package watermark

import (
	"context"
	"sync"
	"sync/atomic"
)

// Watermark is the number; the zero value is 0. A waiter costs nothing while it waits: all of them hang on one channel,
// which is made when somebody waits and closed when the number rises.
type Watermark struct {
	value  atomic.Uint64
	mu     sync.Mutex
	risen  chan struct{} // nil: nobody waits
	closed error         // what Wait returns when no more comes
}

// Load returns the number.
func (w *Watermark) Load() uint64 { return w.value.Load() }

// Raise sets the number, and wakes who waits.
func (w *Watermark) Raise(v uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.value.Store(v)
	w.wake()
}

// Close ends all waiting with an error.
func (w *Watermark) Close(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = err
	w.wake()
}

func (w *Watermark) wake() {
	if w.risen != nil {
		close(w.risen)
		w.risen = nil
	}
}

// Wait returns the number as soon as it is above after, or the error of ctx or of Close.
func (w *Watermark) Wait(ctx context.Context, after uint64) (uint64, error) {
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

func (w *Watermark) subscribe(after uint64) (<-chan struct{}, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.value.Load() > after {
		return nil, nil // it rose meanwhile
	}
	if w.closed != nil {
		return nil, w.closed
	}
	if w.risen == nil {
		w.risen = make(chan struct{})
	}
	return w.risen, nil
}
