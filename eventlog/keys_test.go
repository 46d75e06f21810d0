package eventlog

import (
	"bytes"
	"testing"

	"hpfriends/eventlog/layout"
)

// Channels for which an encoding without care would mix up keys.
var awkward = []string{
	"\x00", "\x00\x01", "a", "a\x00", "a\x00\x00", "a\x00\x01", "a\x00\xff", "a\x01", "aa", "b", "\xff", "\xff\xff",
}

func TestIndexKeysSortByOriginChannelAndIndex(t *testing.T) {
	var before []byte
	for _, origin := range []uint64{0, 1, 256} {
		for _, c := range awkward {
			for _, i := range []uint64{0, 1, 255, 256, 1<<64 - 1} {
				k := layout.Series{Channel: c, Origin: origin}.IndexKey(i)
				if bytes.Compare(before, k) >= 0 {
					t.Fatalf("%x is not after %x", k, before)
				}
				before = k
				if of, index, ok := layout.ParseSeriesIndex(k); !ok || of != seriesOf(c, origin) || index != i {
					t.Fatalf("%x parses as %+v %d %t", k, of, index, ok)
				}
			}
		}
	}
	if layout.After([]byte{0xff, 0xff}) != nil || !bytes.Equal(layout.After([]byte{1, 0xff}), []byte{2}) {
		t.Fatal("after")
	}
}

func TestDirectorySortsByChannelAndOrigin(t *testing.T) {
	var before []byte
	for _, c := range awkward {
		for _, origin := range []uint64{0, 1, 256, 1<<64 - 1} {
			k := layout.Series{Channel: c, Origin: origin}.Key()
			if bytes.Compare(before, k) >= 0 {
				t.Fatalf("%x is not after %x", k, before)
			}
			before = k
			if of, ok := layout.ParseSeriesKey(k); !ok || of != (layout.Series{Channel: c, Origin: origin}) {
				t.Fatalf("%x parses as %+v %t", k, of, ok)
			}
		}
	}
}
