package subscription

import (
	"strings"
	"testing"

	"hpfriends/eventlog/entry"
)

// The name in a frame has one byte of length: what could not be in it is refused before the first frame.
func TestWhatAFrameCannotHoldIsRefused(t *testing.T) {
	long := func(n int) string { return strings.Repeat("c", n) }
	for text, fits := range map[string]bool{
		long(255):                                     true, // without these options the frame is as it was published
		long(255) + "?since=1h":                       true,
		long(Room) + "?positions=1&times=1":           true,
		long(Room+1) + "?positions=1&times=1":         false,
		long(Room) + "*?positions=1&times=1":          true,
		long(Room+1) + "*?positions=1&times=1":        false,
		long(Room+1) + "?positions=1":                 true,
		long(255) + "?positions=1":                    false,
		long(233) + "?times=1":                        true,
		long(234) + "?times=1":                        false,
		long(255-len("?echo=1")) + "?echo=1":          true,
		long(256-len("?echo=1")) + "?echo=1":          false,
		"c*?echo=1&since=1h":                          true,
		"c?echo=1&times=1":                            false,
		"c?echo=1&positions=1":                        false,
		"c?echo=1&notify=1&from=first&until=%23900.0": true,
	} {
		s, err := Parse(text, testNow)
		if err != nil {
			t.Fatal(err)
		}
		if err = s.Fits(); (err == nil) != fits || err != nil && !strings.HasPrefix(err.Error(), "bad subscription: with ") {
			t.Errorf("%d bytes, %.30q: %v", len(text), text, err)
		}
	}
}

func TestChannelsAreCutFromTheirEnd(t *testing.T) {
	at := entry.Position{Index: 812, Offset: 4}
	for channel, want := range map[string]struct {
		name string
		Stamp
	}{
		"c@812.4":               {"c", Stamp{Position: at}},
		"c@@1700000000123":      {"c", Stamp{Millis: 1700000000123}},
		"c@812.4@1700000000123": {"c", Stamp{at, 1700000000123}},
		"c@@-1":                 {"c", Stamp{Millis: -1}},
		"a@b@1.0@7@812.4@5":     {"a@b@1.0@7", Stamp{at, 5}}, // what looks like one is part of the name
		"@812.4@5":              {"", Stamp{at, 5}},
		"$audit@812.4":          {"$audit", Stamp{Position: at}},
	} {
		name, got, ok := Cut(channel)
		if !ok || name != want.name || got != want.Stamp {
			t.Errorf("%q: %q, %+v, %t", channel, name, got, ok)
		}
	}
	for _, channel := range []string{
		"", "c", "@", "c@", "c@@", "c@812", "c@5@6", "c@x@6", "c@812.x", "c@812.4@", "c@01.2@5",
	} {
		if name, got, ok := Cut(channel); ok || name != channel || got != (Stamp{}) {
			t.Errorf("%q is taken as %q, %+v", channel, name, got)
		}
	}
}
