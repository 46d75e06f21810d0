package program

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"hpfriends/internal/cmdline"
	"hpfriends/internal/feedtest"
	"hpfriends/internal/load"
	"hpfriends/internal/ndjson"
	"hpfriends/internal/proc"
	"hpfriends/wire"
	"hpfriends/wire/subscription"
)

// startSub runs sub as a process.
func startSub(t *testing.T, words ...string) (*exec.Cmd, *screen) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	out := new(screen)
	cmd := exec.CommandContext(t.Context(), self, append([]string{"sub"}, words...)...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	cmd.Stdout, cmd.Stderr = out, t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return cmd, out
}

// startAgain starts the server of a realBroker that has ended.
func startAgain(t *testing.T, p *proc.Server) {
	t.Helper()
	again, err := proc.Start(context.Background(), p.Dir, nil, "--hpfeeds",
		"tcp:port="+os.Getenv("HPFRIENDS_PORT")+":interface=127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	*p = *again
}

// warm publishes until the subscriber shows it.
func warm(t *testing.T, out *screen) {
	t.Helper()
	for !strings.Contains(out.String(), "warm k") {
		terminalNowhere{t}.ok("pub", "-c", "warm", "up")
		time.Sleep(10 * time.Millisecond)
	}
}

// A subscriber that sleeps while the server restarts, and to whom nothing has come on a channel yet, gets what was
// published there meanwhile.
func TestSubThatSleepsThroughARestartMissesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("starts servers")
	}
	p, _ := realBroker(t)
	cmd, out := startSub(t, "-c", "quiet", "-c", "warm")
	warm(t, out)
	if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	p.Kill()
	startAgain(t, p)
	for _, word := range []string{"one", "two"} {
		terminalNowhere{t}.ok("pub", "-c", "quiet", word)
	}
	if err := cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	terminalNowhere{t}.ok("pub", "-c", "quiet", "three")
	out.await(t, "three")
	if _, got, _ := strings.Cut(out.String(), "quiet"); "quiet"+got != "quiet k one\nquiet k two\nquiet k three\n" {
		t.Errorf("it shows %q", out.String())
	}
}

// A plain subscriber shows what is in the log, in its order, each message once, whatever restarts come between.
func TestSubMissesNothingWhenTheServerRestartsUnderLoad(t *testing.T) {
	if testing.Short() {
		t.Skip("starts servers")
	}
	p, m := realBroker(t)
	_, out := startSub(t, "-c", "load", "-c", "warm")
	warm(t, out)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := 0; ctx.Err() == nil; {
			n = publishConfirmed(ctx, p.Address, n)
			time.Sleep(5 * time.Millisecond)
		}
	}()
	for i := range 2 {
		if err := p.Stop(); err != nil {
			t.Fatal(err)
		}
		startAgain(t, p)
		terminalNowhere{t}.ok("pub", "-c", "load", fmt.Sprint("restart ", i))
		out.await(t, fmt.Sprint("load k restart ", i)) // and it is connected again
	}
	stop()
	<-done
	terminalNowhere{t}.ok("pub", "-c", "load", "last")
	out.await(t, "load k last\n")
	var want, got []string
	for line := range strings.Lines(m.ok("replay", "load", "--from", "first")) {
		rec, err := ndjson.Parse([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		if rec.Message != nil {
			want = append(want, string(rec.Message.Payload))
		}
	}
	for line := range strings.Lines(out.String()) {
		if payload, ok := strings.CutPrefix(line, "load k "); ok {
			got = append(got, strings.TrimSuffix(payload, "\n"))
		}
	}
	t.Logf("%d messages", len(want))
	same(t, got, want)
}

// publishConfirmed publishes numbers from n on until the connection ends, and returns the first that is not confirmed.
func publishConfirmed(ctx context.Context, addr string, n int) int {
	c, err := load.Login(ctx, addr, load.Key{Ident: "k", Secret: "s3cret-k7"})
	if err != nil {
		return n
	}
	defer c.Close()
	if _, err := c.Write(wire.AppendSubscribe(nil, "k", subscription.Acks)); err != nil {
		return n
	}
	for confirmed := 0; ctx.Err() == nil; {
		var frames []byte
		for i := range 20 {
			frames = wire.AppendPublish(frames, "k", "load", strconv.AppendInt(nil, int64(n+confirmed+i), 10))
		}
		if _, err := c.Write(frames); err != nil {
			return n + confirmed
		}
		for want := confirmed + 20; confirmed < want; {
			_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
			f, err := readFrame(c)
			if err != nil {
				return n + confirmed
			}
			confirmed, _ = strconv.Atoi(payloadOf(f))
		}
	}
	return n
}

// A broker that keeps no history cannot say what came meanwhile: sub says between which times, and ends with 1 if it
// was to be exact.
func TestSubNamesTheGapOfAnotherBroker(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the first pause between connections, up to 1 s")
	}
	b := feedtest.StartEchoBroker(t)
	done := subscribeTo(t, b, 1, "-c", "a", "--count", "1")
	b.CloseAll(nil)
	b.AwaitSubscription(t)
	b.Publish(t, "a", "again")
	if r := <-done; r.code != 0 || r.stdout != "a me again\n" ||
		!strings.Contains(r.stderr, "is missing: the broker, echo, keeps no history") {
		t.Errorf("%+v", r)
	}
	done = subscribeTo(t, b, 1, "-c", "a", "--exact", "--count", "1")
	b.CloseAll(nil)
	b.AwaitSubscription(t)
	b.Publish(t, "a", "again")
	if r := <-done; r.code != cmdline.ExitFailed || r.stdout != "a me again\n" ||
		!strings.Contains(r.stderr, "what was published on a between 2") {
		t.Errorf("--exact: %+v", r)
	}
}

