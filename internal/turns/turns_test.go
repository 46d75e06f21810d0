package turns

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// Somebody with one reader gets a third of the turns or more, however many somebody else has: while he writes to his
// peer he does not wait.
func TestUsersTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns, count := New[int](1, 1), map[int]int{}
		var readers sync.WaitGroup
		end := time.Now().Add(10 * time.Second)
		for i := range 1001 {
			user := min(i, 1)
			readers.Go(func() {
				for time.Now().Before(end) {
					if err := turns.Take(t.Context(), user); err != nil {
						t.Error(err)
						return
					}
					count[user]++ // one at a time
					for began := time.Now(); !turns.Over(began) && time.Since(began) < 5*length; {
						time.Sleep(length / 4)
					}
					turns.Give(user)
					if user == 0 {
						time.Sleep(length / 4) // writes
					}
				}
			})
		}
		readers.Wait()
		if alone, many := count[0], count[1]; alone < 3000 || many < 3000 {
			t.Errorf("one reader had %d turns, a thousand %d", alone, many)
		}
		idle(t, turns, 1)
	})
}

// idle checks that everybody has gone.
func idle(t *testing.T, turns *Turns[int], workers int) {
	t.Helper()
	if turns.free != workers || len(turns.queues) != 0 || len(turns.users) != 0 || len(turns.taken) != 0 {
		t.Errorf("in the end %d of %d are free, there are %d queues, %d users", turns.free, workers, len(turns.queues),
			len(turns.taken))
	}
}

// One user who waits for long leaves workers to others, and never has more than theirs.
func TestOneUserLeavesWorkersToOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := New[int](4, 2)
		var at, most atomic.Int64 // two at a time
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				if err := turns.Take(t.Context(), 1); err != nil {
					t.Error(err)
				}
				if now := at.Add(1); now > most.Load() {
					most.Store(now)
				}
				time.Sleep(time.Hour)
				at.Add(-1)
				turns.Give(1)
			})
		}
		synctest.Wait()
		began := time.Now()
		for range 10 {
			if err := turns.Take(t.Context(), 2); err != nil {
				t.Error(err)
			}
			turns.Give(2)
		}
		if waited := time.Since(began); waited > 0 {
			t.Errorf("somebody else waited for %v", waited)
		}
		all.Wait()
		if took := time.Since(began); most.Load() != 2 || took != 50*time.Hour {
			t.Errorf("100 hours took %v, %d at a time; want 2", took, most.Load())
		}
		idle(t, turns, 4)
	})
}

// Who goes away while he waits leaves the queue, and takes no turn with him.
func TestWhoGoesAwayTakesNoTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := New[int](1, 1)
		if err := turns.Take(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var waiting sync.WaitGroup
		for range 10 {
			waiting.Go(func() {
				if err := turns.Take(ctx, 2); !errors.Is(err, context.Canceled) {
					t.Errorf("%v, want %v", err, context.Canceled)
				}
			})
		}
		waiting.Go(func() {
			if err := turns.Take(t.Context(), 2); err != nil {
				t.Error(err)
			}
			turns.Give(2)
		})
		synctest.Wait()
		cancel()
		turns.Give(1) // at the same time
		waiting.Wait()
		idle(t, turns, 1)
	})
}

// order is in which order users have the only turn who come one after the other while 0 has it.
func order(t *testing.T, turns *Turns[int], users ...int) (got []int) {
	t.Helper()
	if err := turns.Take(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for _, user := range users {
		all.Go(func() {
			if err := turns.Take(t.Context(), user); err != nil {
				t.Error(err)
			}
			got = append(got, user)
			turns.Give(user)
		})
		synctest.Wait()
	}
	turns.Give(0)
	all.Wait()
	return got
}

// Of those who wait, the one goes next who goes before the others, however long these have waited.
func TestRankGoesBeforeWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := NewRanked(1, 1, func(_, a, b int) bool { return a < b })
		if got := order(t, turns, 5, 3, 4, 1); !slices.Equal(got, []int{1, 3, 4, 5}) {
			t.Errorf("the order is %v", got)
		}
	})
}

// The rank may depend on who has had the turn before: the even and the odd take turns, whatever comes first.
func TestRankKnowsWhoWasLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := NewRanked(1, 1, func(last, a, b int) bool {
			if a%2 != b%2 {
				return a%2 != last%2
			}
			return a < b
		})
		if got := order(t, turns, 2, 4, 6, 5, 8, 3); !slices.Equal(got, []int{3, 2, 5, 4, 6, 8}) {
			t.Errorf("the order is %v", got)
		}
	})
}
