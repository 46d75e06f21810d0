package compat

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hpfriends/internal/feedtest"
	"hpfriends/wire"
)

func TestBrokerArgsBecomeServe(t *testing.T) {
	for line, want := range map[string]string{
		``:                   `serve --hpfeeds tcp:port=20000:interface=0.0.0.0 --name hpfeeds`,
		`--bind 127.0.0.1:1`: `serve --hpfeeds tcp:port=1:interface=127.0.0.1 --name hpfeeds`,
		`--bind :10000`:      `serve --hpfeeds tcp:port=10000 --name hpfeeds`,
		`--bind [::1]:10000`: `serve --hpfeeds tcp:port=10000:interface=\:\:1 --name hpfeeds`,
		`--name x --debug`:   `serve --hpfeeds tcp:port=20000:interface=0.0.0.0 --name x --log-level debug`,
		`--exp 0.0.0.0:9431`: `serve --hpfeeds tcp:port=20000:interface=0.0.0.0 --name hpfeeds --http 0.0.0.0:9431`,
		`-e tcp:port=1`:      `serve --hpfeeds tcp:port=1:interface=0.0.0.0 --name hpfeeds`,
		`-etcp:port=1 -e=tcp:port=2:device=eth0 --bind 1.2.3.4:5`: `serve --hpfeeds tcp:port=5:interface=1.2.3.4 ` +
			`--hpfeeds tcp:port=1:interface=0.0.0.0 --hpfeeds tcp:port=2:interface=0.0.0.0:device=eth0 --name hpfeeds`,
		`-e tls:port=1:interface=::1`:                     ``,
		`-e tls:port=1:interface=\:\:1:cert=/a\:b:key=/k`: `serve --hpfeeds tls:port=1:interface=\:\:1:cert=/a\:b:key=/k --name hpfeeds`,
		`--tlscert /c:1 --tlskey /k`:                      `serve --hpfeeds tls:port=20000:interface=0.0.0.0:cert=/c\:1:key=/k --name hpfeeds`,
		`--tlscert /c`:                                    `ERR Must specify --tlskey AND --tlscert`,
		`-e tcp:interface=1.1.1.1`:                        `ERR port is missing`,
		`-e tcp:1`:                                        `ERR want key=value`,
		`-e tcp:port=1:privateKey=x`:                      `ERR privateKey`,
		`-e tls:port=1:chain=x`:                           `ERR into the file of cert`,
		`-e udp:port=1`:                                   `ERR udp`,
		`--bind 1.2.3.4`:                                  `ERR want IP:PORT`,
		`--bind ::1`:                                      `ERR want IP:PORT`,
		`--exporter x`:                                    `ERR --exporter`,
		`--auth users.json --auth env --auth sqlite`: `serve --auth users.json --auth env ` +
			`--hpfeeds tcp:port=20000:interface=0.0.0.0 --name hpfeeds`,
		`--nope`: `ERR unrecognized arguments: --nope`,
		`-h`:     `ERR help`,
	} {
		if want == "" {
			want = "ERR want key=value"
		}
		args, err := brokerArgs(split(line))
		got := strings.Join(args, " ")
		if text, bad := strings.CutPrefix(want, "ERR "); bad {
			if err == nil || !strings.Contains(err.Error(), text) {
				t.Errorf("%s: %q, %v; want an error with %q", line, got, err, text)
			}
			continue
		}
		if err != nil || got != want {
			t.Errorf("%s:\n got %q, %v\nwant %q", line, got, err, want)
		}
		for i, a := range args {
			if a == "--hpfeeds" {
				if _, err := wire.ParseEndpoint(args[i+1]); err != nil {
					t.Errorf("%s: %v", line, err)
				}
			}
		}
	}
}

