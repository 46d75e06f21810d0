package broker

import (
	"fmt"
	"testing"
	"time"

	"hpfriends/graph"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// A user publishes on so many different channels a day; those of today go on, another user is not held back, and the
// next day begins anew.
func TestChannelsOfADayAreCounted(t *testing.T) {
	n := newChannelNames(50)
	count := func(user graph.UserID, prefix string, now time.Time) (taken int) {
		for i := range 500 {
			if n.allow(user, fmt.Sprint(prefix, i), now) {
				taken++
			}
		}
		return taken
	}
	if got := count(1, "a", noon); got != 50 {
		t.Errorf("%d channels are taken, want 50", got)
	}
	if got := count(1, "a", noon.Add(time.Hour)); got != 50 {
		t.Errorf("of those of today %d go on, want 50", got)
	}
	if got := count(1, "b", noon.Add(2*time.Hour)); got != 0 {
		t.Errorf("%d more are taken", got)
	}
	if got := count(2, "a", noon); got != 50 {
		t.Errorf("another user has %d, want 50", got)
	}
	if got := count(1, "b", noon.Add(12*time.Hour)); got != 50 {
		t.Errorf("the next day %d are taken, want 50", got)
	}
	if newChannelNames(0).most != DefaultChannels {
		t.Error("there is no default")
	}
}

// However many users make names up, the memory is bounded, and who comes later still has some.
func TestNamesOfAllUsersAreBounded(t *testing.T) {
	n := newChannelNames(maxNames)
	for i := range maxNames + 10_000 {
		n.allow(graph.UserID(1+i%4), fmt.Sprint(i), noon)
	}
	if n.total > maxNames {
		t.Errorf("%d names are remembered, at most %d", n.total, maxNames)
	}
	taken := 0
	for i := range 1000 {
		if n.allow(99, fmt.Sprint(i), noon) {
			taken++
		}
	}
	if taken < leastNames {
		t.Errorf("who comes later has %d names", taken)
	}
}
