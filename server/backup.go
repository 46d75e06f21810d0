package server

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hpfriends/api"
	"hpfriends/backup"
	"hpfriends/eventlog"
	"hpfriends/graph"
	"hpfriends/internal/buildinfo"
	"hpfriends/query/view"
	"hpfriends/raftfsm"
)

// backups makes backups of a running node, one at a time, and remembers the newest that it has handed out.
type backups struct {
	log  *eventlog.Log
	node *raftfsm.Node
	busy sync.Mutex
	last atomic.Pointer[view.LastBackup] // nil: none
}

// backupKey is where the newest is kept over a restart.
var backupKey = []byte("backup")

func newBackups(log *eventlog.Log, node *raftfsm.Node) (*backups, error) {
	b := &backups{log: log, node: node}
	raw, err := log.Get(eventlog.SpaceLocal, backupKey)
	if errors.Is(err, eventlog.ErrNotFound) {
		return b, nil
	}
	var kept view.LastBackup
	if err == nil {
		err = json.Unmarshal(raw, &kept)
	}
	if err != nil {
		return nil, err
	}
	b.last.Store(&kept)
	node.Members().Board().SetBackup(kept.Completed)
	return b, nil
}

// Last is the newest backup that was handed out to its end; nil: this node knows of none.
func (b *backups) Last() *view.LastBackup { return b.last.Load() }

// series is the metric of when the newest was handed out.
func (b *backups) series() prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "hpfriends_backup_last_completed_timestamp_seconds",
		Help: "When this node last handed out a whole backup; 0: it knows of none.",
	}, func() float64 {
		if last := b.Last(); last != nil {
			return float64(last.Completed.Unix())
		}
		return 0
	})
}

// handedOut takes note of a backup whose last byte was written to who has asked for it.
func (b *backups) handedOut(now view.LastBackup) error {
	raw, err := json.Marshal(now)
	if err != nil {
		return err
	}
	tx := b.log.BeginUpdate()
	tx.Put(eventlog.SpaceLocal, backupKey, raw)
	if err := tx.Commit(); err != nil {
		return err
	}
	b.last.Store(&now)
	b.node.Members().Board().SetBackup(now.Completed)
	return nil
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
func (b *backups) open(in api.BackupQuery) (func(context.Context, io.Writer) error, error) {
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
	return func(ctx context.Context, w io.Writer) error {
		defer b.busy.Unlock()
		began, out := time.Now(), &counter{Writer: w}
		err := s.Write(ctx, out, func(uint64) {
			rest(ctx, time.Since(began)/backupRest)
			began = time.Now()
		})
		if err == nil {
			err = b.handedOut(view.LastBackup{
				Completed: b.node.Now().UTC(), Bytes: out.bytes, Through: s.Last, NoHistory: in.NoHistory, After: in.After,
			})
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
