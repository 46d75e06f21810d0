// Package failstop ends the process at the first failed write, and hands Pebble's events to the logger.
package failstop

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// Stop ends the process at the first failed write. It is also the pebble.Logger, since Pebble fails by Fatalf. Its
// methods may be called by any goroutine.
type Stop struct {
	logger *slog.Logger
	fatal  func(error)
	once   sync.Once
	cause  atomic.Pointer[error]

	mu        sync.Mutex
	throttled map[string]*throttled // by event
	interval  time.Duration         // between two lines of one event
	damage    time.Time             // until which who meets damage has paid for it
}

type throttled struct {
	until time.Time
	count int
}

// New returns a Stop that tells fatal why the process must end.
func New(logger *slog.Logger, fatal func(error)) *Stop {
	return &Stop{logger: logger, fatal: fatal, throttled: make(map[string]*throttled), interval: time.Second}
}

// Fail reports err and does not return: if Config.Fatal lets the process live, the calling goroutine ends here, so that
// no caller can take a failed write for a done one. (Pebble's Commit returns nil after a Fatalf that returns.)
func (f *Stop) Fail(err error) error {
	f.once.Do(func() {
		f.cause.Store(&err)
		f.fatal(err)
	})
	runtime.Goexit()
	return err
}

// Err is the failure, or nil.
func (f *Stop) Err() error {
	if p := f.cause.Load(); p != nil {
		return *p
	}
	return nil
}

// Infof drops what Pebble says of flushes and compactions: metrics carry it.
func (f *Stop) Infof(string, ...any) {}

// Errorf implements pebble.Logger.
func (f *Stop) Errorf(format string, args ...any) {
	f.event(slog.LevelError, "pebble", "error", fmt.Sprintf(format, args...))
}

// Fatalf implements pebble.Logger. It never returns.
func (f *Stop) Fatalf(format string, args ...any) {
	_ = f.Fail(fmt.Errorf("eventlog: "+format, args...))
}

// event logs at most once a second for each name: Pebble retries a failed flush about 190 times a second.
func (f *Stop) event(level slog.Level, name string, args ...any) {
	f.mu.Lock()
	m := f.throttled[name]
	if m == nil {
		m = new(throttled)
		f.throttled[name] = m
	}
	now := time.Now()
	if now.Before(m.until) {
		m.count++
		f.mu.Unlock()
		return
	}
	if m.count > 0 {
		args = append(args, "suppressed", m.count)
	}
	m.until, m.count = now.Add(f.interval), 0
	f.mu.Unlock()
	f.logger.Log(context.Background(), level, "event log: "+name, args...)
}

// Listener hands the events that an operator must see to the logger.
func (f *Stop) Listener() *pebble.EventListener {
	l := &pebble.EventListener{
		BackgroundError: func(err error) {
			f.event(slog.LevelError, "background write failed, Pebble retries", "error", err)
		},
		DataCorruption: func(info pebble.DataCorruptionInfo) {
			f.event(slog.LevelError, "data corruption on disk", "file", info.Path, "error", FirstLine(info.Details))
			f.pause()
		},
		DiskSlow: func(info pebble.DiskSlowInfo) {
			f.event(slog.LevelWarn, "disk is slow", "detail", info.String())
		},
		LowDiskSpace: func(info pebble.LowDiskSpaceInfo) {
			f.event(slog.LevelWarn, "disk space is low",
				"available", info.AvailBytes, "total", info.TotalBytes, "below_percent", info.PercentThreshold)
		},
		WriteStallBegin: func(info pebble.WriteStallBeginInfo) {
			f.event(slog.LevelWarn, "writes are stalled", "reason", info.Reason)
		},
	}
	l.EnsureDefaults(f)
	return l
}

// Who meets damage goes on at once some times, and then this often.
const (
	damageBurst = 32
	damageEvery = 250 * time.Millisecond
	damageMost  = time.Second // that anybody waits
)

// pause has whoever meets damage again and again wait. A compaction of a damaged table of level 0 is begun again as
// soon as it has failed, two thousand times a second; tables of other levels Pebble leaves alone for five minutes.
// Compactions hold no lock while they read.
func (f *Stop) pause() {
	f.mu.Lock()
	now := time.Now()
	if least := now.Add(-damageBurst * damageEvery); f.damage.Before(least) {
		f.damage = least
	}
	if f.damage = f.damage.Add(damageEvery); f.damage.Sub(now) > damageMost {
		f.damage = now.Add(damageMost)
	}
	wait := f.damage.Sub(now)
	f.mu.Unlock()
	time.Sleep(wait)
}

// FirstLine is what Pebble says of an error to people; the lines behind it are for programs.
func FirstLine(err error) string {
	text, _, _ := strings.Cut(err.Error(), "\n")
	return text
}
