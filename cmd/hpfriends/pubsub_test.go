package main

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"hpfriends/wire"
)

// args is a command line of hpfriends as ident "me" of the broker.
func (b *echoBroker) args(words ...string) []string {
	return append([]string{"hpfriends", words[0], "--host", b.host, "-p", b.port, "-i", "me", "-s", "secret of me"}, words[1:]...)
}

// outcome is what a command line did.
type outcome struct {
	code           int
	stdout, stderr string
}

func command(t *testing.T, args ...string) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var stdout, stderr bytes.Buffer
	code := run(ctx, args, &stdout, &stderr)
	return outcome{code, stdout.String(), stderr.String()}
}

// subscribe runs sub and hands out what it did once it has ended. It returns when the broker has every channel.
func (b *echoBroker) subscribe(t *testing.T, channels int, words ...string) chan outcome {
	t.Helper()
	done := make(chan outcome, 1)
	go func() { done <- command(t, b.args(append([]string{"sub"}, words...)...)...) }()
	for range channels {
		b.awaitSubscription(t)
	}
	return done
}

func TestPubReachesSub(t *testing.T) {
	b := startEchoBroker(t)
	dir := t.TempDir()
	for name, content := range map[string]string{"f1": "one,\x00two", "f2": "", "out": "before\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f1, f2, out := filepath.Join(dir, "f1"), filepath.Join(dir, "f2"), filepath.Join(dir, "out")
	text := b.subscribe(t, 2, "-c", "a", "-c", "b,c", "--count", "7")
	file := b.subscribe(t, 1, "-c", "a", "--count", "6", "-o", out)
	for _, args := range [][]string{
		{"pub", "-c", "a", "two", "words"},
		{"publish", "-c", "b,c", "--", "-c"},
		{"pub", "hello", "-c", "a", "--count", "2", "--rate", "100/s"},
		{"pub", "-c", "a", "-f", f1, f2},
		{"sendfile", f1, "-c", "a"},
	} {
		if r := command(t, b.args(args...)...); r.code != 0 || r.stdout+r.stderr != "" {
			t.Errorf("%q: %+v", args, r)
		}
	}
	want := "a me two words\nb,c me -c\na me hello\na me hello\na me one,\\x00two\na me \na me one,\\x00two\n"
	if got := <-text; got.code != 0 || got.stdout != want {
		t.Errorf("sub: %+v, want %q", got, want)
	}
	if got := <-file; got.code != 0 || got.stdout != "" {
		t.Errorf("sub -o: %+v", got)
	}
	if got, err := os.ReadFile(out); err != nil || string(got) != "before\n"+strings.Replace(want, "b,c me -c\n", "", 1) {
		t.Errorf("the file has %q, %v", got, err)
	}
}

func TestExitCodesOfPubAndSub(t *testing.T) {
	b := startEchoBroker(t)
	dead := []string{"--host", "127.0.0.1", "-p", "1", "-i", "me", "-s", "x", "-c", "a"}
	for _, c := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"publish refused", b.args("pub", "-c", closedChannel, "x"), exitDenied, "Authkey not allowed to publish here."},
		{"one of two channels refused", b.args("pub", "-c", "a", "-c", closedChannel, "x"), exitDenied, "not allowed to publish"},
		{"subscribe refused", b.args("sub", "-c", "a", "-c", closedChannel), exitDenied, "Authkey not allowed to subscribe here."},
		{"bad secret", b.args("pub", "-s", "bad", "-c", "a", "x"), exitDenied, "Authentication failed"},
		{"sub with bad secret", b.args("sub", "-s", "bad", "-c", "a"), exitDenied, "Authentication failed"},
		{"pub to nobody", append([]string{"hpfriends", "pub", "x"}, dead...), exitUnavailable, "refused"},
		{"sub from nobody", append([]string{"hpfriends", "sub"}, dead...), exitUnavailable, "refused"},
		{"time runs out", b.args("sub", "-c", "a", "--count", "1", "--timeout", "50ms"), exitUnavailable, "0 of 1"},
		{"time is over", b.args("sub", "-c", "a", "--timeout", "50ms"), 0, ""},
		{"no file", b.args("sendfile", "-c", "a", "/nonexistent"), exitFailed, "nonexistent"},
		{"nothing to publish", b.args("pub", "-c", "a"), exitUsage, "nothing to publish"},
		{"no channel", b.args("pub", "x"), exitUsage, "no channel"},
		{"bad rate", b.args("pub", "-c", "a", "--rate", "-1/s", "x"), exitUsage, "rate"},
		{"long channel", b.args("pub", "-c", strings.Repeat("x", 256), "x"), exitUsage, "256"},
		{"bad port", b.args("pub", "-p", "70000", "-c", "a", "x"), exitUsage, "70000"},
		{"two formats", b.args("sub", "--json", "--raw", "-c", "a"), exitUsage, "--raw"},
		{"secret and data from stdin", []string{"hpfriends", "pub", "-i", "me", "-c", "a", "--secret-file", "-", "--stdin-lines"}, exitUsage, "standard input"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if r := command(t, c.args...); r.code != c.code || !strings.Contains(r.stderr, c.says) || r.stdout != "" {
				t.Errorf("%q: %+v, want exit %d and %q", c.args, r, c.code, c.says)
			}
		})
	}
}

