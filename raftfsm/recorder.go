package raftfsm

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"hpfriends/eventlog/entry"
	"hpfriends/raftfsm/apply"
)

const (
	reportEvery = 2 * time.Second
	// maxPendingRows bounds the different refusals between two reports. What exceeds it is counted in one row: a flood
	// of bad logins must not become a flood of rows.
	maxPendingRows = 500
)

// MoreRefusals is the message of the row that stands for refusals beyond maxPendingRows.
const MoreRefusals = "More refusals than can be listed."

// Recorder collects what this node counts and refuses, and proposes it as a report every few seconds: the load of the
// log does not depend on how much is refused.
type Recorder struct {
	node *Node

	mu       sync.Mutex
	usage    map[uint64]*entry.Usage
	refusals map[apply.RefusalKey]*entry.Refusal
}

// NewRecorder returns a Recorder; Run must run for its reports to be proposed.
func NewRecorder(n *Node) *Recorder {
	return &Recorder{node: n, usage: make(map[uint64]*entry.Usage), refusals: make(map[apply.RefusalKey]*entry.Refusal)}
}

// Count adds what one connection did since it was last counted.
func (r *Recorder) Count(d entry.Usage) {
	r.mu.Lock()
	defer r.mu.Unlock()
	u := r.usage[d.Authkey]
	if u == nil {
		u = &entry.Usage{Authkey: d.Authkey}
		r.usage[d.Authkey] = u
	}
	u.Add(d)
}

// Refuse adds one refusal seen now. Ident and channel may be any bytes; what is not text is escaped.
func (r *Recorder) Refuse(d entry.Refusal) {
	now := time.Now().UTC()
	d.Ident, d.Channel = text(d.Ident), text(d.Channel)
	d.First, d.Last, d.Count = now, now, 1
	r.mu.Lock()
	defer r.mu.Unlock()
	r.add(d)
}

func (r *Recorder) add(d entry.Refusal) {
	k := apply.KeyOf(d)
	row := r.refusals[k]
	if row == nil && len(r.refusals) >= maxPendingRows {
		d = entry.Refusal{Message: MoreRefusals, First: d.First, Last: d.Last, Count: d.Count}
		k = apply.KeyOf(d)
		row = r.refusals[k]
	}
	if row == nil {
		r.refusals[k] = &d
		return
	}
	row.Last = d.Last
	row.Count += d.Count
}

// Usage is what is counted of an authkey but not reported yet.
func (r *Recorder) Usage(authkey uint64) entry.Usage {
	r.mu.Lock()
	defer r.mu.Unlock()
	if u := r.usage[authkey]; u != nil {
		return *u
	}
	return entry.Usage{Authkey: authkey}
}

// Run proposes reports until ctx is done.
func (r *Recorder) Run(ctx context.Context) {
	tick := time.NewTicker(reportEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			r.Flush(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// Flush proposes what is pending. When it certainly was not applied it is kept for the next report; when the outcome is
// unknown it is not counted again.
func (r *Recorder) Flush(ctx context.Context) {
	report := r.drain()
	if report == nil {
		return
	}
	data, err := report.Encode()
	if err == nil {
		_, err = r.node.propose(ctx, data)
	}
	switch {
	case err == nil:
	case errors.Is(err, ErrUnavailable):
		r.restore(report)
	default:
		r.node.slog.Warn("a report of statistics may be lost", "err", err)
	}
}

func (r *Recorder) drain() *entry.Report {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.usage) == 0 && len(r.refusals) == 0 {
		return nil
	}
	report := &entry.Report{Node: r.node.ID(), Time: r.node.clock.now().UTC()}
	for _, u := range r.usage {
		report.Usage = append(report.Usage, *u)
	}
	for _, row := range r.refusals {
		report.Refusals = append(report.Refusals, *row)
	}
	clear(r.usage)
	clear(r.refusals)
	return report
}

func (r *Recorder) restore(report *entry.Report) {
	for _, u := range report.Usage {
		r.Count(u)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, row := range report.Refusals {
		r.add(row)
	}
}

// text keeps printable text as it is and escapes the rest, so that a row survives JSON unchanged and shows what came.
func text(s string) string {
	if utf8.ValidString(s) && strings.IndexFunc(s, func(c rune) bool { return !strconv.IsPrint(c) }) < 0 {
		return s
	}
	q := strconv.Quote(s)
	return q[1 : len(q)-1]
}
