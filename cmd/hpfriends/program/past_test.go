package program

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"hpfriends/cmd/hpfriends/feed"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/freeport"
	"hpfriends/internal/ndjson"
	"hpfriends/internal/proc"
	"hpfriends/wire"
)

// realBroker is a whole server of a test, with a user whose authkey k may do everything.
func realBroker(t *testing.T, flags ...string) (p *proc.Server, m terminal) {
	t.Helper()
	t.Setenv(asProgram, "1")
	host, port, _ := net.SplitHostPort(freeport.On127(t))
	flags = append(flags, "--hpfeeds", "tcp:port="+port+":interface="+host)
	p, err := proc.Start(context.Background(), t.TempDir(), nil, flags...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	})
	m = terminal{t, p.Dir}
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("s3cret-k7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]string{"IDENT": "k", "SECRET_FILE": secret, "PORT": port} {
		t.Setenv("HPFRIENDS_"+name, v)
	}
	m.ok("user", "add", "ada")
	m.ok("authkey", "add", "-i", "k", "--as", "ada", "--pub", "*", "--sub", "*", "--secret-file", secret)
	return p, m
}

// contents are channel and payload of each line of a file that export wrote, and whether it is whole.
func contents(t *testing.T, path string) (all []string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(path, ".zst") {
		z, err := zstd.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		defer z.Close()
		r = z
	}
	end := false
	for s := bufio.NewReader(r); ; {
		line, err := s.ReadBytes('\n')
		if err != nil {
			break
		}
		rec, err := ndjson.Parse(line)
		if err != nil {
			t.Fatal(err)
		}
		if end = rec.End != nil && rec.End.End; rec.Message != nil {
			all = append(all, fmt.Sprintf("%q %q", rec.Message.Channel, rec.Message.Payload))
		}
	}
	if !end {
		t.Errorf("%s has no last line", path)
	}
	return all
}

func same(t *testing.T, got, want []string) {
	t.Helper()
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Fatalf("message %d is %.80s, want %.80s", i, got[i], want[i])
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%d messages, want %d", len(got), len(want))
	}
}

// What is exported, imported and exported again is the same, whatever bytes it is; compressed or not; in order.
func TestExportImportExport(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a server")
	}
	p, m := realBroker(t)
	hostile := []string{"", "plain", "\x1b]0;t\x07", "a\nb\r\n", "\xff\xfe\x00", "\u2028\u202e", `{"end":true}`,
		"\\u0000\"", strings.Repeat("long ", 60000)}
	d, err := feed.Deliver(t.Context(), wire.DialConfig{Addr: p.Address, Ident: "k", Secret: []byte("s3cret-k7")},
		feed.Terms{Ours: true, Wait: feed.DefaultPatience})
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for i := range 300 {
		channel, payload := []string{"c", "d", "c\xff"}[i%3], hostile[i%len(hostile)]
		if err := d.Publish(channel, []byte(payload)); err != nil {
			t.Fatal(err)
		}
		want = append(want, fmt.Sprintf("%q %q", channel, payload))
	}
	if err := d.Finish(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	first, second := filepath.Join(dir, "1.ndjson.zst"), filepath.Join(dir, "2.ndjson")
	m.ok("export", "*", "--from", "first", "-o", first)
	same(t, contents(t, first), want)
	var n struct{ Next string }
	if err := json.Unmarshal([]byte(m.ok("replay", "*", "--from", "first", "--dry-run", "--json")), &n); err != nil {
		t.Fatal(err)
	}
	code, _, msg := m.run("import", first, "--data-dir", "nowhere") // hpfeeds only
	if code != 2 {
		t.Errorf("import takes no --data-dir: %d %s", code, msg)
	}
	importFile(t, first)
	m.ok("export", "*", "--from", n.Next, "-o", second)
	same(t, contents(t, second), want)
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 2 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	// A compressed file that is cut off anywhere is found out.
	whole, err := os.ReadFile(first)
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{0, 1, len(whole) / 2, len(whole) - 1} {
		cut := filepath.Join(dir, "cut.ndjson.zst")
		if err := os.WriteFile(cut, whole[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		var out, msg bytes.Buffer
		code := run(t.Context(), []string{"hpfriends", "import", "--dry-run", cut}, &out, &msg)
		if code != cmdline.ExitFailed {
			t.Errorf("cut after %d of %d bytes: exit %d, %s", size, len(whole), code, msg.String())
		}
	}
}

func importFile(t *testing.T, path string, flags ...string) {
	t.Helper()
	var out, msg bytes.Buffer
	if code := run(t.Context(), append([]string{"hpfriends", "import", path}, flags...), &out, &msg); code != 0 {
		t.Fatalf("exit %d: %s", code, msg.String())
	}
}

// An import that was refused in the middle says where to go on; going on there loses and repeats nothing.
func TestImportGoesOn(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a server")
	}
	_, m := realBroker(t)
	m.ok("authkey", "edit", "k", "--as", "ada", "--remove-pub", "*", "--pub", "c")
	var lines []byte
	for i := range 20 {
		channel := "c"
		if i == 12 {
			channel = "closed"
		}
		lines = ndjson.Append(lines, ndjson.Message{Channel: []byte(channel), Payload: fmt.Append(nil, i)})
	}
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, lines, 0o600); err != nil {
		t.Fatal(err)
	}
	var out, msg bytes.Buffer
	code := run(t.Context(), []string{"hpfriends", "import", "--partial", path}, &out, &msg)
	if code != cmdline.ExitDenied || !strings.Contains(msg.String(), "go on with --from-line 13") {
		t.Fatalf("exit %d: %s", code, msg.String())
	}
	importFile(t, path, "--partial", "--from-line", "13", "--channel", "c")
	var got []string
	for line := range strings.Lines(m.ok("replay", "c", "--from", "first")) {
		rec, err := ndjson.Parse([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(rec.Message.Payload))
	}
	want := "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19"
	if s := strings.Join(got, " "); s != want {
		t.Errorf("%s, want %s", s, want)
	}
}

// A subscriber whose connection ends goes on exactly where it was: nothing twice, nothing missing.
func TestSubGoesOnAfterALostConnection(t *testing.T) {
	if testing.Short() {
		t.Skip("starts servers")
	}
	p, m := realBroker(t)
	m.ok("user", "ls")
	publish := func(words ...string) {
		t.Helper()
		for _, w := range words {
			m2 := terminalNowhere{t}
			m2.ok("pub", "-c", "c", w)
		}
	}
	publish("one", "two")
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	var out, msg screen
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, []string{"hpfriends", "sub", "-c", "c", "--since", "1h"}, &out, &msg)
	}()
	publish("three")
	out.await(t, "three")
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	again, err := proc.Start(context.Background(), p.Dir, nil, "--hpfeeds",
		"tcp:port="+os.Getenv("HPFRIENDS_PORT")+":interface=127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	*p = *again
	publish("four")
	out.await(t, "four")
	interrupt()
	<-code
	if want := "c k one\nc k two\nc k three\nc k four\n"; out.String() != want {
		t.Errorf("%q, want %q; %s", out.String(), want, msg.String())
	}
}

// terminalNowhere runs commands that ask no data directory.
type terminalNowhere struct{ t *testing.T }

func (m terminalNowhere) ok(args ...string) {
	m.t.Helper()
	var out, msg bytes.Buffer
	if code := run(m.t.Context(), append([]string{"hpfriends"}, args...), &out, &msg); code != 0 {
		m.t.Fatalf("%q: exit %d: %s", args, code, msg.String())
	}
}
