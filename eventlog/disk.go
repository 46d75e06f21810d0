package eventlog

import (
	"fmt"
	"math"
	"time"

	dto "github.com/prometheus/client_model/go"
)

// Disk is what the store takes of the disk, and keeps free for itself.
type Disk struct{ db *store }

// Disk returns what the store takes of the disk.
func (l *Log) Disk() Disk { return Disk{l.db} }

// Bytes returns the size of all files of the store.
func (d Disk) Bytes() uint64 {
	if !d.db.Enter() {
		return 0
	}
	defer d.db.Leave()
	return d.db.Metrics().DiskSpaceUsage() + d.db.spare.Bytes()
}

// Unflushed returns about how many bytes Pebble has yet to write into tables. The WAL holds them already.
func (d Disk) Unflushed() uint64 { return d.db.Metrics().MemTable.Size }

// WAL returns about how many bytes of the WAL are needed: what its files take beyond that is kept for reuse.
func (d Disk) WAL() uint64 {
	if !d.db.Enter() {
		return 0
	}
	defer d.db.Leave()
	return d.db.Metrics().WAL.Size
}

// Syncs is how long the disk took to sync the WAL, since the log was opened.
type Syncs struct {
	Count uint64
	Sum   time.Duration
	Below []SyncBucket // by rising bounds; the rest took longer than the last
}

// SyncBucket is how many syncs took at most Bound, those of the buckets before included.
type SyncBucket struct {
	Bound time.Duration
	Count uint64
}

// Syncs returns how long syncs of the WAL took, as Pebble measures each.
func (d Disk) Syncs() (s Syncs, err error) {
	if !d.db.Enter() {
		return s, ErrClosed
	}
	defer d.db.Leave()
	var m dto.Metric
	if err := d.db.Metrics().LogWriter.FsyncLatency.Write(&m); err != nil {
		return s, fmt.Errorf("eventlog: times of syncs: %w", err)
	}
	h := m.GetHistogram()
	s = Syncs{Count: h.GetSampleCount(), Sum: time.Duration(h.GetSampleSum())}
	for _, b := range h.GetBucket() {
		if bound := b.GetUpperBound(); !math.IsInf(bound, 1) {
			s.Below = append(s.Below, SyncBucket{time.Duration(bound), b.GetCumulativeCount()})
		}
	}
	return s, nil
}

// WasFull reports whether a write has met the end of the disk since the last Refill. It was tried again, with the space
// of the ballast: store nothing more until there is room.
func (d Disk) WasFull() bool { return d.db.ballast != nil && d.db.ballast.Dropped() }

// Refill reserves space for a full disk, once, and again when that was used up. Call it when there is plenty: see
// Ballast.
func (d Disk) Refill() error {
	if d.db.ballast == nil {
		return nil
	}
	return d.db.ballast.Fill()
}

// Ballast returns how many bytes Refill takes.
func (d Disk) Ballast() uint64 {
	if d.db.ballast == nil {
		return 0
	}
	return d.db.ballast.Size()
}
