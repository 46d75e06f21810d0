package eventlog

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/hashicorp/raft"

	"hpfriends/eventlog/ballast"
	"hpfriends/eventlog/layout"
)

var errDisk = errors.New("injected disk error")

// ended runs fn in a goroutine, and reports whether fn returned; false means that its goroutine ended inside.
func ended(fn func()) (returned bool) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		fn()
		returned = true
	}()
	<-done
	return returned
}

// TestWriteErrorIsFatalAndNeverAcknowledged breaks the disk under each way of writing.
func TestWriteErrorIsFatalAndNeverAcknowledged(t *testing.T) {
	kinds := map[string][]errorfs.OpKind{
		"write": {errorfs.OpFileWrite, errorfs.OpFileWriteAt},
		"sync":  {errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo},
	}
	writes := map[string]func(l *Log) error{
		"store":    func(l *Log) error { return l.LogStore().StoreLog(command(4, 1, batchOf(1, noon, 10, "a"))) },
		"truncate": func(l *Log) error { return l.LogStore().DeleteRange(3, 3) },
		"prefix":   func(l *Log) error { return l.LogStore().DeleteRange(1, 1) },
		"flush":    func(l *Log) error { return l.Flush() },
		"install": func(l *Log) error {
			tx := l.Begin()
			tx.Install(1, 0, nil)
			return tx.Commit(9)
		},
	}
	for kind, ops := range kinds {
		for write, do := range writes {
			t.Run(kind+" "+write, func(t *testing.T) {
				mem := vfs.NewCrashableMem()
				var broken atomic.Bool
				fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
					if broken.Load() && strings.HasSuffix(op.Path, ".log") {
						for _, k := range ops {
							if op.Kind == k {
								return errDisk
							}
						}
					}
					return nil
				}))
				testFatal(t, mem, fs, &broken, do)
			})
		}
	}
}

func testFatal(t *testing.T, mem *vfs.MemFS, fs vfs.FS, broken *atomic.Bool, do func(*Log) error) {
	var fatal atomic.Int32
	var cause error
	cfg := testConfig(fs)
	cfg.Fatal = func(err error) { cause = err; fatal.Add(1) }
	l, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	storeLogs(t, l,
		command(1, 1, batchOf(1, noon, 10, "a")), command(2, 1, batchOf(2, noon, 10, "a")),
		command(3, 1, batchOf(3, noon, 10, "a")))
	apply(t, l, 2)
	broken.Store(true)
	if ended(func() { _ = do(l) }) {
		t.Fatal("a failed write was answered")
	}
	if fatal.Load() != 1 || !strings.Contains(cause.Error(), errDisk.Error()) {
		t.Fatalf("Fatal was called %d times: %v", fatal.Load(), cause)
	}
	broken.Store(false) // the disk works again: too late
	next := command(4, 1, batchOf(1, noon, 10, "a"))
	if ended(func() { _ = l.LogStore().StoreLogs([]*raft.Log{next}) }) {
		t.Fatal("a write after the failure was answered")
	}
	if ended(func() { _ = l.Begin().Commit(3) }) {
		t.Fatal("a commit after the failure was answered")
	}
	if last, _ := l.Last(); last != 3 {
		t.Fatalf("the log ends at %d for its readers", last)
	}
	if err := l.Close(); err == nil {
		t.Fatal("closed without a word")
	}
	again := openLog(t, mem.CrashClone(vfs.CrashCloneCfg{}))
	if err := again.CheckHighWater(3, 1); err != nil {
		t.Fatal(err)
	}
	verify(t, again)
}

// TestWrongAppendsAreFatal: what Raft must never do is stopped before it is written.
func TestWrongAppendsAreFatal(t *testing.T) {
	for name, do := range map[string]func(s *LogStore) error{
		"gap":          func(s *LogStore) error { return s.StoreLog(command(5, 2, nil)) },
		"overwrite":    func(s *LogStore) error { return s.StoreLog(command(3, 2, nil)) },
		"term falls":   func(s *LogStore) error { return s.StoreLog(command(4, 1, nil)) },
		"inner gap":    func(s *LogStore) error { return s.StoreLogs([]*raft.Log{command(4, 2, nil), command(6, 2, nil)}) },
		"cut applied":  func(s *LogStore) error { return s.DeleteRange(2, 3) },
		"hole":         func(s *LogStore) error { return s.DeleteRange(2, 2) },
		"hide pending": func(s *LogStore) error { return s.DeleteRange(1, 2) },
	} {
		t.Run(name, func(t *testing.T) {
			fs := vfs.NewMem()
			cfg := testConfig(fs)
			var fatal atomic.Int32
			cfg.Fatal = func(error) { fatal.Add(1) }
			l, err := Open(cfg)
			if err != nil {
				t.Fatal(err)
			}
			storeLogs(t, l, command(1, 2, []byte{2}), command(2, 2, []byte{2}), command(3, 2, []byte{2}))
			applied := uint64(1)
			if name == "cut applied" {
				applied = 2
			}
			apply(t, l, applied)
			if ended(func() { _ = do(l.LogStore()) }) || fatal.Load() != 1 {
				t.Fatalf("it was answered; Fatal was called %d times", fatal.Load())
			}
			_ = l.db.Close()
			again := openLog(t, fs)
			if last, _ := again.Last(); last != 3 || again.Floor() != 1 {
				t.Fatalf("the log changed: %d to %d", again.Floor(), last)
			}
			verify(t, again)
		})
	}
}

