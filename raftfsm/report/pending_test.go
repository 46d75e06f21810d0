package report

import (
	"fmt"
	"testing"
	"time"

	"hpfriends/eventlog/entry"
)

// Between two reports, too, a flood of refusals about one authkey leaves room for what is tried on others, of the same
// owner and of others; what has no room is counted.
func TestFloodAboutOneAuthkeyLeavesRoomForOthers(t *testing.T) {
	now := time.Date(2026, 11, 20, 0, 1, 0, 0, time.UTC)
	p := New()
	const flood = 5000
	for key := range uint64(10) { // the sixth finds its owner's room taken
		for i := range flood / 10 {
			p.Refuse(entry.Refusal{Owner: 5, Authkey: 100 + key, Ident: "noisy", Channel: fmt.Sprint("c", i)}, now)
		}
	}
	p.Refuse(entry.Refusal{Owner: 5, Authkey: 9, Ident: "victim", Message: "guessed"}, now)
	p.Refuse(entry.Refusal{Owner: 6, Authkey: 8, Ident: "other", Message: "guessed"}, now)
	report := p.Take("n1", now)
	rows, total := make(map[string]int), uint64(0)
	for _, r := range report.Refusals {
		rows[r.Ident]++
		total += r.Count
	}
	if rows["victim"] != 1 || rows["other"] != 1 || rows["noisy"] > maxOwned+10*minParty || rows["noisy"] < maxParty {
		t.Errorf("rows by ident: %v", rows)
	}
	if total != flood+2 {
		t.Errorf("%d refusals are counted, want %d", total, flood+2)
	}
	// However many keys an owner has, there is an end.
	for key := range uint64(3 * maxAll) {
		p.Refuse(entry.Refusal{Owner: 5, Authkey: key + 1, Ident: "noisy", Message: "m"}, now)
	}
	if n := len(p.Take("n1", now).Refusals); n > maxAll+1 {
		t.Errorf("%d rows in one report, at most %d", n, maxAll+1)
	}
}

// What is counted is told all the time: before, while and after a report of it is on its way, also if it gets lost.
func TestWhatIsCountedIsToldWhileAReportIsUnderWay(t *testing.T) {
	now := time.Date(2026, 11, 20, 0, 1, 0, 0, time.UTC)
	p := New()
	count := func() { p.Count(entry.Usage{Authkey: 7, Published: 1, LastSeen: now}) }
	told := func(when string, want uint64) {
		t.Helper()
		if got := p.Usage(7); got.Published != want || got.Authkey != 7 {
			t.Errorf("%s: %+v, want %d", when, got, want)
		}
	}
	told("at first", 0)
	count()
	report := p.Take("n1", now)
	told("under way", 1)
	count()
	told("and more", 2)
	p.Restore(report)
	told("when it was not taken", 2)
	p.Take("n1", now)
	told("under way again", 2)
	p.Taken()
	told("in the log", 0)
}
