package raftfsm

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"hpfriends/eventlog"
)

// maxControlState bounds what is read into memory at once.
const maxControlState = 1 << 30

// Restore implements raft.FSM: a leader whose log begins above ours sends the state there. It replaces the projections, in
// one write, and the log goes on behind it. The sink has checked it.
func (f *FSM) Restore(rc io.ReadCloser) error {
	defer f.stalls.begin(stallApply)()
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
		err = fmt.Errorf("raftfsm: install the snapshot of entry %d: %w", index, err)
		f.fail(err)
		return err
	}
	f.slog.Info("a snapshot is installed: this node was behind the oldest entry that is kept", "applied", before, "now", index)
	return nil
}

func readSnapshotHead(r io.Reader) (index uint64, state []byte, err error) {
	head := make([]byte, len(snapshotMagic)+16)
	if _, err := io.ReadFull(r, head); err != nil {
		return 0, nil, err
	}
	if string(head[:len(snapshotMagic)]) != snapshotMagic {
		return 0, nil, fmt.Errorf("raftfsm: the snapshot begins with %q: this node runs an older program than its leader", head[:len(snapshotMagic)])
	}
	index = binary.BigEndian.Uint64(head[len(snapshotMagic):])
	n := binary.BigEndian.Uint64(head[len(snapshotMagic)+8:])
	if n > maxControlState {
		return 0, nil, fmt.Errorf("%w: %d bytes", errControlState, n)
	}
	state = make([]byte, n)
	_, err = io.ReadFull(r, state)
	return index, state, err
}

// readSnapshotRecords reads records up to the 0 that ends them.
func readSnapshotRecords(r *bufio.Reader, put func(space eventlog.Space, k, v []byte) error) error {
	for {
		switch next, err := r.Peek(1); {
		case err != nil:
			return err
		case next[0] == 0:
			return nil
		}
		space, k, v, err := readRecord(r)
		if err != nil {
			return err
		}
		if space != eventlog.SpaceAudit && space != eventlog.SpaceGraph {
			return fmt.Errorf("%w: a record of space %q", errControlState, space)
		}
		if err := put(space, k, v); err != nil {
			return err
		}
	}
}

// renew reads the projections that a snapshot has replaced, before anybody can see that it is applied.
func (f *FSM) renew(index uint64) error {
	now := &FSM{log: f.log}
	if err := now.load(index); err != nil {
		return err
	}
	f.config, f.sessions.last, f.activity, f.audit = now.config, now.sessions.last, now.activity, now.audit
	f.roster.Store(now.roster.Load())
	f.checkpoints.passed.Store(now.checkpoints.passed.Load())
	f.tokens.replace(now.tokens)
	f.cursors.replace(now.cursors, index)
	f.version.Store(f.version.Load().Append(now.version.Load().Graph, index, nil))
	return nil
}

// replace ends the epochs that went on or ended in entries that this node did not see.
func (s *cursorState) replace(now *cursorState, index uint64) {
	before := s.all
	s.all = now.all
	for authkey, cursors := range before {
		for name, old := range cursors {
			if c := s.all[authkey][name]; c == nil || c.Epoch != old.Epoch {
				s.tell(cursorKey{authkey, name}, index)
			}
		}
	}
	clear(s.dirty)
}

// replace takes the tokens of another.
func (t *joinTokens) replace(now *joinTokens) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.expires = now.expires
}
