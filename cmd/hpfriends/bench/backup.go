package bench

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"hpfriends/api"
	"hpfriends/internal/load"
	"hpfriends/internal/payload"
	"hpfriends/internal/proc"
	"hpfriends/internal/timespec"
	"hpfriends/wire"
	"hpfriends/wire/subscription"
)

// backupPayload is what a backup is measured with.
const backupPayload = 1 << 30

// backupReport is what the command backup prints.
type backupReport struct {
	Size   uint64 `json:"size"`
	Totals struct {
		Messages, Bytes uint64
	} `json:"totals"`
}

// benchBackup takes a backup while 20,000 messages a second are confirmed, and makes a new node of it, which has to
// have the same audit and each message at its position.
func benchBackup(ctx context.Context, b *bench) ([]figure, error) {
	l, err := b.replays(ctx)
	if err != nil {
		return nil, err
	}
	l.messages = min(l.messages, backupPayload/replaySize) / replayChannels * replayChannels
	if err := l.fill(ctx, "load", replayChannels, l.messages); err != nil {
		return nil, err
	}
	file := filepath.Join(b.Dir, "bench.hpfb")
	alone, beside, took, err := l.confirmedBeside(ctx, func() error {
		_, err := command(ctx, "backup", "create", file, "--data-dir", l.Dir, "--json")
		return err
	})
	if err != nil {
		return nil, err
	}
	figures, err := l.restored(ctx, file, took)
	return append(figures, confirmed("the backup", alone, beside)...), err
}

// confirmed are the figures of confirmations alone and beside some work.
func confirmed(work string, alone, beside []time.Duration) []figure {
	return []figure{
		{Name: "confirmation at 20,000/s, p50", Unit: "ms", Value: quantile(alone, .5)},
		{Name: "confirmation at 20,000/s, p99", Unit: "ms", Value: quantile(alone, .99)},
		{Name: "confirmation beside " + work + ", p50", Unit: "ms", Value: quantile(beside, .5)},
		{Name: "confirmation beside " + work + ", p99", Unit: "ms", Value: quantile(beside, .99),
			Target: 2 * quantile(alone, .99), AtMost: true},
	}
}

// confirmedBeside publishes at a steady pace, and after a while does some work beside it. It returns how long the
// confirmations took before and meanwhile, and how long the work did.
func (l *replayLoad) confirmedBeside(ctx context.Context, work func() error) (alone, beside []time.Duration,
	took time.Duration, err error,
) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	confirmed := &confirmations{}
	g := load.NewCrew(cancel)
	c, err := load.Login(ctx, l.Address, l.pub)
	if err != nil {
		return nil, nil, 0, err
	}
	if _, err := c.Write(wire.AppendSubscribe(nil, l.pub.Ident, subscription.Acks)); err != nil {
		return nil, nil, 0, err
	}
	g.Run(c, func() error {
		var n atomic.Int64
		return load.CountFrames(c, &n, confirmed.take)
	})
	g.Run(c, func() error {
		return confirmed.publish(ctx, func(b []byte) error { _, err := c.Write(b); return err }, l.pub.Ident)
	})
	err = timespec.Sleep(ctx, 2*time.Second) // warming up
	confirmed.drain()
	if err == nil {
		err = timespec.Sleep(ctx, l.duration)
	}
	alone = confirmed.drain()
	begin := time.Now()
	if err == nil {
		err = work()
	}
	took, beside = time.Since(begin), confirmed.drain()
	cancel()
	if err := errors.Join(g.End(), err); err != nil {
		return nil, nil, 0, err
	}
	if least := int(min(l.duration, took).Seconds() * steadyRate / 2); len(alone) < least || len(beside) < least {
		return nil, nil, 0, fmt.Errorf("%d and %d messages were confirmed: the server does not keep the pace",
			len(alone), len(beside))
	}
	return alone, beside, took, nil
}

