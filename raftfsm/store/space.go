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

// ErrDiskFull means that the disk is almost full: nothing but admins' changes is taken until there is room again.
// Nothing was lost, and nothing has to be repaired: free some space.
var ErrDiskFull = errors.New("raftfsm: the disk is almost full: free some space, and publishing goes on by itself")

// Space is what a file system has left, in bytes.
type Space struct {
	Free, Total        uint64 // bytes
	FreeInodes, Inodes uint64 // of all; 0: the file system makes them as needed, or it is not known
}

// Pebble does not report a full disk: it retries its flushes without pause and blocks its writers for ever. So a node
// takes nothing from clients while there is still room for what is under way, and hands leadership over; and it stores
// nothing that others replicate to it while there is room for what it cannot refuse. It goes on serving what it has, a
// majority of the others goes on without it, and it catches up when there is room. What was not yet flushed counts as
// used: it is written once more.
//
// What is left below that is a reserve for changes by admins: they can disable who has filled the disk, remove shares
// and change how long messages are kept. It holds the ballast too, which the first write that meets the end gives up.
const (
	refuseShare, refuseBytes = 20, 2 << 30    // below a twentieth of the disk and below 2 GiB
	endShare, endBytes       = 100, 256 << 20 // below a hundredth and below 256 MiB
	lastShare, lastBytes     = 400, 16 << 20  // no change either
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
	spare  atomic.Int64 // ... of changes

	refused atomic.Uint64
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
		d.spare.Store(math.MaxInt64)
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
	d.spare.Store(int64(left) + int64(d.log.Disk().Ballast()) - int64(s.line(lastShare, lastBytes)))
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
	bulk, changes := needed(logs)
	if bulk > 0 && d.left.Add(-bulk) < 0 {
		d.left.Add(bulk)
		return fmt.Errorf("%w: %d bytes of entries are not stored", ErrDiskFull, bulk/2)
	}
	if changes > 0 && d.spare.Add(-changes) < 0 {
		d.spare.Add(changes)
		return fmt.Errorf("%w: %d bytes of changes are not stored", ErrDiskFull, changes/2)
	}
	return nil
}

// Room is ErrDiskFull when entries cannot be stored now. It takes nothing.
func (d *Disk) Room(logs []*raft.Log) error {
	bulk, changes := needed(logs)
	if bulk > 0 && d.left.Load() < bulk || changes > 0 && d.spare.Load() < changes {
		return ErrDiskFull
	}
	return nil
}

// needed is how many bytes of room entries take. Of changes only the leader knows whose they are: with less room it
// proposes those of admins only, and nobody refuses to store them.
func needed(logs []*raft.Log) (bulk, changes int64) {
	for _, l := range logs {
		switch {
		case l.Type != raft.LogCommand || len(l.Data) == 0 || !bulky(entry.Kind(l.Data[0])):
		case entry.Kind(l.Data[0]) == entry.KindChange:
			changes += 2 * int64(len(l.Data))
		default:
			bulk += 2 * int64(len(l.Data))
		}
	}
	return bulk, changes
}

// bulky entries are refused while there is no room. A raised floor frees some, a checkpoint belongs to it, with a token
// another node can join, and without a certificate nobody could log in to help.
func bulky(kind entry.Kind) bool {
	switch kind {
	case entry.KindFloor, entry.KindCheckpoint, entry.KindToken, entry.KindVault:
		return false
	case entry.KindBatch, entry.KindChange, entry.KindReport, entry.KindCursor:
	}
	return true
}

// Takes is ErrDiskFull when there is no room for what a client brings; reserved says that it may have the reserve. The
// leader asks before raft does: in StoreLogs a refusal would end its term.
func (d *Disk) Takes(data []byte, reserved bool) error {
	if len(data) == 0 || !bulky(entry.Kind(data[0])) || d.Full() == nil ||
		reserved && d.spare.Load() >= 2*int64(len(data)) {
		return nil
	}
	d.refused.Add(1)
	return ErrDiskFull
}

// Refused is how often Takes refused something.
func (d *Disk) Refused() uint64 { return d.refused.Load() }
