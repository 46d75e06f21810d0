package web

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// However many strangers ask whether the node is ready, the cluster is asked once at a time, and ten times a second at
// most; nobody gets an old answer.
func TestReadinessIsAskedForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var checks, answers atomic.Int64
		unready := errors.New("no leader")
		r := newReadiness(func(context.Context) error {
			checks.Add(1)
			time.Sleep(10 * time.Millisecond)
			return unready
		})
		for range 1000 {
			go func() {
				if errors.Is(r.ask(t.Context()), unready) {
					answers.Add(1)
				}
			}()
		}
		time.Sleep(50 * time.Millisecond)
		synctest.Wait()
		if checks.Load() != 1 || answers.Load() != 1000 {
			t.Errorf("%d checks and %d answers, want 1 and 1000", checks.Load(), answers.Load())
		}
		unready = nil
		time.Sleep(readyFresh)
		if err := r.ask(t.Context()); err != nil || checks.Load() != 2 {
			t.Errorf("later: %v after %d checks", err, checks.Load())
		}
	})
}
