package eventlog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"

	"hpfriends/eventlog/inflight"
	"hpfriends/eventlog/layout"
	"hpfriends/eventlog/watermark"
)

// Config opens a Log. Only Dir is required.
type Config struct {
	Dir        string
	FS         vfs.FS // nil: the disk
	ReadOnly   bool   // for looking at a store that no server uses: nothing is written, and writing ends the process
	CacheBytes int64  // Pebble's block cache, default 16 MiB
	OpenFiles  int    // tables that are kept open, default 1000
	TailBytes  int64  // newest entries kept in memory, raw and decoded together, default 32 MiB
	ColdBytes  int64  // blocks of old entries kept in memory, opened and unpacked, default 64 MiB
	Logger     *slog.Logger
	// Fatal is told why the store must not be used any further and should end the process, which is the default. If it
	// returns, the goroutine that failed ends and whoever waits for it is never answered.
	Fatal func(error)
}

const (
	defaultCacheBytes = 16 << 20
	defaultOpenFiles  = 1000
	defaultTailBytes  = 32 << 20
	defaultColdBytes  = 64 << 20
)

func (c Config) withDefaults() Config {
	if c.CacheBytes <= 0 {
		c.CacheBytes = defaultCacheBytes
	}
	if c.OpenFiles <= 0 {
		c.OpenFiles = defaultOpenFiles
	}
	if c.TailBytes <= 0 {
		c.TailBytes = defaultTailBytes
	}
	if c.ColdBytes <= 0 {
		c.ColdBytes = defaultColdBytes
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Fatal == nil {
		logger := c.Logger
		c.Fatal = func(err error) {
			logger.Error("the event log failed; ending the process so that nothing is acknowledged that is not stored",
				"error", err)
			os.Exit(1)
		}
	}
	return c
}

// Log is the store of one node. See the package documentation for who may call what.
type Log struct {
	db   *store
	tail *tail

	applied   watermark.Watermark
	directory sync.Mutex   // held over writes to the channel directory
	lastTime  atomic.Int64 // the newest time of any indexed batch; written by the applying goroutine

	packing  inflight.Turn // held while a block is made, or removed
	boundsMu inflight.Turn // held by whoever changes the bounds, over the write
	mu       sync.RWMutex  // guards the limits; never held over I/O
	limits

	reclaimed atomic.Uint64 // bytes of records, since Open
}

// limits are where the log begins and ends.
type limits struct {
	floor     uint64         // first index that may be read
	truncated truncatedState // what is known of the entry before it
	last      uint64         // newest entry; below floor when the log is empty
	lastTerm  uint64         // of last; 0 when the log is empty
	total     uint64         // bytes of records up to the newest, see retention.go
}

// Open opens or creates the store. It returns an error, and changes nothing, when what is there contradicts itself;
// run CheckHighWater after it, which finds the loss that the store alone cannot see.
func Open(cfg Config) (*Log, error) {
	if cfg.Dir == "" {
		return nil, errors.New("eventlog: no directory given")
	}
	cfg = cfg.withDefaults()
	l := &Log{tail: newTail(cfg.TailBytes), packing: inflight.NewTurn(), boundsMu: inflight.NewTurn()}
	var err error
	if l.db, err = openStore(cfg); err != nil {
		return nil, fmt.Errorf("eventlog: open %s: %w", cfg.Dir, err)
	}
	if err := l.load(cfg.ReadOnly); err != nil {
		return nil, errors.Join(fmt.Errorf("eventlog: open %s: %w", cfg.Dir, err), l.db.Close())
	}
	return l, nil
}

// load reads the bounds and checks that they fit together.
func (l *Log) load(readOnly bool) error {
	if err := l.db.checkLayout(readOnly); err != nil {
		return err
	}
	applied, err := l.db.number(layout.KeyApplied)
	if err != nil {
		return err
	}
	if l.floor, err = l.db.number(layout.KeyFloor); err != nil {
		return err
	}
	l.floor = max(l.floor, 1)
	if l.truncated, err = l.db.truncated(); err != nil {
		return err
	}
	if l.last, l.lastTerm, err = l.db.lastEntry(); err != nil {
		return err
	}
	if l.last < l.floor {
		l.lastTerm = 0
	}
	if l.total, err = l.db.totalBytes(); err != nil {
		return err
	}
	if err := l.db.loadBlocks(readOnly); err != nil {
		return err
	}
	if l.last >= l.floor {
		if err := l.db.readable(l.floor); err != nil {
			return fmt.Errorf("first entry %d of [%d, %d]: %w", l.floor, l.floor, l.last, err)
		}
	}
	if end := max(l.last, l.floor-1); applied > end {
		return fmt.Errorf("applied index %d is beyond the log's end %d: entries are missing", applied, end)
	}
	l.applied.Raise(applied)
	newest, err := newestTime(l.db)
	l.lastTime.Store(max(l.truncated.time, newest))
	return err
}

// Close closes the store when the readers inside a call are done. Appending and applying must have stopped. Those in
// Wait return ErrClosed. After a failure the store is left alone: its locks may be held by what failed.
func (l *Log) Close() error {
	if !l.db.Shut() {
		return ErrClosed
	}
	l.applied.Close(ErrClosed)
	if err := l.db.failure.Err(); err != nil {
		return fmt.Errorf("eventlog: not closed after a failure: %w", err)
	}
	l.db.Drain()
	if err := errors.Join(l.db.Close(), l.db.spare.Release()); err != nil {
		return fmt.Errorf("eventlog: close: %w", err)
	}
	return nil
}

// Applied returns the newest index whose Tx is committed. It only rises.
func (l *Log) Applied() uint64 { return l.applied.Load() }

// Wait returns Applied as soon as it is above after. It returns ctx's error or ErrClosed otherwise.
func (l *Log) Wait(ctx context.Context, after uint64) (uint64, error) {
	return l.applied.Wait(ctx, after)
}

// Last returns the newest entry that is stored and synced, 0 and 0 when the log is empty.
func (l *Log) Last() (index, term uint64) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.last < l.floor {
		return 0, 0
	}
	return l.last, l.lastTerm
}

