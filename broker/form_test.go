package broker

import (
	"testing"

	"hpfriends/eventlog"
	"hpfriends/router"
	"hpfriends/wire/subscription"
)

// What the router writes behind a channel is what clients of ours cut off, whatever a publisher has put there.
func FuzzStampsAreReadBack(f *testing.F) {
	f.Add("c", uint64(812), uint32(4), int64(1_700_000_000_123))
	f.Add("c@1.0@5", uint64(1), uint32(0), int64(1))
	f.Fuzz(func(t *testing.T, channel string, index uint64, offset uint32, millis int64) {
		if channel == "" || len(channel) > subscription.Room || index == 0 || millis == 0 {
			return
		}
		at := eventlog.Position{Index: index, Offset: offset}
		for form, want := range map[router.Form]subscription.Stamp{
			{Positions: true}:              {Position: at},
			{Times: true}:                  {Millis: millis},
			{Positions: true, Times: true}: {Position: at, Millis: millis},
		} {
			stamped := string(form.AppendChannel(nil, "*", channel, at, millis))
			if name, got, ok := subscription.Cut(stamped); !ok || name != channel || got != want {
				t.Errorf("%q: %q, %+v, %t", stamped, name, got, ok)
			}
		}
	})
}