// TestDamagedEntryEndsRaft: raft would retry for ever, or panic, on an entry that it cannot read.
func TestDamagedEntryEndsRaft(t *testing.T) {
	fs := vfs.NewMem()
	cfg := testConfig(fs)
	var fatal atomic.Int32
	cfg.Fatal = func(error) { fatal.Add(1) }
	l, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	storeLogs(t, l, command(1, 1, []byte{2}), command(2, 1, []byte{2}))
	apply(t, l, 1)
	nonsense := []byte("nonsense of a sufficient length")
	if err := l.db.Set(layout.Indexed(layout.SpanEntry, 1), nonsense, pebble.Sync); err != nil {
		t.Fatal(err)
	}
	l.tail.forget(2)
	var corrupt *CorruptError
	if _, err := l.Entry(1); !errors.As(err, &corrupt) || corrupt.Index != 1 {
		t.Fatalf("a reader got %v", err)
	}
	if fatal.Load() != 0 {
		t.Fatal("a reader ended the process")
	}
	if ended(func() { _ = l.LogStore().GetLog(1, new(raft.Log)) }) || fatal.Load() != 1 {
		t.Fatalf("raft was answered; Fatal was called %d times", fatal.Load())
	}
	_ = l.db.Close()
}

// TestCloseWaitsForReaders: Pebble panics when it is used after its Close.
func TestCloseWaitsForReaders(t *testing.T) {
	l := openLog(t, vfs.NewMem())
	storeLogs(t, l, command(1, 1, batchOf(1, noon, 10, "a")))
	tx := l.Begin()
	tx.Put(SpaceMeta, []byte("k"), []byte("v"))
	if err := tx.Commit(1); err != nil {
		t.Fatal(err)
	}
	inside, goOn := make(chan struct{}), make(chan struct{})
	var reader sync.WaitGroup
	reader.Go(func() {
		err := l.Scan(SpaceMeta, nil, nil, func(k, _ []byte) error {
			close(inside)
			<-goOn
			_, err := l.Get(SpaceMeta, k) // a call inside a call while it closes: refused, not stuck
			return err
		})
		if !errors.Is(err, ErrClosed) {
			t.Errorf("scan over a close: %v", err)
		}
	})
	<-inside
	closed := make(chan error)
	go func() { closed <- l.Close() }()
	for !l.db.IsShut() {
		time.Sleep(time.Millisecond) // until Close has begun; it can only be seen
	}
	select {
	case <-closed:
		t.Fatal("closed under a reader")
	default:
	}
	close(goOn)
	if err := <-closed; err != nil {
		t.Fatal(err)
	}
	reader.Wait()
}

// Where no space can be set aside, a disk that was full is not full for ever.
func TestDiskWithoutBallastIsNotFullForEver(t *testing.T) {
	l := openLog(t, vfs.NewMem())
	defer l.Close()
	l.db.ballast = ballast.New(vfs.NewMem(), "")
	l.db.ballast.Drop()
	if !l.Disk().WasFull() {
		t.Error("the disk was full, and nobody knows")
	}
	if err := l.Disk().Refill(); err != nil || l.Disk().WasFull() {
		t.Errorf("there is plenty: %v, full %t", err, l.Disk().WasFull())
	}
}

// Behind a snapshot the log is empty; it goes on with the next entry and no other.
func TestAppendWithAHoleBehindASnapshotIsFatal(t *testing.T) {
	cfg := testConfig(vfs.NewMem())
	var fatal atomic.Int32
	cfg.Fatal = func(error) { fatal.Add(1) }
	l, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	tx := l.Begin()
	tx.Install(2, 0, nil)
	if err := tx.Commit(10); err != nil {
		t.Fatal(err)
	}
	if ended(func() { _ = l.LogStore().StoreLog(command(12, 2, nil)) }) || fatal.Load() != 1 {
		t.Errorf("it was answered; Fatal was called %d times", fatal.Load())
	}
	_ = l.db.Close()
}
