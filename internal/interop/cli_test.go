//go:build interop

package interop

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// original is the package's own command line; ours is hpfriends under its name.
func programs(t *testing.T) (original, ours string) {
	t.Helper()
	ours = filepath.Join(t.TempDir(), "hpfeeds")
	if err := os.Symlink(hpfriends, ours); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(venv, "bin", "hpfeeds"), ours
}

// TestHpfeedsCommandPrintsWhatTheOriginalPrints runs the package's command line and ours with the same arguments
// against the same server.
func TestHpfeedsCommandPrintsWhatTheOriginalPrints(t *testing.T) {
	s := serve(t)
	s.authkey("alice", "sensor", []string{capture}, []string{capture})
	original, ours := programs(t)
	file := filepath.Join(t.TempDir(), "sample")
	if err := os.WriteFile(file, bytes.Repeat([]byte{0, 1, 2, 0xff}, 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	at := []string{"--host=" + s.host, "-p" + s.port}
	as := slices.Clip(append([]string{"-isensor", "--sec", secretOf("sensor")}, at...))
	for _, c := range []struct {
		name string
		args []string
	}{
		{"publish", append([]string{"publish", "4", "-c", capture, "2"}, as...)},
		{"publish refused", append(as, "publish", "-cforbidden", "42")},
		{"publish with a bad secret", append([]string{"-i", "sensor", "-s", "bad", "publish", "--chan=" + capture, "42"},
			at...)},
		{"publish without a word", append(as, "publish", "-c", capture)},
		{"subscribe refused", append(as, "--chan", "forbidden", "subscribe")},
		{"sendfile", append(as, "sendfile", "-c", capture, file)},
		{"no action", as},
		{"unknown action", append(as, "listen")},
		{"no host", []string{"publish", "-p", "1", "-i", "a", "-s", "b", "-c", "c"}},
		{"no port", []string{"publish", "--host", "a", "-i", "a", "-s", "b", "-c", "c"}},
		{"port that is no number", append(as, "-p", "x", "publish", "-c", "c")},
		{"no such certificate", append(as, "--tlscert", "/nonexistent", "publish", "-c", "c")},
		{"unknown option", append(as, "--nope", "publish", "-c", "c")},
	} {
		t.Run(c.name, func(t *testing.T) {
			want, got := execute(t, original, c.args...), execute(t, ours, c.args...)
			if got.stdout != want.stdout || got.code != want.code {
				t.Errorf("%q: exit %d and\n%s%swant exit %d and\n%s%s", c.args, got.code, got.stdout, got.stderr, want.code,
					want.stdout, want.stderr)
			}
			if g, w := complaint(got), complaint(want); g != w {
				t.Errorf("%q: complains %q, want %q", c.args, g, w)
			}
		})
	}
}

// complaint is the last line of a usage error.
func complaint(r result) string {
	if r.code != 2 {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(r.stderr), "\n")
	return lines[len(lines)-1]
}

// TestHpfeedsCommandSubscribes has both programs print what a third one publishes.
func TestHpfeedsCommandSubscribes(t *testing.T) {
	s := serve(t)
	s.authkey("alice", "sensor", []string{"sync.*", capture}, []string{"sync.*", capture})
	original, ours := programs(t)
	publisher := s.start("blocking.py", "sensor")
	for _, program := range []string{original, ours} {
		lines := subscribe(t, program, "--host", s.host, "-p", s.port, "-i", "sensor", "-s", secretOf("sensor"), "subscribe",
			"-c", capture)
		// There is no other way to see that it has subscribed than that something arrives.
		for n := 0; len(lines.text()) == 0; n++ {
			publisher.publish(capture, "probe")
			publisher.sync()
			lines.wait(50 * time.Millisecond)
			if n > 200 {
				t.Fatalf("%s prints nothing", program)
			}
		}
		publisher.publish(capture, "one two")
		publisher.publish(capture, "last")
		var text []string
		for deadline := time.Now().Add(patience); !slices.Contains(text, "last"); {
			if time.Now().After(deadline) {
				t.Fatalf("%s printed %q", program, lines.text())
			}
			lines.wait(patience)
			text = payloads(lines.text())
		}
		text = slices.DeleteFunc(text, func(s string) bool { return s == "probe" })
		if !slices.Equal(text, []string{"one two", "last"}) {
			t.Errorf("%s printed %q", program, text)
		}
		if code := lines.interrupt(); code != 0 {
			t.Errorf("%s exits with %d on Ctrl-C", program, code)
		}
	}
}

// printed is a line of a message. The original prints the payload as Python shows bytes.
var printed = regexp.MustCompile(`^\[feedcli\] publish to dionaea\.capture by sensor: ` +
	`(?:(?:b'|bytearray\(b')(.*?)'\)?|(.*))$`)

func payloads(lines []string) (all []string) {
	for _, line := range lines {
		if m := printed.FindStringSubmatch(line); m != nil {
			all = append(all, m[1]+m[2])
		}
	}
	return all
}

// following is a program that runs on, and what it has printed about messages.
type following struct {
	cmd   *exec.Cmd
	lines chan string
	seen  []string
}

func subscribe(t *testing.T, program string, args ...string) *following {
	t.Helper()
	f := &following{cmd: exec.Command(program, args...), lines: make(chan string, 1000)}
	f.cmd.Env = append(os.Environ(), "PYTHONUNBUFFERED=1")
	out, err := f.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := f.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go f.read(out)
	t.Cleanup(func() { _ = f.cmd.Process.Kill() })
	return f
}

func (f *following) read(out io.Reader) {
	defer close(f.lines)
	for s := bufio.NewScanner(out); s.Scan(); {
		if strings.Contains(s.Text(), "publish to") {
			f.lines <- s.Text()
		}
	}
}

// wait waits for a line and takes what else has come.
func (f *following) wait(limit time.Duration) {
	select {
	case line, ok := <-f.lines:
		if ok {
			f.seen = append(f.seen, line)
		}
	case <-time.After(limit):
	}
}

func (f *following) text() []string { return f.seen }

// interrupt is Ctrl-C; it returns the exit code.
func (f *following) interrupt() int {
	_ = f.cmd.Process.Signal(os.Interrupt)
	for range f.lines {
		continue
	}
	_ = f.cmd.Wait()
	return f.cmd.ProcessState.ExitCode()
}
