package router

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hpfriends/graph"
)

// Somebody with one reader gets a third of the turns or more, however many somebody else has: while he writes to his
// peer he does not wait.
func TestUsersTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns, count := newTurns(1), map[graph.UserID]int{}
		var readers sync.WaitGroup
		end := time.Now().Add(10 * time.Second)
		for i := range 1001 {
			user := graph.UserID(min(i, 1))
			readers.Go(func() {
				for time.Now().Before(end) {
					turns.take(user)
					count[user]++ // one at a time
					for began := time.Now(); !turns.over(began) && time.Since(began) < 5*turnTime; {
						time.Sleep(turnTime / 4)
					}
					turns.give()
					if user == 0 {
						time.Sleep(turnTime / 4) // writes
					}
				}
			})
		}
		readers.Wait()
		if alone, many := count[0], count[1]; alone < 3000 || many < 3000 {
			t.Errorf("one reader had %d turns, a thousand %d", alone, many)
		}
		if turns.free != 1 || len(turns.queues) != 0 || len(turns.users) != 0 {
			t.Errorf("in the end there are %d turns, %d queues", turns.free, len(turns.queues))
		}
	})
}
