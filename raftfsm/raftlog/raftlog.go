// Package raftlog hands what hashicorp/raft logs to slog.
//
// # Invariant
//
// The first line of its kind is logged at once; those like it that follow within a second are counted.
//
// # Concurrency
//
// A logger may be used from any goroutine.
package raftlog

import (
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

// New returns a logger for raft whose warnings and errors go to slog.
func New(l *slog.Logger) hclog.Logger {
	w := &raftLog{logger: l, muted: make(map[string]*muted)}
	return hclog.New(&hclog.LoggerOptions{Name: "raft", Level: hclog.Warn, Output: w, DisableTime: true,
		Exclude: aloneAtStart})
}

// aloneAtStart leaves out the warning with which a single node begins: nobody leads until it elects itself.
func aloneAtStart(_ hclog.Level, msg string, _ ...any) bool {
	return strings.HasPrefix(msg, "heartbeat timeout reached")
}

// raftLog lets a line through when none like it has come in the last second: raft tries again 100 times a second at
// first.
type raftLog struct {
	logger *slog.Logger

	mu    sync.Mutex
	muted map[string]*muted // by the line up to what differs from one try to the next
}

// muted is a kind of line that has just been logged.
type muted struct {
	until time.Time
	count int // not logged since
}

const (
	raftLogRests = time.Second
	mostMuted    = 256
)

var _ io.Writer = (*raftLog)(nil)

// Write logs one line, or counts it.
func (w *raftLog) Write(line []byte) (int, error) {
	text := strings.TrimSuffix(string(line), "\n")
	if count, pass := w.pass(kindOf(text), time.Now()); pass && count > 0 {
		w.logger.Warn(text, "suppressed", count)
	} else if pass {
		w.logger.Warn(text)
	}
	return len(line), nil
}

// kindOf is a line without what differs from one try to the next.
func kindOf(text string) string {
	for _, varies := range []string{" next=", " error=", " time=", " backoff time="} {
		text, _, _ = strings.Cut(text, varies)
	}
	return text
}

// pass reports whether a line is logged, and how many like it were not.
func (w *raftLog) pass(kind string, now time.Time) (count int, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	m := w.muted[kind]
	if m != nil && now.Before(m.until) {
		m.count++
		return 0, false
	}
	if m != nil {
		count = m.count
	} else if len(w.muted) >= mostMuted {
		clear(w.muted)
	}
	w.muted[kind] = &muted{until: now.Add(raftLogRests)}
	return count, true
}
