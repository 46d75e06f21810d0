package raftfsm

import (
	"testing"

	"pgregory.net/rapid"

	"hpfriends/eventlog"
)

// TestDeliveriesTellNothingEarly compares with a list of everything sent: what is told is within what was acknowledged,
// is late by at most markEvery and one write, and exact when all is acknowledged.
func TestDeliveriesTellNothingEarly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := eventlog.Position{Index: 5}
		sent := rapid.Uint64Range(0, 1000).Draw(t, "before")
		all := []mark{{sent, start}}
		d := NewDeliveries(sent, start)
		largest, acked := uint64(0), sent
		exact := func(n uint64) eventlog.Position {
			p := start
			for _, m := range all {
				if m.sent <= n {
					p = m.next
				}
			}
			return p
		}
		var lastAcked, lastSafe eventlog.Position
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			if rapid.Bool().Draw(t, "send") {
				n := rapid.SampledFrom([]uint64{0, 50, 900, 20_000, 100_000}).Draw(t, "bytes")
				last := all[len(all)-1]
				m := mark{last.sent + n, eventlog.Position{Index: last.next.Index + rapid.Uint64Range(0, 1).Draw(t, "index"),
					Offset: last.next.Offset + 1}}
				all, largest = append(all, m), max(largest, n)
				d.Sent(m.sent, m.next)
				continue
			}
			newest := all[len(all)-1].sent
			acked = rapid.Uint64Range(acked, newest).Draw(t, "acked")
			unread := rapid.SampledFrom([]uint64{0, 1000, 200_000}).Draw(t, "unread")
			a, s := d.Acknowledged(acked, unread)
			if a.Compare(exact(acked)) > 0 || s.Compare(a) > 0 || acked >= unread && s.Compare(exact(acked-unread)) > 0 &&
				s.Compare(lastSafe) > 0 {
				t.Fatalf("told %s and %s for %d bytes less %d, the truth is %s", a, s, acked, unread, exact(acked))
			}
			if a.Compare(lastAcked) < 0 || s.Compare(lastSafe) < 0 {
				t.Fatalf("it goes back from %s and %s to %s and %s", lastAcked, lastSafe, a, s)
			}
			if late := markEvery + largest; acked > late && a.Compare(exact(acked-late)) < 0 {
				t.Fatalf("told %s for %d bytes, %s was sent %d bytes before", a, acked, exact(acked-late), late)
			}
			if acked == newest && a != exact(newest) {
				t.Fatalf("told %s when all is acknowledged, want %s", a, exact(newest))
			}
			if most := int(newest-min(newest, acked-min(acked, 200_000)))/markEvery*2 + 4; len(d.marks) > most+8 {
				t.Fatalf("%d marks for %d bytes", len(d.marks), newest-acked)
			}
			lastAcked, lastSafe = a, s
		}
	})
}
