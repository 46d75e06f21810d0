package eventlog

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// alarm is how the store fails and how Pebble speaks: it implements pebble.Logger.
type alarm struct {
	logger *slog.Logger
	fatal  func(error)
	once   sync.Once
	cause  atomic.Pointer[error]

	mu      sync.Mutex
	muted   map[string]*muted // by event
	resting time.Duration     // between two lines of one event
}

type muted struct {
	until time.Time
	count int
}

func newAlarm(logger *slog.Logger, fatal func(error)) *alarm {
	return &alarm{logger: logger, fatal: fatal, muted: make(map[string]*muted), resting: time.Second}
}

// fail reports err and does not return: if Config.Fatal lets the process live, the calling goroutine ends here, so that
// no caller can take a failed write for a done one. (Pebble's Commit returns nil after a Fatalf that returns.)
func (a *alarm) fail(err error) error {
	a.once.Do(func() {
		a.cause.Store(&err)
		a.fatal(err)
	})
	runtime.Goexit()
	return err
}

// err is the failure, or nil.
func (a *alarm) err() error {
	if p := a.cause.Load(); p != nil {
		return *p
	}
	return nil
}

// Infof drops Pebble's chatter about flushes and compactions: metrics carry it.
func (a *alarm) Infof(string, ...any) {}

// Errorf implements pebble.Logger.
func (a *alarm) Errorf(format string, args ...any) {
	a.event(slog.LevelError, "pebble", "error", fmt.Sprintf(format, args...))
}

// Fatalf implements pebble.Logger. It never returns.
func (a *alarm) Fatalf(format string, args ...any) {
	_ = a.fail(fmt.Errorf("eventlog: "+format, args...))
}

// event logs at most once a second for each name: Pebble retries a failed flush about 190 times a second.
func (a *alarm) event(level slog.Level, name string, args ...any) {
	a.mu.Lock()
	m := a.muted[name]
	if m == nil {
		m = new(muted)
		a.muted[name] = m
	}
	now := time.Now()
	if now.Before(m.until) {
		m.count++
		a.mu.Unlock()
		return
	}
	if m.count > 0 {
		args = append(args, "suppressed", m.count)
	}
	m.until, m.count = now.Add(a.resting), 0
	a.mu.Unlock()
	a.logger.Log(context.Background(), level, "event log: "+name, args...)
}

// listener hands the events that an operator must see to the logger.
func (a *alarm) listener() *pebble.EventListener {
	l := &pebble.EventListener{
		BackgroundError: func(err error) {
			a.event(slog.LevelError, "background write failed, Pebble retries", "error", err)
		},
		DataCorruption: func(info pebble.DataCorruptionInfo) {
			a.event(slog.LevelError, "data corruption on disk", "file", info.Path, "error", firstLine(info.Details))
		},
		DiskSlow: func(info pebble.DiskSlowInfo) {
			a.event(slog.LevelWarn, "disk is slow", "detail", info.String())
		},
		LowDiskSpace: func(info pebble.LowDiskSpaceInfo) {
			a.event(slog.LevelWarn, "disk space is low", "available", info.AvailBytes, "total", info.TotalBytes, "below_percent", info.PercentThreshold)
		},
		WriteStallBegin: func(info pebble.WriteStallBeginInfo) {
			a.event(slog.LevelWarn, "writes are stalled", "reason", info.Reason)
		},
	}
	l.EnsureDefaults(a)
	return l
}
