package raftfsm

import (
	"errors"
	"fmt"
)

// ErrDiskFull means that the disk is almost full: nothing is taken until there is room again. Nothing was lost, and
// nothing has to be repaired: free some space.
var ErrDiskFull = errors.New("raftfsm: the disk is almost full: free some space, and publishing goes on by itself")

// Space is what a file system has left, in bytes.
type Space struct{ Free, Total uint64 }

// Pebble does not report a full disk: it retries its flushes without pause and blocks its writers for ever. So a node takes
// nothing more while there is room for what is under way, and ends before it gets there.
const (
	refuseShare, refuseBytes = 20, 2 << 30    // below a twentieth of the disk and below 2 GiB
	endShare, endBytes       = 100, 256 << 20 // below a hundredth and below 256 MiB
)

func (s Space) below(share, bytes uint64) bool { return s.Free < min(s.Total/share, bytes) }

// watchSpace looks at the disk, and refuses or takes proposals from then on.
func (n *Node) watchSpace() {
	s, err := n.space()
	if errors.Is(err, errors.ErrUnsupported) {
		return
	}
	if err != nil {
		n.slog.Warn("free space is unknown", "err", err)
		return
	}
	if s.below(endShare, endBytes) {
		n.fsm.fail(fmt.Errorf("%w: %d of %d bytes are left", ErrDiskFull, s.Free, s.Total))
		return
	}
	full := s.below(refuseShare, refuseBytes)
	if n.full.Swap(full) != full {
		n.slog.Warn("free space", "refusing", full, "free", s.Free, "total", s.Total)
	}
}

// Full is ErrDiskFull while the node refuses proposals for want of space.
func (n *Node) Full() error {
	if n.full.Load() {
		return ErrDiskFull
	}
	return nil
}
