package server

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hpfriends/api"
	"hpfriends/backup"
	"hpfriends/eventlog"
	"hpfriends/graph"
	"hpfriends/internal/buildinfo"
	"hpfriends/query/view"
	"hpfriends/raftfsm"
	v1 "hpfriends/web/v1"
)

// backups makes backups of a running node, one at a time, and remembers the newest that it has handed out.
type backups struct {
	log  *eventlog.Log
	node *raftfsm.Node
	slog *slog.Logger
	busy sync.Mutex

	mu   sync.Mutex
	last map[view.BackupKind]view.LastBackup // the newest of each kind
}

// backupKey is where the newest of a kind is kept over a restart.
func backupKey(kind view.BackupKind) []byte { return []byte("backup/" + kind) }

func newBackups(log *eventlog.Log, node *raftfsm.Node, l *slog.Logger) (*backups, error) {
	b := &backups{log: log, node: node, slog: l, last: make(map[view.BackupKind]view.LastBackup)}
	for _, kind := range view.BackupKinds {
		raw, err := log.Get(eventlog.SpaceLocal, backupKey(kind))
		if errors.Is(err, eventlog.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		var kept view.LastBackup
		if err := json.Unmarshal(raw, &kept); err != nil || kept.Kind != kind {
			l.Warn("the record of the last backup cannot be read: this node knows of none", "kind", kind, "err", err)
			continue
		}
		b.last[kind] = kept
	}
	b.report()
	return b, nil
}

// Last is the newest backup that was handed out to its end; nil: this node knows of none.
func (b *backups) Last() (newest *view.LastBackup) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, one := range b.last {
		if newest == nil || one.Completed.After(newest.Completed) {
			newest = &one
		}
	}
	return newest
}

// report tells the other nodes.
func (b *backups) report() {
	if last := b.Last(); last != nil {
		b.node.Members().Board().SetBackup(last.Completed, string(last.Kind))
	}
}

// series are the metric of when the newest of each kind was handed out.
func (b *backups) series() (all []prometheus.Collector) {
	for _, kind := range view.BackupKinds {
		all = append(all, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name:        "hpfriends_backup_last_completed_timestamp_seconds",
			Help:        "When this node last handed out a backup of a kind to its end; 0: it knows of none.",
			ConstLabels: prometheus.Labels{"kind": string(kind)},
		}, func() float64 {
			b.mu.Lock()
			defer b.mu.Unlock()
			if last, ok := b.last[kind]; ok {
				return float64(last.Completed.Unix())
			}
			return 0
		}))
	}
	return all
}

// handedOut takes note of a backup whose last byte was sent to who has asked for it. That cannot fail any more.
func (b *backups) handedOut(now view.LastBackup) {
	b.mu.Lock()
	b.last[now.Kind] = now
	b.mu.Unlock()
	b.report()
	if err := b.keep(now); err != nil {
		b.slog.Warn("a backup was handed out to its end, and this node cannot keep that over a restart",
			"kind", now.Kind, "err", err)
	}
}

// keep keeps the record over a restart. A write for which there is no room would end the server.
func (b *backups) keep(now view.LastBackup) error {
	if err := b.node.Full(); err != nil {
		return err
	}
	raw, err := json.Marshal(now)
	if err != nil {
		return err
	}
	tx := b.log.BeginUpdate()
	tx.Put(eventlog.SpaceLocal, backupKey(now.Kind), raw)
	return tx.Commit()
}

// counter counts what is written.
type counter struct {
	io.Writer
	bytes uint64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.Writer.Write(p)
	c.bytes += uint64(n)
	return n, err
}

// open implements v1.Backup.
func (b *backups) open(in api.BackupQuery) (func(context.Context, v1.Sending) error, error) {
	r := backup.Request{NoHistory: in.NoHistory}
	if in.Backup != "" {
		r.After = &backup.Base{Backup: in.Backup, Cluster: in.Cluster, Index: in.After, Term: in.Term}
	}
	if r.NoHistory && r.After != nil {
		return nil, &graph.Error{
			Code: graph.Invalid, Msg: "a backup without history goes on from no other", Hint: "leave out one of the two",
		}
	}
	cluster, err := b.node.Cluster()
	if err != nil {
		return nil, err
	}
	if !b.busy.TryLock() {
		return nil, &graph.Error{
			Code: graph.Conflict, Msg: "a backup is under way already", Hint: "try again when that is done",
		}
	}
	origin := backup.Origin{Cluster: cluster, Node: b.node.ID(), Program: "hpfriends " + buildinfo.Version()}
	s, err := backup.Open(b.log, origin, r)
	if err != nil {
		b.busy.Unlock()
		if errors.Is(err, backup.ErrRefused) {
			err = &graph.Error{Code: graph.Conflict, Msg: err.Error()}
		}
		return nil, err
	}
	done := view.LastBackup{Kind: view.FullBackup, Through: s.Last}
	switch {
	case r.NoHistory:
		done.Kind = view.StateOnly
	case r.After != nil:
		done.Kind, done.After = view.Increment, r.After.Index
	}
	return func(ctx context.Context, w v1.Sending) error {
		defer b.busy.Unlock()
		began, out := time.Now(), &counter{Writer: w}
		err := s.Write(ctx, out, func(uint64) {
			rest(ctx, time.Since(began)/backupRest)
			began = time.Now()
		})
		if err == nil {
			err = w.Flush()
		}
		if err == nil {
			done.Completed, done.Bytes = b.node.Now().UTC(), out.bytes
			b.handedOut(done)
		}
		return errors.Join(err, s.Close())
	}, nil
}

// backupRest says how long is rested after each block: this part of the time that it took. Messages come first.
const backupRest = 2

func rest(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
