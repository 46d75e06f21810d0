package raftfsm

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"hpfriends/eventlog/entry"
	"hpfriends/raftfsm/report"
)

// The first refusal of its kind is in the Logs of every node at once, also while others flood; and however many there
// are, equal ones or each another, and however many owners they concern, the entries of the log are few.
func TestFirstRefusalIsOnEveryNodeAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimulation(t, 5, "n1", "n2", "n3")
		w.form()
		ctx, stop := context.WithCancel(t.Context())
		rec := make(map[string]*Recorder)
		for _, c := range w.up() {
			rec[c.id] = NewRecorder(c.node)
			go rec[c.id].Run(ctx)
		}
		time.Sleep(time.Second)
		shown := func(owner uint64) {
			t.Helper()
			row := entry.Refusal{Owner: owner, Ident: fmt.Sprint("k", owner), Message: "m", Addr: "192.0.2.1"}
			begin := time.Now()
			rec["n3"].Refuse(row)
			for _, c := range w.up() {
				for len(refusals(t, c.log)[owner]) == 0 {
					if late := time.Since(begin); late > 200*time.Millisecond {
						t.Errorf("after %v the row of owner %d is not on %s", late, owner, c.id)
						return
					}
					time.Sleep(time.Millisecond)
				}
			}
		}
		shown(1)
		quiet := w.leader().log.Applied()
		begin := time.Now()
		for i := range 10_000 {
			rec["n3"].Refuse(entry.Refusal{Owner: 1, Ident: "k1", Message: "m", Addr: "192.0.2.1"})
			rec["n3"].Refuse(entry.Refusal{Ident: fmt.Sprint("guess", i), Message: "m"})
			if i == 5001 {
				shown(2)
			}
			time.Sleep(time.Millisecond)
		}
		time.Sleep(2 * report.Every)
		reports := w.leader().log.Applied() - quiet
		// One each two seconds, the first few of the guesses, and one for the second owner.
		if most := uint64(time.Since(begin)/report.Every) + 10; reports > most {
			t.Errorf("%d entries for a flood of %v, want at most %d", reports, time.Since(begin), most)
		}
		rec["n3"].Flush(ctx) // what waits of the kind that went on
		var count uint64
		for _, row := range refusals(t, w.leader().log)[1] {
			count += row.Count
		}
		if count != 10_001 {
			t.Errorf("the rows count %d equal refusals, want 10001", count)
		}
		stop()
		synctest.Wait()
		for _, c := range w.up() {
			c.stop()
		}
	})
}
