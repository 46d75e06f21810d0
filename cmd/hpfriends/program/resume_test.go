package program

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hpfriends/eventlog/entry"
	"hpfriends/internal/load"
	"hpfriends/wire"
	"hpfriends/wire/subscription"
)

// asReader makes the test binary a subscriber that writes down what it has received: "address ident secret query file".
const asReader = "HPFRIENDS_TEST_AS_READER"

// resumable is what the subscriber writes for each message, when its program has it: the position and the payload. A
// write that a kill has cut is not a record.
const (
	resumeChannel = "resume"
	resumeSize    = 256 // bytes of a payload; it begins with the message's number
)

// readerMain receives until it is killed. With positions=1 in its query it resumes behind the last one that it wrote
// down.
func readerMain(args string) error {
	f := strings.Fields(args)
	address, key, query, path := f[0], load.Key{Ident: f[1], Secret: f[2]}, f[3], f[4]
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	last, err := lastRecord(file)
	if err != nil {
		return err
	}
	if strings.Contains(query, "positions=1") {
		query += "&from=" + last
	}
	c, err := load.Login(context.Background(), address, key)
	if err != nil {
		return err
	}
	if _, err := c.Write(wire.AppendSubscribe(nil, key.Ident, resumeChannel+"?"+query)); err != nil {
		return err
	}
	r := bufio.NewReaderSize(c, 64<<10)
	var out []byte
	for {
		frame, err := readFrame(r)
		if err != nil {
			return err
		}
		_, channel, payload, err := wire.ParsePublish(frame)
		if err != nil {
			return fmt.Errorf("%q: %w", frame, err)
		}
		if string(channel) == subscription.Replay {
			return fmt.Errorf("notice %s", payload)
		}
		_, position, _ := strings.Cut(string(channel), "@")
		number, _, _ := bytes.Cut(payload, []byte(" "))
		out = fmt.Appendf(out, "%s %s\n", position, number)
		if r.Buffered() > 0 && bytes.Count(out, []byte("\n")) < 64 {
			continue
		}
		if _, err := file.Write(out); err != nil {
			return err
		}
		out = out[:0]
		if rand.IntN(50) == 0 { // so that bytes wait in the socket
			time.Sleep(time.Duration(rand.IntN(5)) * time.Millisecond)
		}
	}
}

// lastRecord cuts off what is no record, and returns the position behind the last one, as a query has it.
func lastRecord(f *os.File) (string, error) {
	data, err := io.ReadAll(f)
	if err != nil {
		return "", err
	}
	end := bytes.LastIndexByte(data, '\n') + 1
	if err := f.Truncate(int64(end)); err != nil || end == 0 {
		return "first", err
	}
	line := data[bytes.LastIndexByte(data[:end-1], '\n')+1 : end-1]
	position, _, _ := bytes.Cut(line, []byte(" "))
	if len(position) == 0 {
		return "", nil
	}
	p, err := entry.ParsePosition(string(position))
	p.Offset++
	return "%23" + p.String()[1:], err
}

// A subscriber that is killed at random, again and again, while messages pass, misses none: with a durable
// subscription it gets every message at least once, and when it resumes by positions exactly once.
func TestKilledSubscriberMissesNothing(t *testing.T) {
	t.Parallel() // it waits most of the time
	messages, kills := 1_000_000, 100
	if testing.Short() {
		messages, kills = 100_000, 12
	}
	for _, way := range []struct {
		query string
		once  bool
	}{{"positions=1", true}, {"durable=tool&from=first", false}} {
		t.Run(way.query, func(t *testing.T) {
			c := newCommunity(t, "ada")
			file := filepath.Join(t.TempDir(), "received")
			published := make(chan error, 1)
			var sent atomic.Int64
			go func() { published <- c.pace("ada", messages, time.Duration(kills)*60*time.Millisecond, &sent) }()
			args := strings.Join([]string{c.Address, c.keys["ada"].Ident, c.keys["ada"].Secret, way.query, file}, " ")
			for range kills {
				p := startReader(t, args)
				time.Sleep(time.Duration(20+rand.IntN(80)) * time.Millisecond)
				p.kill(t)
			}
			if err := <-published; err != nil {
				t.Fatal(err)
			}
			last := startReader(t, args)
			numbers := awaitRecords(t, file, messages)
			last.kill(t)
			seen := make([]int, messages)
			repeats := 0
			for _, n := range numbers {
				if seen[n]++; seen[n] > 1 {
					repeats++
				}
			}
			for n, times := range seen {
				if times == 0 || way.once && times != 1 {
					t.Fatalf("message %d was received %d times", n, times)
				}
			}
			t.Logf("%d messages, %d kills, %d repeats", messages, kills, repeats)
		})
	}
}

// pace publishes numbered messages within about the given time.
func (c *community) pace(user string, count int, within time.Duration, sent *atomic.Int64) error {
	conn, err := load.Login(context.Background(), c.Address, c.keys[user])
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.Write(wire.AppendSubscribe(nil, c.keys[user].Ident, subscription.Acks)); err != nil {
		return err
	}
	const step = 500
	var buf []byte
	begin := time.Now()
	for n := 0; n < count; n += step {
		buf = buf[:0]
		for i := range step {
			buf = wire.AppendPublish(buf, c.keys[user].Ident, resumeChannel, fmt.Appendf(nil, "%-*d", resumeSize, n+i))
		}
		if _, err := conn.Write(buf); err != nil {
			return err
		}
		sent.Add(step)
		time.Sleep(time.Until(begin.Add(within * time.Duration(n) / time.Duration(count))))
	}
	for {
		f, err := readFrame(conn)
		if err != nil {
			return err
		}
		if payloadOf(f) == strconv.Itoa(count) {
			return nil
		}
	}
}

type reader struct {
	cmd *exec.Cmd
	err bytes.Buffer
}

func startReader(t *testing.T, args string) *reader {
	t.Helper()
	r := &reader{cmd: exec.Command(os.Args[0])}
	r.cmd.Env = append(os.Environ(), asReader+"="+args)
	r.cmd.Stderr = &r.err
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return r
}

// kill is kill -9. It must still be running: a reader ends by itself only when something is wrong.
func (r *reader) kill(t *testing.T) {
	t.Helper()
	_ = r.cmd.Process.Kill()
	var exit *exec.ExitError
	if err := r.cmd.Wait(); !errors.As(err, &exit) || exit.Exited() {
		t.Fatalf("the reader ended by itself: %v: %s", err, r.err.String())
	}
}

// awaitRecords waits until the last message has been written down, and returns all numbers in order of their receipt.
func awaitRecords(t *testing.T, path string, messages int) (numbers []int) {
	t.Helper()
	tail := []byte(fmt.Sprintf(" %d\n", messages-1))
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		data, err := os.ReadFile(path)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		if bytes.HasSuffix(data, tail) {
			for line := range bytes.Lines(data) {
				_, number, _ := bytes.Cut(bytes.TrimSuffix(line, []byte("\n")), []byte(" "))
				n, err := strconv.Atoi(string(number))
				if err != nil || n >= messages {
					continue // cut by a kill
				}
				numbers = append(numbers, n)
			}
			return numbers
		}
		if time.Now().After(deadline) {
			t.Fatalf("after a minute the last message is not there; the records end with %q", data[max(0, len(data)-100):])
		}
	}
}
