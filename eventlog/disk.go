package eventlog

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
	return d.db.Metrics().DiskSpaceUsage()
}

// Unflushed returns about how many bytes Pebble has yet to write into tables. The WAL holds them already.
func (d Disk) Unflushed() uint64 { return d.db.Metrics().MemTable.Size }

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
