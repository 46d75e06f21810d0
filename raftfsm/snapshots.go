package raftfsm

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/raft"

	"hpfriends/eventlog"
)

// snapshots is the raft.SnapshotStore. No snapshot is ever taken: the projections are durable, the log holds the history.
//
// At start it offers one at the applied index, which raft (NoSnapshotRestoreOnStart) takes as the point to go on from
// without opening it: a restart replays only what was not applied. While the node runs, it offers the checkpoint behind
// which the retained log goes on: to a follower that needs entries from below the floor. It gets that state, and the
// rest as entries.
//
//	magic "hpfsnap1" | index u64 | length u64 | control state | records of the audit and the stored graph | 0 | SHA-256 of all before
type snapshots struct {
	log     *eventlog.Log
	dir     string
	start   *raft.SnapshotMeta
	started atomic.Bool

	mu       sync.Mutex
	received *sink // the newest that came whole
}

const (
	snapshotMagic   = "hpfsnap1"
	snapshotPattern = "snapshot-*.tmp"
)

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
	index, err := s.log.CheckpointForFloor()
	if errors.Is(err, eventlog.ErrNotFound) {
		return nil, fmt.Errorf("raftfsm: a follower needs entries below #%d, which are not kept, and no checkpoint is there yet: the next comes soon", s.log.Floor())
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
	index, err := s.log.CheckpointForFloor()
	if err == nil && checkpointID(index) != id {
		err = errors.New("the floor has moved")
	}
	var data []byte
	if err == nil {
		data, err = s.log.Checkpoint(index)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("raftfsm: open %s: %w", id, err)
	}
	meta, err := s.describe(index, data)
	if err != nil {
		return nil, nil, err
	}
	f, err := newScratch(s.dir)
	if err != nil {
		return nil, nil, err
	}
	if meta.Size, err = s.write(f, index, data); err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return meta, f, nil
}

// describe reads from a control state what raft wants to know of it.
func (s *snapshots) describe(index uint64, data []byte) (*raft.SnapshotMeta, error) {
	state, err := parseControlState(data)
	if err != nil {
		return nil, err
	}
	var c storedConfig
	err = state.each(func(space eventlog.Space, k, v []byte) error {
		if space == eventlog.SpaceMeta && bytes.Equal(k, keyConfig) {
			return json.Unmarshal(v, &c)
		}
		return nil
	})
	if err == nil && c.Index == 0 {
		err = fmt.Errorf("%w: it has no configuration", errControlState)
	}
	if err != nil {
		return nil, err
	}
	return &raft.SnapshotMeta{
		Version: raft.SnapshotVersionMax, ID: checkpointID(index), Index: index, Term: state.term,
		Configuration: raft.DecodeConfiguration(c.Data), ConfigurationIndex: c.Index,
	}, nil
}

// write writes a snapshot and returns its size.
func (s *snapshots) write(f io.Writer, index uint64, state []byte) (int64, error) {
	sum := sha256.New()
	size := new(counter)
	b := bufio.NewWriterSize(io.MultiWriter(f, sum, size), 256<<10)
	b.WriteString(snapshotMagic)
	b.Write(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, index), uint64(len(state))))
	b.Write(state)
	if err := s.log.Scan(eventlog.SpaceAudit, nil, eventlog.IndexKey(index+1), recorder(b, eventlog.SpaceAudit)); err != nil {
		return 0, err
	}
	if err := s.writeGraph(b, index); err != nil {
		return 0, err
	}
	b.WriteByte(0)
	if err := b.Flush(); err != nil { // it keeps the first error
		return 0, err
	}
	n, err := f.Write(sum.Sum(nil))
	return int64(*size) + int64(n), err
}

// writeGraph writes the newest stored graph up to index: it saves the receiver from replaying all changes.
func (s *snapshots) writeGraph(w io.Writer, index uint64) error {
	all, err := s.log.StoredGraphs()
	if err != nil {
		return err
	}
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].Index <= index {
			return s.log.ScanStoredGraph(all[i], recorder(w, eventlog.SpaceGraph))
		}
	}
	return nil
}

// Create implements raft.SnapshotStore: a snapshot comes from the leader.
func (s *snapshots) Create(_ raft.SnapshotVersion, index, term uint64, _ raft.Configuration, _ uint64, _ raft.Transport) (raft.SnapshotSink, error) {
	if applied := s.log.Applied(); index <= applied {
		return nil, fmt.Errorf("raftfsm: snapshot of entry %d, but %d is applied", index, applied)
	}
	f, err := newScratch(s.dir)
	if err != nil {
		return nil, err
	}
	return &sink{store: s, file: f, meta: raft.SnapshotMeta{ID: fmt.Sprintf("received-%d", index), Index: index, Term: term}}, nil
}

type counter int64

func (c *counter) Write(b []byte) (int, error) { *c += counter(len(b)); return len(b), nil }

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
