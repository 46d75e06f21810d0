package bench

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	dto "github.com/prometheus/client_model/go"

	"hpfriends/api"
	"hpfriends/eventlog/ballast"
	"hpfriends/eventlog/spare"
	"hpfriends/internal/load"
	"hpfriends/internal/payload"
	"hpfriends/internal/proc"
	"hpfriends/internal/timespec"
	"hpfriends/wire"
)

const (
	restRate     = 2000 // messages per second, each written on its own
	restSize     = 400  // bytes of a payload
	restChannels = 20
	restWAL      = 128 // MiB, may be kept for reuse, and is counted apart
)

// resting is a server whose disk is looked at.
type resting struct {
	name string // how it packs
	*proc.Server
	pub      load.Key
	cpu      time.Duration // of the server, until all is durable
	payloads float64       // bytes
}

// benchRest publishes at a moderate pace to two servers side by side, one that packs nothing by itself and one that
// packs what is a while old, waits, looks at their disks, and again after log compact.
func benchRest(ctx context.Context, b *bench) (figures []figure, err error) {
	servers := []*resting{{name: "not packed by itself"}, {name: "packed by itself"}}
	defer func() {
		for _, r := range servers {
			if r.Server != nil {
				err = errors.Join(err, r.Stop())
			}
		}
	}()
	old := max(min(b.wait/2, time.Minute), time.Second) // a minute, as by default, if it is waited for long enough
	for i, after := range []string{"off", old.String()} {
		dir := filepath.Join(b.Dir, "rest-"+strconv.Itoa(i))
		if err := os.Mkdir(dir, 0o700); err != nil {
			return nil, err
		}
		r := servers[i]
		if r.Server, err = proc.Start(ctx, dir, b.env(".rest-"+strconv.Itoa(i)), "--cold-after", after); err != nil {
			return nil, err
		}
		pubs, _, err := load.SetUp(ctx, r.API, "*", 1, 0)
		if err != nil {
			return nil, err
		}
		r.pub = pubs[0]
	}
	if err := publishSlowly(ctx, servers, b.duration); err != nil {
		return nil, err
	}
	for _, r := range servers {
		if r.cpu, err = r.CPU(); err != nil {
			return nil, err
		}
	}
	if err := timespec.Sleep(ctx, b.wait); err != nil {
		return nil, err
	}
	for _, r := range servers {
		more, err := r.rest(ctx)
		if err != nil {
			return nil, err
		}
		figures = append(figures, more...)
	}
	return figures, nil
}

// publishSlowly sends distinct messages to each server, and returns when all are durable.
func publishSlowly(ctx context.Context, servers []*resting, d time.Duration) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	count := int(d.Seconds() * restRate)
	all := payload.Honeypot(count, restSize)
	g := load.NewCrew(cancel)
	for _, r := range servers {
		c, err := load.Login(ctx, r.Address, r.pub)
		if err != nil {
			return errors.Join(err, g.End())
		}
		r.payloads = float64(count * restSize)
		begin := time.Now()
		next := func(i int) ([]byte, error) {
			err := timespec.Sleep(ctx, time.Until(begin.Add(time.Duration(i)*time.Second/restRate)))
			return wire.AppendPublish(nil, r.pub.Ident, "sensor."+strconv.Itoa(i%restChannels), all[i]), err
		}
		g.Run(c, func() error { return publishPaced(c, r.pub.Ident, next, count) })
	}
	g.Wait()
	return g.End()
}

// rest says what the server has on its disk, before and after it is asked to pack everything.
func (r *resting) rest(ctx context.Context) ([]figure, error) {
	after, err := r.CPU()
	if err != nil {
		return nil, err
	}
	figures, err := r.taken(ctx, "at rest, ", 0.30)
	if err != nil {
		return nil, err
	}
	if _, err := api.CompactLog.Run(ctx, r.API, func(api.Progress) {}); err != nil {
		return nil, err
	}
	compacted, err := r.taken(ctx, "after log compact, ", 0.25)
	return append(append(figures, figure{
		Name: "processor time of the server while it was at rest, " + r.name, Unit: "s", Value: (after - r.cpu).Seconds(),
	}), compacted...), err
}

// taken is what all files take: blocks of the disk, not lengths. The ballast and what is kept of WALs for reuse are
// counted apart.
func (r *resting) taken(ctx context.Context, when string, target float64) ([]figure, error) {
	find, err := readMetrics(ctx, r.Server)
	if err != nil {
		return nil, err
	}
	wal, err := find("hpfriends_log_wal_bytes", dto.MetricType_GAUGE)
	if err != nil {
		return nil, err
	}
	live := wal.Gauge.GetValue()
	var all, wals, reserve float64
	err = filepath.WalkDir(r.Dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a compaction has removed it meanwhile
		}
		if err != nil {
			return err
		}
		size := float64(info.Sys().(*syscall.Stat_t).Blocks) * 512
		switch name := filepath.Base(path); {
		case strings.HasPrefix(name, ballast.File):
			reserve += size
		case name == spare.File, strings.HasSuffix(name, ".log") && filepath.Base(filepath.Dir(path)) == "log":
			wals += size
			fallthrough
		default:
			all += size
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	at := when + r.name
	return []figure{
		{Name: at + ": disk by payload", Value: (all - wals + live) / r.payloads, Target: target, AtMost: true},
		{Name: at + ": of that in the WAL", Value: live / r.payloads},
		{Name: at + ": WAL kept for reuse", Unit: "MiB", Value: (wals - live) / (1 << 20), Target: restWAL, AtMost: true},
		{Name: at + ": ballast", Unit: "MiB", Value: reserve / (1 << 20)},
	}, nil
}