// TestPubGetsNoVerdict is a broker that reads and never answers.
func TestPubGetsNoVerdict(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			defer c.Close()
			_, _ = c.Write(wire.AppendInfo(nil, "silent", []byte("1234")))
		}
	}()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	args := []string{"hpfriends", "pub", "-p", port, "-i", "me", "-s", "x", "-c", "a", "x"}
	if r := command(t, append(args, "--wait", "100ms")...); r.code != exitUnavailable || !strings.Contains(r.stderr, "unknown") {
		t.Errorf("with --wait 100ms: %+v", r)
	}
	if r := command(t, append(args, "--wait", "0")...); r.code != 0 {
		t.Errorf("with --wait 0: %+v", r)
	}
}

var hostileMessages = []wire.Message{
	{Ident: "i", Channel: "c", Payload: []byte("\x1b]0;evil\x07\x1b[2J")},
	{Ident: "i\n", Channel: "c\x1b", Payload: []byte("\u009b31m\x7f\r\n\b")},
	{Ident: "i d", Channel: "a b", Payload: []byte("\u202egnp.exe \u200b \xff\xfe \U000e0041 \u2028")},
	{Ident: "\xff", Channel: "é\u0085", Payload: []byte("\x00\x1b")},
}

// TestHostileMessagesCannotAlterATerminal looks at every byte that the text formats print.
func TestHostileMessagesCannotAlterATerminal(t *testing.T) {
	feedLine := func(terminal bool) format {
		return func(dst []byte, m wire.Message, _ time.Time) []byte { return (&feed{terminal: terminal}).line(m) }
	}
	late := slices.Clone(hostileMessages) // the originals decide by the first 20 bytes
	for i := range late {
		late[i].Payload = append([]byte("twenty harmless bytes"), late[i].Payload...)
	}
	for name, f := range map[string]format{"text": formatText, "json": formatJSON, "compat": feedLine(true), "compat to a file": feedLine(false)} {
		for _, m := range append(late, hostileMessages...) {
			line := string(f(nil, m, time.Unix(0, 0)))
			if !utf8.ValidString(line) {
				t.Errorf("%s of %q is not UTF-8: %q", name, m.Payload, line)
			}
			for _, r := range strings.TrimSuffix(line, "\n") {
				allowed := r == '\n' && name == "compat to a file" || r == '\t'
				if !allowed && (r < 0x20 || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x202e || r == 0x200b || r == 0xe0041) {
					t.Errorf("%s of %q prints %q: %q", name, m.Payload, r, line)
				}
			}
		}
	}
	if got := string(formatText(nil, hostileMessages[2], time.Time{})); strings.Count(got, " ") != 2+4 || !strings.HasPrefix(got, `a\x20b i\x20d \u202egnp.exe `) {
		t.Errorf("channel and ident are not one word each: %q", got)
	}
}

func TestSecretFromFile(t *testing.T) {
	b := startEchoBroker(t)
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("secret of me\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HPFRIENDS_IDENT", "me")
	t.Setenv("HPFRIENDS_PORT", b.port)
	t.Setenv("HPFRIENDS_CHANNEL", "a,b")
	seen := b.subscribe(t, 1, "-c", "a,b", "--count", "1")
	if r := command(t, "hpfriends", "pub", "--secret-file", file, "x"); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	if r := <-seen; r.stdout != "a,b me x\n" {
		t.Errorf("%+v", r)
	}
}

// TestSubEndsWithItsReaderAndOnInterrupt runs the program itself, since this is about its process.
func TestSubEndsWithItsReaderAndOnInterrupt(t *testing.T) {
	b := startEchoBroker(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	start := func() (*exec.Cmd, *os.File, *bytes.Buffer) {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		var complaints bytes.Buffer
		cmd := exec.CommandContext(ctx, self, b.args("sub", "-c", "a")[1:]...)
		cmd.Env = append(os.Environ(), asProgram+"=1")
		cmd.Stdout, cmd.Stderr = w, &complaints
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		_ = w.Close()
		b.awaitSubscription(t)
		return cmd, r, &complaints
	}
	cmd, r, complaints := start()
	_ = r.Close() // as head does after its line; no further message comes
	if err := cmd.Wait(); err != nil || complaints.Len() > 0 {
		t.Errorf("the reader is gone: %v, %q", err, complaints.String())
	}
	cmd, r, complaints = start()
	defer r.Close()
	_ = cmd.Process.Signal(os.Interrupt)
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != exitInterrupted || complaints.Len() > 0 {
		t.Errorf("interrupted: %v, %q", err, complaints.String())
	}
}

// TestSubReconnects has the broker drop the connection.
func TestSubReconnects(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the first pause between connections, up to 1 s")
	}
	b := startEchoBroker(t)
	done := b.subscribe(t, 1, "-c", "a", "--count", "1")
	b.mu.Lock()
	for c := range b.conns {
		c.session.Close(nil)
	}
	b.mu.Unlock()
	b.awaitSubscription(t)
	if r := command(t, b.args("pub", "-c", "a", "again")...); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	if r := <-done; r.code != 0 || r.stdout != "a me again\n" || !strings.Contains(r.stderr, "connecting again") {
		t.Errorf("%+v", r)
	}
}