func TestRunBroker(t *testing.T) {
	t.Chdir(t.TempDir())
	var stdout, stderr bytes.Buffer
	var ran []string
	serve := func(args []string) int { ran = args; return 7 }
	if code := RunBroker([]string{"--bind", ":1"}, &stdout, &stderr, serve); code != 7 || len(ran) < 2 ||
		ran[0] != "hpfriends" || ran[1] != "serve" || stderr.Len() > 0 {
		t.Errorf("exit %d, ran %q, said %q", code, ran, stderr.String())
	}
	if err := os.WriteFile("sqlite.db", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	// The Python broker's default is ./sqlite.db, by whatever name.
	for _, args := range [][]string{nil, {"--auth", "sqlite"}, {"--auth", "other.db"}} {
		if RunBroker(args, &stdout, &stderr, serve); !slices.Contains(ran, "--auth") || !slices.Contains(ran, "sqlite.db") {
			t.Errorf("%q ran %q, said %q", args, ran, stderr.String())
		}
	}
	ran = nil
	if code := RunBroker([]string{"-h"}, &stdout, &stderr, serve); code != 0 || ran != nil ||
		!strings.HasPrefix(stdout.String(), "usage: hpfeeds-broker") {
		t.Errorf("exit %d, printed %q", code, stdout.String())
	}
}

// TestProgramsTakeEachOthersFlags has the options that the oracle does not know.
func TestProgramsTakeEachOthersFlags(t *testing.T) {
	cert := filepath.Join(t.TempDir(), "cert")
	if err := os.WriteFile(cert, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"hpfeeds --certfile":        "has no certificate",
		"hpfeeds --certf":           "has no certificate",
		"hpfeeds --c":               "", // --chan: the sister's flag does not make it ambiguous
		"hpfeeds-client --c":        "ambiguous option: --c (--certfile, --chan?)",
		"hpfeeds-client --tlscert":  "has no certificate",
		"hpfeeds-client --tls --ch": "",
		"hpfeeds-client --tl --ch":  "ambiguous option: --tl (--tls, --tlscert?)",
	} {
		words := strings.Fields(line)
		p := HpfeedsProgram
		if words[0] == ClientProgram.Name {
			p = ClientProgram
		}
		args := append([]string{"publish", "--host", "h", "-p1", "-ii", "-ss", "-cx"}, append(words[1:], cert)...)
		f, err := p.configure(args)
		switch {
		case want == "" && (err != nil || !slices.Contains(f.channels, cert)):
			t.Errorf("%s: %v", line, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v, want %q", line, err, want)
		}
	}
}

func TestFeedSubscribesAppendsAndStopsOnError(t *testing.T) {
	b := feedtest.StartEchoBroker(t)
	file := filepath.Join(t.TempDir(), "log")
	start := func(channel string) (*bytes.Buffer, chan int) {
		f, err := HpfeedsProgram.configure([]string{"subscribe", "--host", b.Host, "-p", b.Port, "-ime", "-s", "secret of me",
			"-c", channel, "-o", file})
		if err != nil {
			t.Fatal(err)
		}
		var out, log bytes.Buffer
		f.out, f.log, f.retry = &out, &log, feedRetry
		done := make(chan int, 1)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		t.Cleanup(cancel)
		go func() { done <- f.run(ctx) }()
		return &out, done
	}
	out, done := start(feedtest.ClosedChannel)
	want := "[feedcli] connected to echo\n[feedcli] Error message from broker: Authkey not allowed to subscribe " +
		"here. chan=" + feedtest.ClosedChannel + "\n[feedcli] closing connection.\n"
	if code := <-done; code != 0 || out.String() != want {
		t.Errorf("exit %d, printed %q", code, out.String())
	}
	out, done = start("a")
	b.AwaitSubscription(t)
	b.Publish(t, "a", "text\twith\nlines", "\x00\x01binary of more than twenty bytes", "short\x00", "é")
	b.CloseAll(errRefused) // any ERROR ends it
	if code := <-done; code != 0 {
		t.Errorf("exit %d", code)
	}
	lines := "publish to a by me: text\twith\nlines\n" +
		"publish to a by me: 000162696e617279206f66206d6f726520746861...\n" +
		"publish to a by me: 73686f727400...\npublish to a by me: c3a9...\n"
	want = "[feedcli] connected to echo\n" + strings.ReplaceAll(lines, "publish", "[feedcli] publish") +
		"[feedcli] Error message from broker: refused\n[feedcli] closing connection.\n"
	if out.String() != want {
		t.Errorf("printed %q, want %q", out.String(), want)
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != lines {
		t.Errorf("the file has %q, %v", got, err)
	}
}

// The originals decide by the first 20 bytes whether a payload is text; what they would print as it is, is made
// harmless.
func TestHostileMessagesCannotAlterATerminalOfTheOriginals(t *testing.T) {
	late := slices.Clone(feedtest.HostileMessages)
	for i := range late {
		late[i].Payload = append([]byte("twenty harmless bytes"), late[i].Payload...)
	}
	for _, m := range append(late, feedtest.HostileMessages...) {
		feedtest.CheckSafe(t, "on a terminal", m, (&invocation{terminal: true}).line(m), "\t")
		feedtest.CheckSafe(t, "in a file", m, (&invocation{}).line(m), "\t\n")
	}
}
