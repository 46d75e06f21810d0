package calmlog

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// lines runs f with a calm logger and returns what it wrote, with all that is still to come.
func lines(t *testing.T, f func(l *slog.Logger)) (out []string) {
	t.Helper()
	synctest.Test(t, func(*testing.T) {
		var b bytes.Buffer
		f(slog.New(New(slog.NewTextHandler(&b, nil))))
		time.Sleep(2 * flushEvery)
		synctest.Wait()
		out = strings.Split(strings.TrimSpace(b.String()), "\n")
	})
	return out
}

// Of a flood a few records are written, and one that says how many there were; another party's record is there.
func TestFloodIsCountedAndHidesNobody(t *testing.T) {
	const flood = 100_000
	out := lines(t, func(l *slog.Logger) {
		for i := range flood {
			l.Info("refused", "remote", fmt.Sprintf("192.0.2.9:%d", 1024+i%60000), "why", i)
		}
		l.Info("refused", "remote", "198.51.100.1:7", "why", "honest")
	})
	text := strings.Join(out, "\n")
	if len(out) > alikeBurst+3 {
		t.Errorf("%d records are written", len(out))
	}
	want := fmt.Sprintf(`"suppressed %d records like: refused" of=192.0.2.9`, flood-alikeBurst)
	if !strings.Contains(text, want) {
		t.Errorf("no record says %s: …%s", want, text[max(0, len(text)-300):])
	}
	if !strings.Contains(text, "why=honest") {
		t.Error("the record of another was suppressed")
	}
}

// A party that causes many kinds of records has a limit for all of them; messages and idents that are made up do not
// grow the memory, and their sum is told.
func TestMadeUpKindsAreBounded(t *testing.T) {
	out := lines(t, func(l *slog.Logger) {
		for i := range 1000 {
			l.Warn(fmt.Sprint("message ", i), "from", "192.0.2.9")
		}
	})
	if len(out) > partyBurst+101 {
		t.Errorf("%d records of one party are written", len(out))
	}
	h := New(slog.DiscardHandler)
	for i := range 3 * maxKinds {
		h.state.admit(kind{message: "m", party: fmt.Sprint(i)}, h.next, time.Now())
	}
	if n := len(h.state.kinds); n > maxKinds+1 {
		t.Errorf("%d kinds are remembered", n)
	}
	out = lines(t, func(l *slog.Logger) {
		for range 30 {
			for i := range 300 {
				l.Info("m", "ident", fmt.Sprint(i))
			}
		}
	})
	var told int
	for _, line := range out {
		var n int
		said := line[strings.Index(line, "msg="):]
		if _, err := fmt.Sscanf(said, `msg="suppressed %d records`, &n); err != nil {
			n = 1 // a record itself
		}
		told += n
	}
	if told != 9000 {
		t.Errorf("9000 records were made, %d are written or counted", told)
	}
}

func TestLongValuesAreClipped(t *testing.T) {
	long := strings.Repeat("é", 1<<20)
	out := lines(t, func(l *slog.Logger) {
		l.With("ident", long).WithGroup("g").Info(long, "text", long, "err", errors.New(long), "bytes", []byte(long),
			slog.Group("inner", "text", long), "n", 7)
	})
	text := strings.Join(out, "\n")
	if len(text) > 8*MaxValue || strings.Count(text, "(2097152 bytes)") != 6 || !strings.Contains(text, "g.n=7") {
		t.Errorf("%d bytes are written: %.200s", len(text), text)
	}
}

// Records that do not come in floods are all written as they are.
func TestSlowRecordsAreUntouched(t *testing.T) {
	out := lines(t, func(l *slog.Logger) {
		for i := range 200 {
			l.Info("now and then", "user", 7, "i", i)
			time.Sleep(time.Second)
		}
	})
	if len(out) != 200 || strings.Contains(strings.Join(out, ""), "suppressed") {
		t.Errorf("%d records are written of 200", len(out))
	}
}
