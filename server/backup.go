package server

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"hpfriends/api"
	"hpfriends/backup"
	"hpfriends/eventlog"
	"hpfriends/graph"
	"hpfriends/internal/buildinfo"
	"hpfriends/raftfsm"
)

// backups makes backups of a running node, one at a time.
type backups struct {
	log  *eventlog.Log
	node *raftfsm.Node
	busy sync.Mutex
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
		began := time.Now()
		err := s.Write(ctx, w, func(uint64) {
			rest(ctx, time.Since(began)/backupRest)
			began = time.Now()
		})
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
