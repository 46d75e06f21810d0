package link

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestRequestWaitsForRoomAndIsRefusedWhenThereIsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f inflow
		b := f.of("n2")
		if f.of("n2") != b || f.of("n3") == b {
			t.Fatal("budgets are not one for each member")
		}
		if err := errors.Join(b.take(t.Context(), MaxRequest), b.take(t.Context(), MaxRequest)); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if err := b.take(t.Context(), 1); !errors.Is(err, ErrNotDone) || time.Since(start) != inflowWait {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		time.AfterFunc(time.Second, func() { b.give(MaxRequest) })
		start = time.Now()
		if err := b.take(context.Background(), MaxRequest); err != nil || time.Since(start) != time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}
