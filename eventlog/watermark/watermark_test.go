package watermark

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
)

func TestRisingWakesAllWaiters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w Watermark
		var woken atomic.Int64
		for range 100 {
			go func() {
				if v, err := w.Wait(t.Context(), 1); v != 3 || err != nil {
					t.Errorf("wait: %d, %v", v, err)
				}
				woken.Add(1)
			}()
			synctest.Wait() // it waits
		}
		w.Raise(1) // not enough
		synctest.Wait()
		if n := woken.Load(); n != 0 {
			t.Fatalf("%d woke too early", n)
		}
		w.Raise(3)
		synctest.Wait()
		if n := woken.Load(); n != 100 {
			t.Fatalf("%d of 100 woke", n)
		}
	})
}
