package report

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"hpfriends/eventlog/entry"
)

var midnight = time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)

// mostADay is how many bytes the rows of refusals of a node add to the log in a day, beside what they may take at once,
// and how many those of one owner do.
const (
	mostADay      = 2 * allRate * 24 * 60 * 60
	mostOfOwner   = 3 * ownerRate * 24 * 60 * 60
	mostAtOnce    = 2 * allBurst
	mostEnvelopes = 200 // bytes of a report without its rows
)

// The longest rows that there are, ever new and ever the same, about ever more authkeys and from ever more addresses,
// take no more of the log than documented. In the end all are counted.
func TestFloodOfRefusalsTakesABoundedPartOfTheLog(t *testing.T) {
	const lasts = 4 * time.Minute
	p, refused, written, reports := New(), uint64(0), 0, 0
	counted := uint64(0)
	take := func(report *entry.Report) bool {
		if report == nil {
			return false
		}
		data, err := report.Encode()
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range report.Refusals {
			counted += row.Count
		}
		written, reports = written+len(data), reports+1
		return true
	}
	long := strings.Repeat("\x00", 240)
	now := midnight
	for end := now.Add(lasts); now.Before(end); now = now.Add(Every) {
		for owner := range uint64(40) {
			for i := range 12 {
				refused += 2
				p.Refuse(entry.Refusal{Owner: owner, Authkey: owner * uint64(i), Ident: fmt.Sprint(long, i), Channel: long,
					Message: "m", Addr: "192.0.2.1"}, now)
				p.Refuse(entry.Refusal{Owner: owner, Authkey: owner * refused, Ident: fmt.Sprint(long, refused),
					Channel: long, Message: "m", Addr: fmt.Sprint("2001:db8::", refused)}, now)
			}
		}
		for take(p.Take("n1", now)) && len(p.soon) > 0 { // it is hurried
		}
	}
	most := mostAtOnce + mostADay*int(lasts/time.Second)/(24*60*60) + reports*mostEnvelopes
	if t.Logf("%d refusals: %d bytes in %d reports", refused, written, reports); written > most {
		t.Errorf("%d bytes of log in %v, want at most %d", written, lasts, most)
	}
	if written < mostAtOnce/4 {
		t.Errorf("%d bytes of log in %v: this flood shows nothing", written, lasts)
	}
	for take(p.TakeAll("n1", now)) {
	}
	if counted != refused {
		t.Errorf("%d refusals are counted, want %d", counted, refused)
	}
	text, err := os.ReadFile("../../docs/limits.md")
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("| %d MB a day, of one owner %d MB, of strangers as of an owner; at once %d MiB more |",
		(mostADay+999_999)/1_000_000, (mostOfOwner+999_999)/1_000_000, mostAtOnce>>20)
	if !strings.Contains(string(text), want) {
		t.Errorf("docs/limits.md does not say %q", want)
	}
}

// The first refusal of a kind is reported at once, and of one that goes on the counts at growing intervals; after a
// pause it is new again. Nothing is lost, also when a report is.
func TestIntervalsOfAKindThatGoesOnGrow(t *testing.T) {
	p, now := New(), midnight
	total, refused := uint64(0), uint64(0)
	var at []time.Duration
	second := func() {
		refused++
		p.Refuse(entry.Refusal{Owner: 5, Authkey: 9, Ident: "k", Message: "m"}, now)
		if report := p.Take("n1", now); report != nil {
			total += report.Refusals[0].Count
			at = append(at, now.Sub(midnight)/time.Second)
		}
		now = now.Add(time.Second)
	}
	for range 1200 {
		second()
	}
	if want := []time.Duration{0, 2, 6, 14, 30, 62, 126, 254, 510, 810, 1110}; fmt.Sprint(at) != fmt.Sprint(want) {
		t.Errorf("reported at second %d, want %d", at, want)
	}
	p.Restore(p.TakeAll("n1", now))
	if report := p.Take("n1", now); report == nil {
		t.Error("a report that was lost is not repeated")
	} else {
		total += report.Refusals[0].Count
	}
	if total != refused {
		t.Errorf("%d are counted, want %d", total, refused)
	}
	now = now.Add(3 * longest)
	at = nil
	for range 6 {
		second()
	}
	if len(at) != 2 {
		t.Errorf("after a pause it is reported %d times in six seconds, want 2", len(at))
	}
}
