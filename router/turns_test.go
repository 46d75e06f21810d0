package router

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hpfriends/graph"
)

// Somebody with one reader gets every second turn, however many somebody else has.
func TestUsersTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns, count := newTurns(1), map[graph.UserID]int{}
		var readers sync.WaitGroup
		end := time.Now().Add(10 * time.Second)
		for i := range 1001 {
			user := graph.UserID(min(i, 1))
			readers.Go(func() {
				turns.take(user)
				for began := time.Now(); began.Before(end); began = turns.pass(user, began) {
					count[user]++ // one at a time
					time.Sleep(turnTime)
				}
				turns.give()
			})
		}
		readers.Wait()
		if alone, many := count[0], count[1]; alone < 4900 || many < 4900 {
			t.Errorf("one reader had %d turns, a thousand %d", alone, many)
		}
		if turns.free != 1 || len(turns.queues) != 0 || len(turns.users) != 0 {
			t.Errorf("in the end there are %d turns, %d queues", turns.free, len(turns.queues))
		}
	})
}
