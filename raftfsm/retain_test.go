package raftfsm

import (
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/raftfsm/retention"
)

const day = 24 * time.Hour

// A clock that is three years ahead for three seconds removes nothing. Where it stays and is believed, what it would
// remove is more than usual, and waits: people can hold it.
func TestStepOfTheClockRemovesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var off atomic.Int64
		wall := func() time.Time { return time.Now().Add(time.Duration(off.Load())) }
		policy := retention.Policy{Age: 90 * day, Grace: 10 * time.Minute}
		r := openWith(t, t.TempDir(), Config{Wall: wall, Retention: policy})
		r.publish(t, 1, 20, 1000, time.Now())
		r.checkpoint(t)
		after := func(d time.Duration, what string, says ...string) {
			t.Helper()
			time.Sleep(d)
			if got := r.log.Floor(); got != 1 {
				t.Errorf("%s: the floor is %d", what, got)
			}
			all := strings.Join(r.Notices(), "\n")
			if len(says) == 0 && all != "" {
				t.Errorf("%s: there is nothing to know, and people are told %q", what, all)
			}
			for _, text := range says {
				if !strings.Contains(all, text) {
					t.Errorf("%s: people are told %q, not of %q", what, all, text)
				}
			}
		}
		off.Store(int64(3 * 365 * day))
		after(3*time.Second, "for three seconds", "the clock of node "+r.ID())
		off.Store(0)
		after(3*time.Second, "right again")
		off.Store(int64(3 * 365 * day))
		after(11*time.Minute, "for longer than the grace", "more than usual")
		r.mustChange(t, operator, graph.HoldRetention{})
		after(20*time.Minute, "held", "is held")
		e := entry.Floor{Floor: 10, Reason: entry.FloorByAge, Time: wall()}
		if _, err := r.propose(t.Context(), e.Encode()); err != nil {
			t.Fatal(err)
		}
		after(0, "a floor that was on its way when retention was held", "is held")
		r.mustChange(t, operator, graph.ResumeRetention{})
		after(9*time.Minute, "for less than the grace", "more than usual")
		rows := 0
		err := r.log.Scan(eventlog.SpaceLogs, nil, nil, func(_, v []byte) error {
			rows += strings.Count(string(v), "retention status")
			return nil
		})
		if err != nil || rows != 2 { // of each time
			t.Errorf("%d rows tell admins, want one for each wait, %v", rows, err)
		}
		time.Sleep(2 * time.Minute)
		if r.log.Floor() == 1 {
			t.Error("what nobody holds stays after the grace")
		}
	})
}

// What is too old goes in passes of a twentieth each, with a pause between them, and what is young stays.
func TestRetentionByAgeGoesInPasses(t *testing.T) {
	r := openWith(t, t.TempDir(), Config{})
	now := time.Now()
	const each = 2 * day
	var times []time.Duration // ago, of the batch of each index
	for ago := 170 * day; ago > 0; ago -= each {
		r.publish(t, byte(ago/day), 1, 1000, now.Add(-ago))
		for uint64(len(times)) <= r.log.Applied() {
			times = append(times, ago)
		}
	}
	r.checkpoint(t)
	policy := retention.Policy{Age: 90 * day}
	m := retention.Moment{Time: now, Trusted: true}
	waits := retention.NewKeeper(policy, r.log)
	if e, err := waits.Floor(m); e != nil || err != nil || waits.Waiting() == nil {
		t.Fatalf("more than usual does not wait: %v, %v", e, err)
	}
	m.Accepted, m.Clock = graph.Mark{Index: 1, Time: now.Add(-time.Hour)}, now.Add(-time.Hour)
	passes := 0
	for ; ; passes++ {
		k := retention.NewKeeper(policy, r.log)
		e, err := k.Floor(m)
		if err != nil {
			t.Fatal(err)
		}
		if e == nil {
			break
		}
		if again, err := k.Floor(m); again == nil || err != nil {
			t.Errorf("a pass that was not proposed is not tried again: %v, %v", again, err)
		}
		k.Passed(e)
		if again, err := k.Floor(m); again != nil || err != nil {
			t.Errorf("a second pass at once: %v, %v", again, err)
		}
		from := r.log.Floor()
		for from > 1 && times[from] == times[from-1] {
			from++
		}
		if goes := times[from] - times[e.Floor-1]; goes > policy.Age/20+each {
			t.Errorf("pass %d takes %v of messages", passes, goes)
		}
		r.raise(t, e.Floor)
	}
	if passes < 13 {
		t.Errorf("80 days of messages went in %d passes", passes)
	}
	first, err := r.log.Next(everything, 0, 1)
	if err != nil || times[first[0]] > 90*day || times[first[0]] < 90*day-each {
		t.Errorf("the oldest message that is kept is of %v ago, %v", times[first[0]], err)
	}
}

// What became due while it was looked at is usual, however far the passes are behind it, as they are behind a burst.
// What is due all at once is not, also when a clock that is far ahead has stamped what comes first.
func TestBurstIsNotUnusual(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := openWith(t, t.TempDir(), Config{})
		begun := time.Now()
		r.publish(t, 1, 40, 1<<20, begun)
		r.checkpoint(t)
		policy := retention.Policy{Age: time.Hour}
		k := retention.NewKeeper(policy, r.log)
		passes := 0
		for time.Since(begun) < 3*time.Hour {
			time.Sleep(10 * time.Second)
			e, err := k.Floor(retention.Moment{Time: time.Now(), Trusted: true})
			if err != nil || k.Waiting() != nil {
				t.Fatalf("after %s: %v, %+v", time.Since(begun), err, k.Waiting())
			}
			if e != nil && time.Since(begun) > 90*time.Minute { // until then no proposal comes through
				passes++
				k.Passed(e)
				r.raise(t, e.Floor)
			}
		}
		if left := len(messages(t, r.log, r.log.Floor())[1]); left > 0 || passes < 2 {
			t.Errorf("%d messages are left after %d passes", left, passes)
		}

		r.publish(t, 2, 20, 1000, time.Now().Add(30*day))
		r.publish(t, 3, 20, 1000, time.Now())
		r.checkpoint(t)
		time.Sleep(time.Hour)
		again := retention.NewKeeper(policy, r.log)
		m := retention.Moment{Time: time.Now().Add(30 * time.Minute), Trusted: true}
		if e, err := again.Floor(m); e != nil || err != nil || again.Waiting() == nil {
			t.Errorf("more than usual, behind what a clock ahead has stamped, does not wait: %v, %v", e, err)
		}
	})
}

// Whoever accepts says by that what the time is. The command's own time is the one that was expected: a clock that had
// been ahead, and went back, would be far behind it, and the grace off until it got there.
func TestAcceptanceEndsAfterItsGrace(t *testing.T) {
	r := openWith(t, t.TempDir(), Config{})
	now := time.Now()
	r.publish(t, 1, 1, 1000, now.Add(-200*day))
	r.publish(t, 2, 1, 1000, now)
	r.checkpoint(t)
	for right, waits := range map[time.Duration]bool{-25 * time.Hour: true, -time.Hour: false, 25 * time.Hour: true} {
		k := retention.NewKeeper(retention.Policy{Age: 90 * day}, r.log)
		m := retention.Moment{Time: now, Trusted: true}
		m.Accepted, m.Clock = graph.Mark{Index: 1, Time: now.Add(3 * 365 * day)}, now.Add(right)
		e, err := k.Floor(m)
		if err != nil || (k.Waiting() != nil) != waits || (e == nil) != waits {
			t.Errorf("accepted at %s from now: floor %v, waits %+v, %v", right, e, k.Waiting(), err)
		}
	}
}
