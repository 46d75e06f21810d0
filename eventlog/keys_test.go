package eventlog

import (
	"bytes"
	"testing"
)

func TestChannelIndexKeysSortByChannelThenIndex(t *testing.T) {
	channels := []string{
		"\x00", "\x00\x01", "a", "a\x00", "a\x00\x00", "a\x00\x01", "a\x00\xff", "a\x01", "aa", "b", "\xff", "\xff\xff",
	}
	var before []byte
	for _, c := range channels {
		for _, i := range []uint64{0, 1, 255, 256, 1<<64 - 1} {
			k := channelIndexKey(c, i)
			if bytes.Compare(before, k) >= 0 {
				t.Fatalf("%x is not after %x", k, before)
			}
			before = k
			if name, index, ok := parseChannelIndexKey(k); !ok || name != c || index != i {
				t.Fatalf("%x parses as %q %d %t", k, name, index, ok)
			}
		}
	}
	if after([]byte{0xff, 0xff}) != nil || !bytes.Equal(after([]byte{1, 0xff}), []byte{2}) {
		t.Fatal("after")
	}
}