// Floor returns the first index that may be read.
func (l *Log) Floor() uint64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.floor
}

// bounds returns [floor, last]; the log is empty when last < floor.
func (l *Log) bounds() (floor, last uint64) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.floor, l.last
}

// Term returns the term of a stored entry, applied or not, and of the entry before the floor. Errors are those of
// Entry.
func (l *Log) Term(index uint64) (uint64, error) {
	if term, ok := l.truncatedTerm(index); ok {
		return term, nil
	}
	r, err := l.stored(index)
	return r.Term, err
}

// CheckHighWater compares the log with the newest (index, term) that was ever reported as synced and recorded outside
// this store. It returns an ErrLogBehind when entries that were synced are gone or were replaced: the node must neither
// vote nor serve. Whoever truncates the log's end legitimately (Raft, a conflicting suffix) lowers the recorded mark,
// synced, before it calls LogStore.DeleteRange.
func (l *Log) CheckHighWater(index, term uint64) error {
	if index == 0 {
		return nil
	}
	floor, last := l.bounds()
	if index < floor {
		return nil // removed behind a snapshot or by retention, which are synced
	}
	if last < index {
		return fmt.Errorf("%w: want entry %d of term %d, the log ends at %d", ErrLogBehind, index, term, last)
	}
	got, err := l.Term(index)
	if err != nil {
		return fmt.Errorf("%w: want entry %d of term %d: %w", ErrLogBehind, index, term, err)
	}
	if got != term {
		return fmt.Errorf("%w: want entry %d of term %d, got term %d", ErrLogBehind, index, term, got)
	}
	return nil
}
