package term

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// On a terminal there is one line with rate, share and time left, drawn at most four times a second and cleared at the
// end.
func TestProgressOnATerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var screen bytes.Buffer
		p := NewProgress(&screen, "messages", 1000)
		p.Live = true
		for range 100 { // 2 s
			time.Sleep(20 * time.Millisecond)
			p.Add(5)
		}
		if n := strings.Count(screen.String(), "\r"); n < 7 || n > 9 {
			t.Errorf("drawn %d times in 2 s", n)
		}
		if _, last, _ := strings.Cut(screen.String(), "\r460 messages"); last != ", 250/s, 46 %, 2s left" {
			t.Errorf("%q", screen.String())
		}
		p.Say("next in 2h")
		if !strings.HasSuffix(screen.String(), "500 messages, 250/s, 50 %, 2s left, next in 2h") {
			t.Errorf("%q", screen.String())
		}
		screen.Reset()
		p.Done("message")
		if line := screen.String(); !strings.HasPrefix(line, "\r  ") ||
			!strings.HasSuffix(line, " \r500 messages in 2s (250/s)\n") {
			t.Errorf("at the end: %q", line)
		}
	})
}

// Where nobody looks on there is the result and nothing else, without control characters.
func TestProgressElsewhere(t *testing.T) {
	var file bytes.Buffer
	p := NewProgress(&file, "messages", 0)
	p.Add(3)
	p.Say("waiting")
	if file.Len() != 0 {
		t.Errorf("%q", file.String())
	}
	p.Done("message")
	if line := file.String(); !strings.HasPrefix(line, "3 messages in ") || strings.ContainsAny(line, "\r\x1b") ||
		strings.Count(line, "\n") != 1 {
		t.Errorf("%q", line)
	}
}

// Work of which nothing is counted is named, and its line is cleared.
func TestProgressOfWhatIsNotCounted(t *testing.T) {
	var screen bytes.Buffer
	p := NewProgress(&screen, "", 0)
	p.Live = true
	p.Say("reading users.json")
	if screen.String() != "\rreading users.json" {
		t.Errorf("%q", screen.String())
	}
	p.Clear()
	if !strings.HasSuffix(screen.String(), "\r"+strings.Repeat(" ", 18)+"\r") {
		t.Errorf("%q", screen.String())
	}
}
