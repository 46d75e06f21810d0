package term

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// On a terminal there is one line with rate, share and, after 3 s, time left, drawn at most four times a second and
// cleared at the end.
func TestProgressOnATerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var screen bytes.Buffer
		p := NewProgress(&screen, "messages", 1000)
		p.Live = true
		for range 200 { // 4 s
			time.Sleep(20 * time.Millisecond)
			p.Add(2)
		}
		if n := strings.Count(screen.String(), "\r"); n < 14 || n > 17 {
			t.Errorf("drawn %d times in 4 s", n)
		}
		early, _, later := strings.Cut(screen.String(), "\r314 messages, 100/s, 31 %, 7s left")
		if strings.Contains(early, "left") || !later {
			t.Errorf("%q", screen.String())
		}
		p.Say("next in 2h")
		if !strings.HasSuffix(screen.String(), "400 messages, 100/s, 40 %, 6s left, next in 2h") {
			t.Errorf("%q", screen.String())
		}
		screen.Reset()
		p.Done("message")
		if line := screen.String(); !strings.HasPrefix(line, "\r  ") ||
			!strings.HasSuffix(line, " \r400 messages in 4s (100/s)\n") {
			t.Errorf("at the end: %q", line)
		}
	})
}

// shown is a progress on a screen that has the newest line alone.
type shown struct {
	*Progress
	screen bytes.Buffer
}

func showProgress(total uint64) *shown {
	s := new(shown)
	s.Progress = NewProgress(&s.screen, "entries", total)
	s.Live = true
	return s
}

// left is what the line says of the time that is left; 0: nothing.
func (s *shown) left(t *testing.T) time.Duration {
	t.Helper()
	line := s.screen.String()
	line = line[strings.LastIndex(line, "\r")+1:]
	for _, part := range strings.Split(line, ", ") {
		if left, ok := strings.CutSuffix(strings.TrimSpace(part), " left"); ok {
			d, err := time.ParseDuration(left)
			if err != nil {
				t.Fatal(line)
			}
			return d
		}
	}
	return 0
}

// What was slow at the beginning, or came before, does not count for long: of 100,000 entries that take 100 s, nothing
// says that they take hours.
func TestTimeLeftIsThatOfThePaceOfLate(t *testing.T) {
	for name, begin := range map[string]func(s *shown){
		"a server that thinks it over": func(*shown) { time.Sleep(time.Minute) },
		"another count before": func(s *shown) {
			for i := range uint64(100) {
				s.Tally("entries of the older one", i, 100)
				time.Sleep(time.Second)
			}
		},
		"slow at first": func(s *shown) {
			for i := range uint64(2) {
				s.Tally("entries", i, 100_000)
				time.Sleep(time.Second)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := showProgress(100_000)
				begin(s)
				for i := range uint64(1000) {
					s.Tally("entries", 100*i, 100_000)
					left, rest := s.left(t), time.Duration(1000-i)*100*time.Millisecond
					switch {
					case i < 990 && i > 40 && left == 0, i < 990 && i > 100 && left < rest-2*time.Second:
						t.Fatalf("after %d: %v left, and it takes %v", 100*i, left, rest)
					case left > 4*rest+time.Second, i > 100 && left > rest+2*time.Second:
						t.Fatalf("after %d: %v left, and it takes no more than %v", 100*i, left, rest)
					}
					time.Sleep(100 * time.Millisecond)
				}
			})
		})
	}
}

// Work that stands still has no time left that could be told; when it goes on, what it stood counts as it goes on.
func TestNoTimeLeftIsToldOfWhatStandsStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := showProgress(1000)
		for i := range 100 {
			s.Add(1)
			if i == 99 && s.left(t) == 0 {
				t.Error("nothing is told of what goes on")
			}
			time.Sleep(100 * time.Millisecond)
		}
		for range 200 {
			s.Add(0)
			time.Sleep(100 * time.Millisecond)
		}
		if left := s.left(t); left != 0 {
			t.Errorf("it stands still, and %v is left", left)
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
