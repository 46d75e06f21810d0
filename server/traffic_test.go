package server

import (
	"testing"
	"time"

	"hpfriends/query/view"
)

// Rates are of the last ten seconds, and of what there is before.
func TestTrafficIsOfTheLastSeconds(t *testing.T) {
	var m traffic
	begin := time.Now()
	if got := m.Now(); got != (view.Traffic{}) {
		t.Errorf("before the first look: %+v", got)
	}
	at := func(second int, count uint64) view.Traffic {
		return m.add(sample{begin.Add(time.Duration(second) * time.Second), count, 2 * count, 100 * count, 200 * count})
	}
	at(0, 0)
	if got := at(2, 10); got != (view.Traffic{MessagesIn: 5, MessagesOut: 10, BytesIn: 500, BytesOut: 1000}) {
		t.Errorf("after two seconds: %+v", got)
	}
	for i := 3; i <= 3+measured; i++ {
		at(i, 10)
	}
	if got := m.Now(); got != (view.Traffic{}) {
		t.Errorf("when nothing has come for long: %+v", got)
	}
}