// restored makes a node of the backup and compares it with the original.
func (l *replayLoad) restored(ctx context.Context, file string, took time.Duration) (figures []figure, err error) {
	before, err := api.VerifyAudit.Run(ctx, l.API, func(api.Progress) {})
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(l.Dir, "bench-restored")
	begin := time.Now()
	text, err := command(ctx, "backup", "verify", file, "--json")
	if err != nil {
		return nil, err
	}
	verified := time.Since(begin)
	var made backupReport
	if err := json.Unmarshal(text, &made); err != nil {
		return nil, err
	}
	begin = time.Now()
	if _, err := command(ctx, "backup", "restore", file, "--data-dir", dir); err != nil {
		return nil, err
	}
	back := time.Since(begin)
	key, err := os.ReadFile(filepath.Join(l.Dir, "data.key"))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "data.key"), key, 0o600)
	}
	if err != nil {
		return nil, err
	}
	p, err := proc.Start(ctx, dir, nil)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.Stop()) }()
	after, err := api.VerifyAudit.Run(ctx, p.API, func(api.Progress) {})
	if err != nil {
		return nil, err
	}
	if before.Hash != after.Hash || before.Events != after.Events {
		return nil, fmt.Errorf("the audit of the restored node ends with %s, that of the original with %s", after.Hash,
			before.Hash)
	}
	n := int(made.Totals.Messages)
	want, err := l.digest(ctx, l.Address, n)
	if err != nil {
		return nil, err
	}
	got, err := l.digest(ctx, p.Address, n)
	if err == nil && got != want {
		err = fmt.Errorf("the restored node has other messages, or at other positions, than the original")
	}
	payloads := float64(n * replaySize)
	rate := func(d time.Duration) float64 { return payloads / d.Seconds() / (1 << 20) }
	return []figure{
		{Name: fmt.Sprintf("backup of %d messages of 256 B", n), Unit: "s", Value: took.Seconds(), Target: 60, AtMost: true},
		{Name: "payload that is backed up and verified", Unit: "MiB/s", Value: rate(took)},
		{Name: "size of the backup", Unit: "MiB", Value: float64(made.Size) / (1 << 20)},
		{Name: "size of the backup, by payload", Unit: "%", Value: 100 * float64(made.Size) / payloads},
		{Name: "payload verified", Unit: "MiB/s", Value: rate(verified)},
		{Name: "payload verified and restored", Unit: "MiB/s", Value: rate(back)},
		{Name: "restored node until ready", Unit: "ms", Value: p.Started.Seconds() * 1000},
		{Name: "messages at their positions on the restored node", Unit: "", Value: float64(n)},
	}, err
}

// digest is over the first n messages of a log, with their positions and times.
func (l *replayLoad) digest(ctx context.Context, address string, n int) (sum [sha256.Size]byte, err error) {
	at := &replayLoad{bench: &bench{Server: &proc.Server{Address: address}}, sub: l.sub}
	h, seen := sha256.New(), 0
	_, err = at.read(ctx, "*", url.Values{"from": {"first"}, "follow": {"0"}, "positions": {"1"}, "times": {"1"}},
		func(frame []byte) {
			if seen++; seen <= n {
				h.Write(frame)
			}
		})
	if err == nil && seen < n {
		err = fmt.Errorf("the replay has %d messages, the backup %d", seen, n)
	}
	return [sha256.Size]byte(h.Sum(nil)), err
}

// command runs this program.
func command(ctx context.Context, args ...string) ([]byte, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	out, err := exec.CommandContext(ctx, self, args...).Output()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		err = fmt.Errorf("%v: %w: %s", args, err, failed.Stderr)
	}
	return out, err
}

// confirmations measures how long it takes from a message's writing until it is said to be durable.
type confirmations struct {
	mu    sync.Mutex
	sent  []time.Time // of those that are not confirmed
	done  int         // confirmed
	times []time.Duration
}

func (c *confirmations) publish(ctx context.Context, write func([]byte) error, ident string) error {
	all := payload.Honeypot(1000, replaySize)
	tick := time.NewTicker(time.Second * steadyTick / steadyRate)
	defer tick.Stop()
	begin, sent := time.Now(), 0
	var buf []byte
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		now, due := time.Now(), int(time.Since(begin).Seconds()*steadyRate)
		buf = buf[:0]
		c.mu.Lock()
		for ; sent < due; sent++ {
			c.sent = append(c.sent, now)
			buf = wire.AppendPublish(buf, ident, load.Channel, all[sent%len(all)])
		}
		c.mu.Unlock()
		if err := write(buf); err != nil && ctx.Err() == nil {
			return err
		}
	}
}

// take takes a frame that says how many messages are durable.
func (c *confirmations) take(frame []byte) {
	_, _, text, err := wire.ParsePublish(frame)
	durable, bad := strconv.Atoi(string(text))
	if err != nil || bad != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	n := min(durable-c.done, len(c.sent))
	for _, at := range c.sent[:n] {
		c.times = append(c.times, time.Since(at))
	}
	c.sent, c.done = slices.Delete(c.sent, 0, n), c.done+n
}

// drain returns the times since the last call.
func (c *confirmations) drain() []time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	times := c.times
	c.times = nil
	return times
}

// quantile is in milliseconds. It sorts the times.
func quantile(times []time.Duration, q float64) float64 {
	if len(times) == 0 {
		return 0
	}
	slices.Sort(times)
	return times[int(q*float64(len(times)-1))].Seconds() * 1000
}
