package eventlog

import (
	"errors"
	"time"

	"github.com/hashicorp/raft"

	"hpfriends/eventlog/layout"
)

// LogStore is the log as Raft sees it. It implements raft.LogStore and raft.MonotonicLogStore.
//
// Errors are not returned from writes: hashicorp/raft goes on with a wrong idea of its log when StoreLogs or
// DeleteRange fails (its own TODO in appendEntries), so a failed write ends the process instead. GetLog ends it for a
// damaged entry too, if it is not repaired soon: raft panics on such an error while applying and, while replicating,
// retries silently for ever.
type LogStore struct{ log *Log }

var (
	_ raft.LogStore          = (*LogStore)(nil)
	_ raft.MonotonicLogStore = (*LogStore)(nil)

	// The stored entry type is Raft's number. This does not compile if it changes.
	_ [0]struct{} = [raft.LogCommand - layout.TypeCommand]struct{}{}
)

// LogStore returns the log as Raft sees it.
func (l *Log) LogStore() *LogStore { return &LogStore{log: l} }

// IsMonotonic says that the log has no gaps. After InstallSnapshot raft then removes all entries before it continues
// behind the snapshot. Without it, entries before and after the gap would be one log to us, and a restart could not
// heal a follower whose log reached beyond the snapshot (hashicorp/raft#697).
func (s *LogStore) IsMonotonic() bool { return true }

// FirstIndex returns the first readable index, 0 for an empty log.
func (s *LogStore) FirstIndex() (uint64, error) {
	floor, last := s.log.bounds()
	if last < floor {
		return 0, nil
	}
	return floor, nil
}

// LastIndex returns the newest index, 0 for an empty log.
func (s *LogStore) LastIndex() (uint64, error) {
	last, _ := s.log.Last()
	return last, nil
}

// TermOnly are the Extensions of what stands for an entry of which there is only the term. It must not be sent: the
// floor may rise while Raft reads one entry after the other, and another node would store it.
const TermOnly = "only the term is known"

// GetLog reads an entry. Data and Extensions are shared and read-only. It returns raft.ErrLogNotFound outside the log.
// Of the entry before the floor there is only the term (TermOnly), which is all that Raft needs to append behind it.
func (s *LogStore) GetLog(index uint64, out *raft.Log) error {
	if term, ok := s.log.truncatedTerm(index); ok {
		*out = raft.Log{Index: index, Term: term, Type: raft.LogNoop, Extensions: []byte(TermOnly)}
		return nil
	}
	r, err := s.log.stored(index)
	switch {
	case err == nil:
	case errors.Is(err, ErrNotFound), errors.Is(err, ErrBelowFloor):
		return raft.ErrLogNotFound
	case errors.Is(err, ErrClosed):
		return err
	default:
		return s.damaged(index, out, err)
	}
	*out = raft.Log{
		Index: r.Index, Term: r.Term, Type: raft.LogType(r.Type),
		Data: r.Bytes(), Extensions: r.Extensions, AppendedAt: r.Appended,
	}
	return nil
}

// repairLimit is how long Raft waits for the repair of a block that it needs, of old entries: for a member far behind.
const repairLimit = 30 * time.Second

// damaged waits until the block that holds an entry is repaired, if that can be, and reads it again.
func (s *LogStore) damaged(index uint64, out *raft.Log, err error) error {
	if last := DamagedBlock(err); last != 0 {
		if sound, ended := s.log.db.cache.Damage().Await(last, repairLimit); sound {
			return s.GetLog(index, out)
		} else if ended {
			return ErrClosed
		}
	}
	return s.log.db.failure.Fail(err)
}

// StoreLog stores one entry like StoreLogs.
func (s *LogStore) StoreLog(log *raft.Log) error { return s.StoreLogs([]*raft.Log{log}) }

// StoreLogs appends entries and returns when they are synced. The entries must continue the log.
func (s *LogStore) StoreLogs(logs []*raft.Log) error {
	if !s.log.db.Enter() {
		return ErrClosed
	}
	defer s.log.db.Leave()
	records := make([]layout.Record, len(logs))
	for i, e := range logs {
		records[i] = layout.Record{
			Index: e.Index, Term: e.Term, Type: byte(e.Type),
			Appended: e.AppendedAt, Extensions: e.Extensions, Data: e.Data,
		}
	}
	s.append(records)
	return nil
}

// DeleteRange removes the entries from lowest to highest, both included: the beginning, the end or all of the log. The
// beginning is only hidden. Removing the end is durable on return; lower the recorded high-water mark before.
func (s *LogStore) DeleteRange(lowest, highest uint64) error {
	if !s.log.db.Enter() {
		return ErrClosed
	}
	defer s.log.db.Leave()
	s.truncate(lowest, highest)
	return nil
}

// Appended returns when an entry was appended, by the leader's clock, applied or not; zero if that is unknown. Errors:
// those of Entry.
func (s *LogStore) Appended(index uint64) (time.Time, error) {
	r, err := s.log.stored(index)
	return r.Appended, err
}
