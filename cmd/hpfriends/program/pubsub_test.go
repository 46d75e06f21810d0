package program

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hpfriends/internal/cmdline"
	"hpfriends/internal/feedtest"
	"hpfriends/wire"
)

// argsFor is a command line of hpfriends as ident "me" of the broker.
func argsFor(b *feedtest.EchoBroker, words ...string) []string {
	return append([]string{"hpfriends", words[0], "--host", b.Host, "-p", b.Port, "-i", "me", "-s", "secret of me"},
		words[1:]...)
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

// subscribeTo runs sub and hands out what it did once it has ended. It returns when the broker has every channel.
func subscribeTo(t *testing.T, b *feedtest.EchoBroker, channels int, words ...string) chan outcome {
	t.Helper()
	done := make(chan outcome, 1)
	go func() { done <- command(t, argsFor(b, append([]string{"sub"}, words...)...)...) }()
	for range channels {
		b.AwaitSubscription(t)
	}
	return done
}

const confirmsNothing = "hpfriends: the broker, echo, confirms nothing: all that can be known is whether it refused " +
	"something\n"

func TestPubReachesSub(t *testing.T) {
	b := feedtest.StartEchoBroker(t)
	dir := t.TempDir()
	for name, content := range map[string]string{"f1": "one,\x00two", "f2": "", "out": "before\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f1, f2, out := filepath.Join(dir, "f1"), filepath.Join(dir, "f2"), filepath.Join(dir, "out")
	text := subscribeTo(t, b, 2, "-c", "a", "-c", "b,c", "--count", "7")
	file := subscribeTo(t, b, 1, "-c", "a", "--count", "6", "-o", out)
	for _, args := range [][]string{
		{"pub", "-c", "a", "two", "words"},
		{"publish", "-c", "b,c", "--", "-c"},
		{"pub", "hello", "-c", "a", "--count", "2", "--rate", "100/s"},
		{"pub", "-c", "a", "-f", f1, f2},
		{"sendfile", f1, "-c", "a"},
	} {
		r := command(t, argsFor(b, args...)...)
		if r.code != 0 || r.stdout != "" || r.stderr != confirmsNothing {
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
	b := feedtest.StartEchoBroker(t)
	dead := []string{"--host", "127.0.0.1", "-p", "1", "-i", "me", "-s", "x", "-c", "a"}
	for _, c := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"publish refused", argsFor(b, "pub", "-c", feedtest.ClosedChannel, "x"), cmdline.ExitDenied,
			"Authkey not allowed to publish here."},
		{"one of two channels refused", argsFor(b, "pub", "-c", "a", "-c", feedtest.ClosedChannel, "x"), cmdline.ExitDenied,
			"not allowed to publish"},
		{"subscribe refused", argsFor(b, "sub", "-c", "a", "-c", feedtest.ClosedChannel), cmdline.ExitDenied,
			"Authkey not allowed to subscribe here."},
		{"bad secret", argsFor(b, "pub", "-s", "bad", "-c", "a", "x"), cmdline.ExitDenied, "Authentication failed"},
		{"sub with bad secret", argsFor(b, "sub", "-s", "bad", "-c", "a"), cmdline.ExitDenied, "Authentication failed"},
		{"pub to nobody", append([]string{"hpfriends", "pub", "x"}, dead...), cmdline.ExitUnavailable, "refused"},
		{"sub from nobody", append([]string{"hpfriends", "sub"}, dead...), cmdline.ExitUnavailable, "refused"},
		{"time runs out", argsFor(b, "sub", "-c", "a", "--count", "1", "--timeout", "50ms"), cmdline.ExitUnavailable,
			"0 of 1"},
		{"history of another broker", argsFor(b, "sub", "-c", "a", "--since", "1h", "--timeout", "50ms"), 0,
			"calls itself echo"},
		{"time is over", argsFor(b, "sub", "-c", "a", "--timeout", "50ms"), 0, ""},
		{"no file", argsFor(b, "sendfile", "-c", "a", "/nonexistent"), cmdline.ExitFailed, "nonexistent"},
		{"nothing to publish", argsFor(b, "pub", "-c", "a"), cmdline.ExitUsage, "nothing to publish"},
		{"no channel", argsFor(b, "pub", "x"), cmdline.ExitUsage, "no channel"},
		{"bad rate", argsFor(b, "pub", "-c", "a", "--rate", "-1/s", "x"), cmdline.ExitUsage, "rate"},
		{"long channel", argsFor(b, "pub", "-c", strings.Repeat("x", 256), "x"), cmdline.ExitUsage, "256"},
		{"bad port", argsFor(b, "pub", "-p", "70000", "-c", "a", "x"), cmdline.ExitUsage, "70000"},
		{"two formats", argsFor(b, "sub", "--json", "--raw", "-c", "a"), cmdline.ExitUsage, "--raw"},
		{"secret and data from stdin", []string{"hpfriends", "pub", "-i", "me", "-c", "a", "--secret-file", "-",
			"--stdin-lines"}, cmdline.ExitUsage, "standard input"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if r := command(t, c.args...); r.code != c.code || !strings.Contains(r.stderr, c.says) || r.stdout != "" {
				t.Errorf("%q: %+v, want exit %d and %q", c.args, r, c.code, c.says)
			}
		})
	}
}

func TestSecretFromFile(t *testing.T) {
	b := feedtest.StartEchoBroker(t)
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("secret of me\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HPFRIENDS_IDENT", "me")
	t.Setenv("HPFRIENDS_PORT", b.Port)
	t.Setenv("HPFRIENDS_CHANNEL", "a,b")
	seen := subscribeTo(t, b, 1, "-c", "a,b", "--count", "1")
	if r := command(t, "hpfriends", "pub", "--secret-file", file, "x"); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	if r := <-seen; r.stdout != "a,b me x\n" {
		t.Errorf("%+v", r)
	}
}

// TestSubEndsWithItsReaderAndOnInterrupt runs the program itself, since this is about its process.
func TestSubEndsWithItsReaderAndOnInterrupt(t *testing.T) {
	b := feedtest.StartEchoBroker(t)
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
		cmd := exec.CommandContext(ctx, self, argsFor(b, "sub", "-c", "a")[1:]...)
		cmd.Env = append(os.Environ(), asProgram+"=1")
		cmd.Stdout, cmd.Stderr = w, &complaints
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		_ = w.Close()
		b.AwaitSubscription(t)
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
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != cmdline.ExitInterrupted || complaints.Len() > 0 {
		t.Errorf("interrupted: %v, %q", err, complaints.String())
	}
}

// TestSubReconnects has the broker drop the connection.
func TestSubReconnects(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the first pause between connections, up to 1 s")
	}
	b := feedtest.StartEchoBroker(t)
	done := subscribeTo(t, b, 1, "-c", "a", "--count", "1")
	b.CloseAll(nil)
	b.AwaitSubscription(t)
	if r := command(t, argsFor(b, "pub", "-c", "a", "again")...); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	if r := <-done; r.code != 0 || r.stdout != "a me again\n" || !strings.Contains(r.stderr, "connecting again") {
		t.Errorf("%+v", r)
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
	if r := command(t, append(args, "--wait", "100ms")...); r.code != cmdline.ExitUnavailable ||
		!strings.Contains(r.stderr, "unknown") {
		t.Errorf("with --wait 100ms: %+v", r)
	}
	if r := command(t, append(args, "--wait", "0")...); r.code != 0 {
		t.Errorf("with --wait 0: %+v", r)
	}
}
