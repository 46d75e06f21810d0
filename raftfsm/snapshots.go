package raftfsm

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/raft"

	"hpfriends/eventlog"
	"hpfriends/raftfsm/apply"
)

// snapshots is the raft.SnapshotStore. No snapshot is ever taken: the projections are durable, the log holds the
// history.
//
// At start it offers one at the applied index, which raft (NoSnapshotRestoreOnStart) takes as the point to go on from
// without opening it: a restart replays only what was not applied. While the node runs, it offers the checkpoint behind
// which the retained log goes on: to a follower that needs entries from below the floor. It gets that state, and the
// rest as entries. Package apply has the format.
type snapshots struct {
	log     *eventlog.Log
	dir     string
	start   *raft.SnapshotMeta
	started atomic.Bool

	mu       sync.Mutex
	received *sink // the newest that came whole
}

const snapshotPattern = "snapshot-*.tmp"

// newSnapshots also removes what a crash left behind.
func newSnapshots(log *eventlog.Log, dir string, start *raft.SnapshotMeta) (*snapshots, error) {
	left, err := filepath.Glob(filepath.Join(dir, snapshotPattern))
	for _, path := range left {
		err = errors.Join(err, os.Remove(path))
	}
	return &snapshots{log: log, dir: dir, start: start}, err
}

// List implements raft.SnapshotStore.
func (s *snapshots) List() ([]*raft.SnapshotMeta, error) {
	if !s.started.Load() {
		if s.start == nil {
			return nil, nil
		}
		return []*raft.SnapshotMeta{s.start}, nil
	}
	index, err := s.log.Checkpoints().ForFloor()
	if errors.Is(err, eventlog.ErrNotFound) {
		return nil, fmt.Errorf("raftfsm: a follower needs entries below #%d, which are not kept, and no checkpoint is "+
			"there yet: the next comes soon", s.log.Floor())
	}
	if err != nil {
		return nil, err
	}
	return []*raft.SnapshotMeta{{ID: checkpointID(index), Index: index}}, nil
}

func checkpointID(index uint64) string { return fmt.Sprintf("checkpoint-%d", index) }

// Open implements raft.SnapshotStore: what was received, or what the floor calls for.
func (s *snapshots) Open(id string) (*raft.SnapshotMeta, io.ReadCloser, error) {
	s.mu.Lock()
	in := s.received
	s.mu.Unlock()
	if in != nil && in.meta.ID == id {
		if _, err := in.file.Seek(0, io.SeekStart); err != nil {
			return nil, nil, err
		}
		return &in.meta, in.file, nil
	}
	index, err := s.log.Checkpoints().ForFloor()
	if err == nil && checkpointID(index) != id {
		err = errors.New("the floor has moved")
	}
	var data []byte
	if err == nil {
		data, err = s.log.Checkpoints().Data(index)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("raftfsm: open %s: %w", id, err)
	}
	meta, err := apply.DescribeControlState(checkpointID(index), index, data)
	if err != nil {
		return nil, nil, err
	}
	f, err := newScratch(s.dir)
	if err != nil {
		return nil, nil, err
	}
	if meta.Size, err = apply.WriteSnapshot(f, s.log, index, data); err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return meta, f, nil
}

// Create implements raft.SnapshotStore: a snapshot comes from the leader.
func (s *snapshots) Create(
	_ raft.SnapshotVersion, index, term uint64, _ raft.Configuration, _ uint64, _ raft.Transport,
) (raft.SnapshotSink, error) {
	if applied := s.log.Applied(); index <= applied {
		return nil, fmt.Errorf("raftfsm: snapshot of entry %d, but %d is applied", index, applied)
	}
	f, err := newScratch(s.dir)
	if err != nil {
		return nil, err
	}
	return &sink{store: s, file: f, meta: raft.SnapshotMeta{ID: fmt.Sprintf("received-%d", index), Index: index,
		Term: term}}, nil
}

// sink takes a snapshot that comes. Nothing counts before all of it is there and its checksum is right.
type sink struct {
	store *snapshots
	file  *scratch
	meta  raft.SnapshotMeta
}

func (s *sink) ID() string { return s.meta.ID }
func (s *sink) Write(b []byte) (n int, e error) {
	n, e = s.file.Write(b)
	s.meta.Size += int64(n)
	return n, e
}
func (s *sink) Cancel() error { return s.file.Close() }

// Close checks the snapshot and makes it the one that Open finds.
func (s *sink) Close() error {
	if err := s.check(); err != nil {
		return errors.Join(fmt.Errorf("raftfsm: snapshot of entry %d: %w", s.meta.Index, err), s.file.Close())
	}
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	old := s.store.received
	s.store.received = s
	if old == nil {
		return nil
	}
	return old.file.Close()
}

func (s *sink) check() error {
	if s.meta.Size < sha256.Size {
		return fmt.Errorf("%d bytes are none", s.meta.Size)
	}
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	h := sha256.New()
	if _, err := io.CopyN(h, s.file, s.meta.Size-sha256.Size); err != nil {
		return err
	}
	var want [sha256.Size]byte
	if _, err := io.ReadFull(s.file, want[:]); err != nil {
		return err
	}
	if !bytes.Equal(h.Sum(nil), want[:]) {
		return errors.New("its checksum is wrong")
	}
	return nil
}

// scratch is a file that is gone when it is closed.
type scratch struct{ *os.File }

func newScratch(dir string) (*scratch, error) {
	f, err := os.CreateTemp(dir, snapshotPattern)
	return &scratch{f}, err
}

// Close may be called again.
func (s *scratch) Close() error {
	err := errors.Join(s.File.Close(), os.Remove(s.Name()))
	if errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}
