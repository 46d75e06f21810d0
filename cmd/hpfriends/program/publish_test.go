package program

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"hpfriends/cmd/hpfriends/feed"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/ndjson"
	"hpfriends/internal/proc"
	"hpfriends/wire"
)

// A publisher whose server is stopped ends with 6 and says how much is confirmed, and the same command goes on there:
// each line is in the log, and none of the confirmed ones twice. Before, it ended with 0, most of its lines lost.
func TestPublisherGoesOnAfterTheServerWasStopped(t *testing.T) {
	if testing.Short() {
		t.Skip("starts servers and publishers")
	}
	p, m := realBroker(t)
	const lines = 20000
	var text strings.Builder
	for n := range lines {
		text.WriteString(strconv.Itoa(n) + "\n")
	}
	dir := t.TempDir()
	state, all := filepath.Join(dir, "state"), filepath.Join(dir, "all")
	publish := func(more ...string) (*exec.Cmd, *bytes.Buffer) {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		t.Cleanup(cancel)
		said := new(bytes.Buffer)
		args := append([]string{"pub", "-c", "c", "--stdin-lines", "--resume", state}, more...)
		cmd := exec.CommandContext(ctx, os.Args[0], args...)
		cmd.Env = append(os.Environ(), asProgram+"=1")
		cmd.Stdin, cmd.Stderr = strings.NewReader(text.String()), said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd, said
	}
	cmd, said := publish("--rate", "4000/s")
	for deadline := time.Now().Add(20 * time.Second); ; {
		if _, out, _ := m.run("replay", "c", "--from", "first"); strings.Count(out, "\n") >= 200 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("nothing comes")
		}
	}
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	err := cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != cmdline.ExitUnavailable {
		t.Fatalf("exit %d, %v: %s", code, err, said)
	}
	_, rest, _ := strings.Cut(said.String(), "; ")
	words := strings.Fields(rest) // N of M messages sent are confirmed
	confirmed, err := strconv.Atoi(words[0])
	sent, err2 := strconv.Atoi(words[2])
	if err := errors.Join(err, err2); err != nil || confirmed < 1 || sent >= lines || confirmed > sent {
		t.Fatalf("%v: %s", err, said)
	}
	again, err := proc.Start(t.Context(), p.Dir, nil, "--hpfeeds",
		"tcp:port="+os.Getenv("HPFRIENDS_PORT")+":interface=127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := again.Stop(); err != nil {
			t.Error(err)
		}
	}()
	if cmd, said = publish(); cmd.Wait() != nil || said.Len() > 0 {
		t.Fatalf("going on: %v, %s", cmd.ProcessState, said)
	}
	m.ok("export", "c", "--from", "first", "-o", all)
	times := make([]int, lines)
	for _, c := range contents(t, all) {
		n, err := strconv.Atoi(strings.Trim(strings.TrimPrefix(c, `"c" `), `"`))
		if err != nil {
			t.Fatal(err)
		}
		times[n]++
	}
	for n, times := range times {
		if unknown := n >= confirmed && n < sent; times != 1 && !(unknown && times == 2) {
			t.Fatalf("line %d is there %d times; %d of %d were confirmed", n, times, confirmed, sent)
		}
	}
}

// A replay that was refused in the middle goes on, by the flags that it says or by its file; that loses and repeats
// nothing, though what it has published meanwhile is in the log, too.
func TestReplayGoesOn(t *testing.T) {
	if testing.Short() {
		t.Skip("starts servers")
	}
	for name, flags := range map[string][]string{"flags": nil, "file": {"--resume", filepath.Join(t.TempDir(), "state")}} {
		t.Run(name, func(t *testing.T) {
			p, m := realBroker(t)
			const messages, closed = 9000, 8990 // more than are noted at once
			publishNumbers(t, p.Address, messages, closed)
			m.ok("authkey", "edit", "k", "--as", "ada", "--remove-pub", "*", "--pub", "c")
			again := append([]string{"replay", "*", "--from", "first", "--to", "channel:", "--count", "8998"}, flags...)
			code, _, msg := m.run(again...)
			hint := regexp.MustCompile(`8990 of 8991 .*(on with (--from) '(.+)' (--until) '(.+)' --count 8|same command .*)\n`)
			told := hint.FindStringSubmatch(msg)
			if code != cmdline.ExitDenied || told == nil || (told[3] == "") != (flags != nil) {
				t.Fatalf("exit %d: %s", code, msg)
			}
			m.ok("authkey", "edit", "k", "--as", "ada", "--pub", "closed")
			if flags == nil {
				again = append([]string{"replay", "*", "--to", "channel:", "--count", "8"}, told[2:]...)
			}
			m.ok(again...)
			times := make([]int, messages)
			for line := range strings.Lines(m.ok("replay", "*", "--from", "first")) {
				rec, err := ndjson.Parse([]byte(line))
				if err != nil {
					t.Fatal(err)
				}
				n, err := strconv.Atoi(string(rec.Message.Payload))
				if err != nil {
					t.Fatal(err)
				}
				times[n]++
			}
			for n, times := range times {
				if want := map[bool]int{true: 2, false: 1}[n < 8998]; times != want {
					t.Fatalf("message %d is there %d times, want %d", n, times, want)
				}
			}
		})
	}
}

// publishNumbers publishes 0, 1, 2, ... on channel c, but one of them on the channel "closed".
func publishNumbers(t *testing.T, addr string, messages, closed int) {
	t.Helper()
	d, err := feed.Deliver(t.Context(), wire.DialConfig{Addr: addr, Ident: "k", Secret: []byte("s3cret-k7")},
		feed.Terms{Ours: true, Wait: feed.DefaultPatience})
	if err != nil {
		t.Fatal(err)
	}
	for n := range messages {
		channel := "c"
		if n == closed {
			channel = "closed"
		}
		if err := d.Publish(channel, []byte(strconv.Itoa(n))); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Finish(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
}
