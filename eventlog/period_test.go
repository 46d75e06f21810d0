package eventlog

import (
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// One message of a clock that was years ahead lifts all marks behind it. An end is found behind the messages that are
// older all the same, also when it happened twice.
func TestOneWrongClockDoesNotMoveAnEnd(t *testing.T) {
	begin := time.UnixMilli(1_700_000_000_000).UTC()
	l := openLog(t, vfs.NewMem())
	for i := uint64(1); i <= 100; i++ { // a batch each 10 s
		at := begin.Add(time.Duration(i) * 10 * time.Second)
		switch i {
		case 20:
			at = at.AddDate(3, 0, 0)
		case 50:
			at = at.AddDate(5, 0, 0)
		}
		storeLogs(t, l, command(i, 1, batchOf(5*i, at, 100, "c")))
		apply(t, l, i)
	}
	for _, c := range []struct {
		name  string
		until time.Duration
		least uint64 // the first entry that must not be before the end
	}{
		{"before it", 100 * time.Second, 10},
		{"where it was", 200 * time.Second, 20},
		{"behind it", 300 * time.Second, 30},
		{"behind both", 900 * time.Second, 90},
		{"now", 1000 * time.Second, 100},
	} {
		until := begin.Add(c.until)
		end, err := l.EndAt(until)
		if err != nil || end.Index < c.least {
			t.Errorf("%s: the end before %s is %s, %v, want #%d or later", c.name, until, end, err, c.least)
		}
	}
	if end, err := l.EndAt(begin.Add(50 * time.Second)); err != nil || end.Index != 11 {
		t.Errorf("a sound part of the log ends at %s, %v, want #11.0", end, err)
	}
	if end, err := l.EndAt(begin.AddDate(10, 0, 0)); err != nil || end.Index != 101 {
		t.Errorf("the end before a time to come is %s, %v, want #101.0", end, err)
	}
}
