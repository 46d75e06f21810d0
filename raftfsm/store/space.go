package store

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
)

// ErrDiskFull means that the disk is almost full: nothing is taken until there is room again. Nothing was lost, and
// nothing has to be repaired: free some space.
var ErrDiskFull = errors.New("raftfsm: the disk is almost full: free some space, and publishing goes on by itself")

// Space is what a file system has left, in bytes.
type Space struct{ Free, Total uint64 }

// Pebble does not report a full disk: it retries its flushes without pause and blocks its writers for ever. So a node
// takes nothing from clients while there is still room for what is under way, and hands leadership over; and it stores
// nothing that others replicate to it while there is room for what it cannot refuse. It goes on serving what it has, a
// majority of the others goes on without it, and it catches up when there is room. What was not yet flushed counts as
// used: it is written once more.
const (
	refuseShare, refuseBytes = 20, 2 << 30    // below a twentieth of the disk and below 2 GiB
	endShare, endBytes       = 100, 256 << 20 // below a hundredth and below 256 MiB
	spaceEvery               = 200 * time.Millisecond
)

// line is the free space at which something begins.
func (s Space) line(share, bytes uint64) uint64 { return min(s.Total/share, bytes) }

// Disk is how much room a node has.
type Disk struct {
	space  func() (Space, error)
	log    *eventlog.Log
	logger *slog.Logger
	full   atomic.Bool  // refuses what clients bring
	left   atomic.Int64 // bytes of entries that may be stored before the next look
}

// NewDisk looks at the disk once. space says what it has left; nil: the file system that holds dir.
func NewDisk(dir string, space func() (Space, error), log *eventlog.Log, logger *slog.Logger) *Disk {
	if space == nil {
		space = func() (Space, error) { return DiskSpace(dir) }
	}
	d := &Disk{space: space, log: log, logger: logger}
	d.look()
	return d
}

// Watch looks at the disk until stop is closed.
func (d *Disk) Watch(stop <-chan struct{}) {
	tick := time.NewTicker(spaceEvery)
	defer tick.Stop()
	for {
		d.look()
		select {
		case <-tick.C:
		case <-stop:
			return
		}
	}
}

// look decides what is taken from now on.
func (d *Disk) look() {
	s, err := d.space()
	if err != nil {
		d.left.Store(math.MaxInt64)
		if !errors.Is(err, errors.ErrUnsupported) {
			d.logger.Warn("free space is unknown", "err", err)
		}
		return
	}
	left := s.Free - min(d.log.Disk().Unflushed(), s.Free)
	refuse, end := s.line(refuseShare, refuseBytes), s.line(endShare, endBytes)
	if left > refuse+d.log.Disk().Ballast() {
		if err := d.log.Disk().Refill(); err != nil {
			d.logger.Warn("no space could be set aside for a full disk", "err", err)
		}
	}
	if d.log.Disk().WasFull() {
		left = 0
	}
	d.left.Store(int64(left) - int64(end))
	if d.full.Load() {
		refuse += refuse / 4 // so that it does not turn with every flush
	}
	full := left < refuse
	if d.full.Swap(full) != full {
		d.logger.Warn("free space", "refusing", full, "free", s.Free, "unflushed", s.Free-left, "total", s.Total)
	}
}

// Full is ErrDiskFull while the node refuses proposals for want of space.
func (d *Disk) Full() error {
	if d.full.Load() {
		return ErrDiskFull
	}
	return nil
}

// Reserve takes the room that entries need, in the WAL and in a table. What raft itself writes is small and passes, and
// so does what frees space.
func (d *Disk) Reserve(logs []*raft.Log) error {
	size := needed(logs)
	if size > 0 && d.left.Add(-int64(size)) < 0 {
		d.left.Add(int64(size))
		return fmt.Errorf("%w: %d bytes of entries are not stored", ErrDiskFull, size/2)
	}
	return nil
}

// Room is ErrDiskFull when entries cannot be stored now. It takes nothing.
func (d *Disk) Room(logs []*raft.Log) error {
	if size := needed(logs); size > 0 && d.left.Load() < int64(size) {
		return ErrDiskFull
	}
	return nil
}

// needed is how many bytes of room entries take.
func needed(logs []*raft.Log) (size int) {
	for _, l := range logs {
		if l.Type == raft.LogCommand && len(l.Data) > 0 && bulky(entry.Kind(l.Data[0])) {
			size += 2 * len(l.Data)
		}
	}
	return size
}

// bulky entries are refused while there is no room. A raised floor frees some, a checkpoint belongs to it, and with a
// token another node can join.
func bulky(kind entry.Kind) bool {
	switch kind {
	case entry.KindFloor, entry.KindCheckpoint, entry.KindToken:
		return false
	case entry.KindBatch, entry.KindChange, entry.KindReport, entry.KindCursor:
	}
	return true
}

// Takes is ErrDiskFull when there is no room for what a client brings. The leader asks before raft does: in StoreLogs a
// refusal would end its term.
func (d *Disk) Takes(data []byte) error {
	if len(data) > 0 && bulky(entry.Kind(data[0])) {
		return d.Full()
	}
	return nil
}
