package router

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
)

// publishAt appends one message of a time.
func (w *world) publishAt(t time.Time, m message) {
	w.t.Helper()
	f := frame(m.channel, len(w.sent), m.size)
	var b entry.Builder
	b.Add(m.channel, uint64(m.origin), uint64(m.origin), t.UnixMilli(), netip.Addr{}, f, 1)
	w.sent = append(w.sent, sent{w.index + 1, 0, m.origin, m.channel, f})
	data := b.Encode([16]byte{1}, w.index+1)
	h, err := entry.DecodeHeader(data)
	if err != nil {
		w.t.Fatal(err)
	}
	w.append(data, func(tx *eventlog.Tx, index uint64) { tx.IndexBatch(index, h) })
}

// History is what the messages' own times select, although a clock that was years ahead has stamped one of them. What
// arrives afterwards is delivered whatever its time; and who goes on behind an end begins with the first message after
// it.
func TestHistoryGoesByTheMessagesOwnTimes(t *testing.T) {
	w := newWorld(t, 1<<20)
	ada := w.user("ada")
	begin := time.UnixMilli(1_700_000_000_000)
	for hour, ahead := range []int{0, 3, 0, 0, 0, 0} {
		w.publishAt(begin.Add(time.Duration(hour)*time.Hour).AddDate(ahead, 0, 0), message{ada, "a", 10})
	}
	period := eventlog.Period{Since: begin.Add(3 * time.Hour), Until: begin.Add(5 * time.Hour)}
	from, errFrom := w.log.PositionAt(period.Since)
	until, errUntil := w.log.EndAt(period.Until)
	if errFrom != nil || errUntil != nil {
		t.Fatal(errFrom, errUntil)
	}
	p := &peer{}
	s := w.router.Join(p.peer(), ada, graph.DefaultMaxMessage)
	w.settle()
	s.Subscribe("a", "a", History{From: from, Until: until, Period: period})
	w.settle(s)
	wantFrames(t, "a period", p.frames(), [][]byte{w.sent[3].frame, w.sent[4].frame})
	first := w.sent[1].position().String() // it is after the period
	if len(p.told) != 1 || !strings.Contains(p.told[0], "a: 2 until "+first+", ended true") {
		t.Errorf("told %q, want 2 messages until %s", p.told, first)
	}

	p = &peer{}
	s = w.router.Join(p.peer(), ada, graph.DefaultMaxMessage)
	s.Subscribe("a", "a", History{From: from, Period: eventlog.Period{Since: period.Until}})
	w.settle(s)
	w.publishAt(begin, message{ada, "a", 10}) // of a clock that is behind
	w.settle(s)
	wantFrames(t, "what comes", p.frames(), [][]byte{w.sent[1].frame, w.sent[5].frame, w.sent[6].frame})
}