// What a subscription prints and how it ends, at a broker of ours.
func TestWhatSubSays(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a server")
	}
	_, m := realBroker(t)
	sub := func(words ...string) outcome { return command(t, append([]string{"hpfriends", "sub"}, words...)...) }
	terminalNowhere{t}.ok("pub", "-c", "c", "one")

	// One time, the log's, on every output.
	var shown, kept struct {
		Position string
		Time     time.Time
		Received time.Time
	}
	r := sub("-c", "c", "--from", "first", "--no-follow", "--json")
	history := m.ok("channel", "history", "c", "--json")
	if err := json.Unmarshal([]byte(r.stdout), &shown); err != nil {
		t.Fatalf("%+v: %v", r, err)
	}
	if err := json.Unmarshal([]byte(history), &kept); err != nil {
		t.Fatal(err)
	}
	if !shown.Time.Equal(kept.Time) || shown.Position != kept.Position || !shown.Received.After(shown.Time) ||
		!kept.Received.IsZero() {
		t.Errorf("sub prints %s, channel history %s", r.stdout, history)
	}
	r = sub("-c", "c?from=first", "--count", "1", "--format", "{{.Channel}} {{.Position}} {{.Time.UnixMilli}}")
	if want := fmt.Sprintf("c %s %d\n", kept.Position, kept.Time.UnixMilli()); r.stdout != want {
		t.Errorf("%+v, want %q", r, want)
	}
	if r = sub("-c", "c?from=first&positions=1", "--count", "1"); r.stdout != "c@"+kept.Position[1:]+" k one\n" {
		t.Errorf("frames that are to be seen: %+v", r)
	}

	// Which of two channels is refused.
	m.ok("authkey", "edit", "k", "--as", "ada", "--remove-sub", "*", "--sub", "c")
	r = sub("-c", "c", "-c", "closed")
	if r.code != cmdline.ExitDenied || !strings.Contains(r.stderr, "not allowed to subscribe here. chan=closed (") {
		t.Errorf("one of two refused: %+v", r)
	}
	r = sub("-c", "c", "-c", "shut", "-c", "closed", "-c", "c?since=soon")
	for _, want := range []string{"chan=closed;", "chan=shut ", "chan=c?since=soon;"} {
		if r.code != cmdline.ExitDenied || !strings.Contains(r.stderr, want) {
			t.Errorf("three of four refused, without %s: %+v", want, r)
		}
	}

	// Nothing ends in silence.
	r = sub("-c", "c", "--until", "10s")
	if r.code != cmdline.ExitUsage || !strings.Contains(r.stderr, "is over: give --since or --from") {
		t.Errorf("--until of the past: %+v", r)
	}
	if r = sub("-c", "c", "--until", "#2"); r.code != 0 || !strings.Contains(r.stderr, "nothing has come") {
		t.Errorf("--until a position of the past: %+v", r)
	}
	r = sub("-c", "c", "--from", "first", "--count", "5", "--no-follow")
	if r.code != cmdline.ExitUnavailable || !strings.Contains(r.stderr, "1 of 5 messages") {
		t.Errorf("fewer than --count: %+v", r)
	}

	// A message that is too large is told, and may be what it ends with.
	m.ok("authkey", "edit", "k", "--as", "ada", "--max-message", "1000")
	terminalNowhere{t}.ok("pub", "-c", "c", strings.Repeat("x", 1000))
	terminalNowhere{t}.ok("pub", "-c", "c", "two")
	r = sub("-c", "c", "--from", "first", "--no-follow")
	if r.code != 0 || r.stdout != "c k one\nc k two\n" || !strings.Contains(r.stderr, " bytes on c at #") ||
		!strings.Contains(r.stderr, "is missing: the authkey takes 1000") {
		t.Errorf("a message is too large: %+v", r)
	}
	cursor := t.TempDir() + "/cursor"
	r = sub("-c", "c", "--cursor-file", cursor, "--no-follow", "--exact")
	if r.code != cmdline.ExitFailed || r.stdout != "c k one\nc k two\n" || !strings.Contains(r.stderr, "is missing") {
		t.Errorf("--exact: %+v", r)
	}
	// What was told is not told again.
	if r = sub("-c", "c", "--cursor-file", cursor, "--no-follow", "--exact"); r.code != 0 || r.stdout+r.stderr != "" {
		t.Errorf("the next run: %+v", r)
	}
	// What anybody gets is not missing for who asks for positions and times as well, which sub does.
	m.ok("authkey", "edit", "k", "--as", "ada", "--max-message", strconv.Itoa(wire.HeaderLen+len("1k1c")+2000))
	terminalNowhere{t}.ok("pub", "-c", "c", strings.Repeat("f", 2000))
	r = sub("-c", "c", "--cursor-file", cursor, "--no-follow", "--exact")
	if r.code != 0 || len(r.stdout) != len("c k \n")+2000 || r.stderr != "" {
		t.Errorf("a message of just the limit: %+v", r)
	}
}
