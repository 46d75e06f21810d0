package browser

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// score is what Lighthouse says of a page: 0 to 100, and what has cost points.
type score struct {
	Error  string
	URL    string
	Scores map[string]float64 // by category
	Lost   []string

	Index    float64 // of the machine, by a benchmark
	Slowdown float64 // by which it was made a telephone
}

// lighthouse reads pages as a telephone on a slow line would.
type lighthouse struct {
	t    testing.TB
	ask  *json.Encoder
	hear *json.Decoder
	said bytes.Buffer // on standard error
}

// startLighthouse starts it, for as long as the test runs.
func startLighthouse(t testing.TB) *lighthouse {
	t.Helper()
	const library = "node_modules/lighthouse"
	if _, err := os.Stat(library); err != nil {
		lack(t, library, "make browser")
	}
	cmd := exec.Command(program(t, "node", "apt-get install nodejs"), "lighthouse.mjs")
	cmd.Env = append(os.Environ(), "CHROME_PATH="+chromium(t), "CHROME_FLAGS=--"+strings.Join(flags, "\n--"))
	l := &lighthouse{t: t}
	cmd.Stderr = &l.said
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		_, _ = io.Copy(io.Discard, out)
		if err := cmd.Wait(); err != nil {
			t.Errorf("lighthouse: %v: %s", err, l.said.String())
		}
	})
	l.ask, l.hear = json.NewEncoder(in), json.NewDecoder(out)
	return l
}

// wanted is the least that a page gets, by category.
var wanted = map[string]float64{"accessibility": 100, "best-practices": 100, "performance": 95}

// tries is how often a page may be slow, or Lighthouse may fail to record it: the machine may have other work.
const tries = 3

// Short returns what a page lacks of what is wanted.
func (l *lighthouse) Short(address, cookies string) (short []string) {
	l.t.Helper()
	for range tries {
		short = nil
		s := l.read(address, cookies)
		if s.Error != "" {
			l.t.Logf("%s: %s", address, s.Error)
			short = []string{s.Error}
			continue
		}
		for category, want := range wanted {
			if got := s.Scores[category]; got < want {
				short = append(short, fmt.Sprintf("%s: %.0f, wanted %.0f", category, got, want))
			}
		}
		l.t.Logf("%s: %v; slowed down %.1f times, benchmark index %.0f", s.URL, s.Scores, s.Slowdown, s.Index)
		if len(short) == 0 {
			return nil
		}
		short = append(short, s.Lost...)
		if s.Scores["performance"] >= wanted["performance"] {
			return short
		}
	}
	return short
}

func (l *lighthouse) read(address, cookies string) (s score) {
	l.t.Helper()
	err := l.ask.Encode(map[string]string{"URL": address, "Cookies": cookies})
	if err == nil {
		err = l.hear.Decode(&s)
	}
	if err != nil {
		l.t.Fatalf("lighthouse: %s: %v: %s", address, err, l.said.String())
	}
	return s
}
