package traffic

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/internal/golden"
)

// The records are stored, and a later program goes on with them: their bytes stay what they are.
func TestStoredBytes(t *testing.T) {
	l := newLog(t)
	frame := func(n int) []byte { return append([]byte{0, 0, 0, byte(5 + n), 3}, make([]byte, n)...) }
	batch := func(add func(*entry.Builder)) {
		var b entry.Builder
		add(&b)
		l.batch(b.Encode([16]byte{1}, l.index+1))
	}
	batch(func(b *entry.Builder) {
		b.Add("cowrie", 7, 2, 1_700_000_000_000, netip.Addr{}, append(frame(1), frame(2)...), 2)
		b.Add("a\x00\xff", 8, 3, 1_700_000_000_001, netip.Addr{}, frame(3), 1)
	})
	l.change()
	batch(func(b *entry.Builder) { b.Add("cowrie", 7, 2, 1_700_000_001_000, netip.Addr{}, frame(4), 1) })
	l.change()
	if err := New(l.Log, DefaultLimits()).catchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	var records strings.Builder
	err := l.Scan(eventlog.SpaceChannels, nil, nil, func(k, v []byte) error {
		_, err := fmt.Fprintf(&records, "%c %x = %x\n", k[0], k[1:], v)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "records.hex", []byte(records.String()))
}
