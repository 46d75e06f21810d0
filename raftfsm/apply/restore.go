package apply

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"hpfriends/eventlog"
)

// Restore implements raft.FSM: a leader whose log begins above ours sends the state there. It replaces the projections,
// in one write, and the log goes on behind it. The sink has checked it.
func (f *FSM) Restore(rc io.ReadCloser) error {
	r := bufio.NewReaderSize(rc, 256<<10)
	defer rc.Close()
	index, data, err := readSnapshotHead(r)
	if err != nil {
		return err
	}
	state, err := parseControlState(data)
	if err != nil {
		return err
	}
	tx := f.log.Begin()
	tx.Install(state.term, state.newest, func() error { return f.renew(index) })
	put := func(space eventlog.Space, k, v []byte) error { tx.Put(space, k, v); return nil }
	err = errors.Join(state.each(put), readSnapshotRecords(r, put))
	if err != nil {
		tx.Discard()
		return err
	}
	tx.PutCheckpoint(index, data) // this node may have to send it on
	before := f.log.Applied()
	if err := tx.Commit(index); err != nil {
		err = fmt.Errorf("apply: install the snapshot of entry %d: %w", index, err)
		f.fail(err)
		return err
	}
	f.slog.Info("a snapshot is installed: this node was behind the oldest entry that is kept", "applied", before, "now",
		index)
	return nil
}

// renew reads the projections that a snapshot has replaced, before anybody can see that it is applied.
func (f *FSM) renew(index uint64) error {
	now := &FSM{log: f.log, slog: f.slog}
	if err := now.load(index); err != nil {
		return err
	}
	f.sessions.last, f.activity, f.audit = now.sessions.last, now.activity, now.audit
	f.configuration.Store(now.configuration.Load())
	f.checkpoints.newest.Store(now.checkpoints.newest.Load())
	f.tokens.replace(now.tokens)
	f.vault.replace(now.vault)
	f.cursors.replace(now.cursors, index)
	f.version.Store(f.version.Load().Append(now.version.Load().Graph, index, nil))
	return nil
}
