package program

import (
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"hpfriends/eventlog"
	"hpfriends/internal/load"
	"hpfriends/internal/proc"
	"hpfriends/wire"
	"hpfriends/wire/subscription"
)

// asProgram makes the test binary behave as the program itself, so that tests start real server processes.
const asProgram = "HPFRIENDS_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Exit(Main(os.Args))
	}
	if args := os.Getenv(asReader); args != "" {
		fmt.Fprintln(os.Stderr, readerMain(args))
		os.Exit(1)
	}
	_ = os.Setenv("PEBBLE_VA_NOSLEEP", "1") // of the authority that issues certificates
	_ = os.Setenv("PEBBLE_WFE_NONCEREJECT", "0")
	_ = flag.Set("test.parallel", "4") // most of these tests wait for other processes
	os.Exit(m.Run())
}

func startTestProcess(t *testing.T, dir string, flags ...string) *proc.Server {
	t.Helper()
	p, err := proc.Start(context.Background(), dir, []string{asProgram + "=1"}, flags...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// readFrame reads one frame.
func readFrame(r io.Reader) ([]byte, error) {
	head := make([]byte, 4)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, err
	}
	f := make([]byte, binary.BigEndian.Uint32(head))
	copy(f, head)
	_, err := io.ReadFull(r, f[4:])
	return f, err
}

// payloadOf is the payload of a PUBLISH frame.
func payloadOf(f []byte) string {
	at := wire.HeaderLen + 1 + int(f[wire.HeaderLen])
	return string(f[at+1+int(f[at]):])
}

// publishAcked publishes "<run>/0", "<run>/1"… until the connection breaks, and keeps the newest acknowledged count.
func publishAcked(t *testing.T, address string, k load.Key, run int, acked *atomic.Int64) {
	c, err := load.Login(t.Context(), address, k)
	if err != nil {
		t.Error(err)
		return
	}
	defer c.Close()
	if _, err := c.Write(wire.AppendSubscribe(nil, k.Ident, subscription.Acks)); err != nil {
		return
	}
	go func() {
		for {
			f, err := readFrame(c)
			if err != nil {
				return
			}
			n, err := strconv.ParseInt(payloadOf(f), 10, 64)
			if err != nil || f[4] != wire.OpPublish {
				t.Errorf("on %s came opcode %d, %q", subscription.Acks, f[4], payloadOf(f))
				return
			}
			acked.Store(n)
		}
	}()
	for seq := 0; ; {
		var buf []byte
		for range 50 {
			buf = wire.AppendPublish(buf, k.Ident, "c", fmt.Appendf(nil, "%d/%d", run, seq))
			seq++
		}
		if _, err := c.Write(buf); err != nil {
			return
		}
	}
}

// What $acks confirmed is in the log after kill -9: once, in order, without a hole.
func TestAcknowledgedMessagesSurviveKill(t *testing.T) {
	t.Parallel() // it waits most of the time
	kills, publishers := 20, 2
	if testing.Short() {
		kills = 5
	}
	dir := t.TempDir()
	p := startTestProcess(t, dir)
	pubs, _, err := load.SetUp(t.Context(), p.API, "c", publishers, 0)
	if err != nil {
		t.Fatal(err)
	}
	acked := make([]atomic.Int64, kills*publishers)
	for kill := range kills {
		done := make(chan struct{}, publishers)
		for i, k := range pubs {
			run := kill*publishers + i
			go func() { publishAcked(t, p.Address, k, run, &acked[run]); done <- struct{}{} }()
		}
		deadline := time.Now().Add(10 * time.Second)
		for i := range publishers {
			for acked[kill*publishers+i].Load() == 0 && time.Now().Before(deadline) {
				time.Sleep(time.Millisecond)
			}
		}
		time.Sleep(time.Duration(rand.IntN(150)) * time.Millisecond) // the crash comes at any moment
		p.Kill()
		for range publishers {
			<-done
		}
		p = startTestProcess(t, dir)
	}
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	found := readRuns(t, dir)
	total := 0
	for run := range acked {
		if acked[run].Load() == 0 {
			t.Errorf("run %d: nothing was acknowledged: the test shows nothing", run)
		}
		if n := int64(found[run]); n < acked[run].Load() {
			t.Errorf("run %d: %d messages acknowledged, %d in the log", run, acked[run].Load(), n)
		}
		total += found[run]
	}
	t.Logf("%d kills, %d messages in the log", kills, total)
}

// readRuns reads the whole log and returns how many messages each run has; they must be 0, 1, 2… without hole or
// repeat.
func readRuns(t *testing.T, dir string) map[int]int {
	t.Helper()
	log, err := eventlog.Open(eventlog.Config{Dir: filepath.Join(dir, "log"), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	next := make(map[int]int)
	for i := uint64(1); i <= log.Applied(); i++ {
		b, err := log.Batch(i)
		if errors.Is(err, eventlog.ErrNotBatch) {
			continue
		}
		if err != nil {
			t.Fatalf("entry %d: %v", i, err)
		}
		for _, r := range b.Runs {
			for f := r.Frames; len(f) > 0; f = f[binary.BigEndian.Uint32(f):] {
				var run, seq int
				if _, err := fmt.Sscanf(payloadOf(f[:binary.BigEndian.Uint32(f)]), "%d/%d", &run, &seq); err != nil {
					t.Fatal(err)
				}
				if seq != next[run] {
					t.Fatalf("entry %d: run %d continues with %d, want %d", i, run, seq, next[run])
				}
				next[run]++
			}
		}
	}
	return next
}

// A subscriber that reads a kilobyte a second neither slows another nor costs more memory than its outbox, and gets
// every message in the end.
func TestSlowSubscriberHarmsNobody(t *testing.T) {
	p := startTestProcess(t, t.TempDir())
	defer func() {
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	}()
	pubs, subs, err := load.SetUp(t.Context(), p.API, load.Channel, 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	slow, err := load.Subscribe(t.Context(), p.Address, subs[0], load.Channel)
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	if err := slow.(*net.TCPConn).SetReadBuffer(64 << 10); err != nil {
		t.Fatal(err)
	}
	fast, err := load.Subscribe(t.Context(), p.Address, subs[1], load.Channel)
	if err != nil {
		t.Fatal(err)
	}
	defer fast.Close()
	const messages, size = 100_000, 1000
	pub, err := load.Login(t.Context(), p.Address, pubs[0])
	if err != nil {
		t.Fatal(err)
	}
	defer pub.Close()
	before, err := p.RSS()
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		buf := make([]byte, 1024)
		var frames []byte
		for i := range messages {
			frames = wire.AppendPublish(frames[:0], pubs[0].Ident, load.Channel,
				append(fmt.Appendf(buf[:0], "%08d", i), make([]byte, size-8)...))
			if _, err := pub.Write(frames); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	begin := time.Now()
	slowGot := 0
	next := func(c net.Conn, want int) {
		f, err := readFrame(c)
		if err != nil {
			t.Fatalf("message %d: %v", want, err)
		}
		if got := payloadOf(f)[:8]; got != fmt.Sprintf("%08d", want) {
			t.Fatalf("message %d is %s", want, got)
		}
	}
	for i := range messages {
		next(fast, i)
		if time.Since(begin).Seconds() > float64(slowGot) {
			next(slow, slowGot)
			slowGot++
		}
	}
	took := time.Since(begin)
	after, err := p.RSS()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("fast: %d messages in %v; slow: %d meanwhile; resident memory grew by %.1f MiB",
		messages, took, slowGot, (after-before)/(1<<20))
	if slowGot*20 > messages {
		t.Fatalf("the slow subscriber read %d messages meanwhile: the test shows nothing", slowGot)
	}
	if rate := messages / took.Seconds(); rate < 10_000 {
		t.Errorf("the fast subscriber got %.0f messages a second beside a slow one", rate)
	}
	// 100 MB went by: what is allowed is the outbox, what a blocked write holds, the tail cache and Pebble's memtable.
	limit := 128.0
	if testing.Short() { // the race detector's own memory
		limit = 512
	}
	if grown := (after - before) / (1 << 20); grown > limit {
		t.Errorf("resident memory grew by %.0f MiB, at most %.0f", grown, limit)
	}
	for i := slowGot; i < messages; i++ {
		next(slow, i)
	}
}
