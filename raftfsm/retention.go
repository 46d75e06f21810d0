package raftfsm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/raft"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
)

// Retention is how long messages are kept. The zero value keeps them for ever. The graph, the audit and the statistics
// are projections, and stay.
type Retention struct {
	Age  time.Duration // a batch goes when all of its messages are older; 0: no limit
	Size int64         // bytes of entries, as they are stored; 0: no limit
}

const (
	retainEvery = time.Second
	// usefulBytes are worth an entry of their own. Less goes when a twentieth of the age has passed.
	usefulBytes = 16 << 20
)

// retain raises the floor while this node leads, and gives the space below it back wherever it moved, until Close.
func (n *Node) retain() {
	defer n.loops.Done()
	r := retainer{node: n, Retention: n.retention}
	tick := time.NewTicker(retainEvery)
	defer tick.Stop()
	for {
		if err := r.look(n.clock.Now()); err != nil && !errors.Is(err, eventlog.ErrClosed) {
			n.slog.Error("retention: old messages could not be removed", "err", err)
		}
		select {
		case <-n.stop:
			return
		case <-tick.C:
		}
	}
}

// everything selects the batches of all channels.
var everything = eventlog.Select("*")

// retainer is the state of retain.
type retainer struct {
	Retention
	node      *Node
	reclaimed uint64 // floor up to which space was given back
	search    eventlog.AgeSearch
	raised    time.Time
}

func (r *retainer) look(now time.Time) error {
	if err := r.raise(now); err != nil {
		return err
	}
	floor := r.node.log.Floor()
	if floor == r.reclaimed {
		return nil
	}
	if err := r.node.log.Retention().Reclaim(); err != nil {
		return err
	}
	r.reclaimed = floor
	return nil
}

// raise proposes a higher floor if that is worth an entry.
func (r *retainer) raise(now time.Time) error {
	if r.node.raft.State() != raft.Leader {
		return nil
	}
	e, err := r.wanted(now)
	if err != nil || e == nil {
		return err
	}
	useful, err := r.useful(e, now)
	if err != nil || !useful {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if _, err := r.node.propose(ctx, e.Encode()); err != nil {
		if errors.Is(err, ErrUnavailable) || errors.Is(err, ErrUnknownOutcome) {
			return nil // looked at again soon
		}
		return err
	}
	r.raised = now
	r.node.slog.Info("retention: old messages are no longer kept", "floor", eventlog.Position{Index: e.Floor}.String(),
		"by", e.Reason.String())
	return nil
}

// wanted is the higher of the floors that age and size call for, or nil. The log is cut behind a kept checkpoint
// wherever that is possible: a node that needs older entries gets that state in their place, and then has all that the
// others have. By age, nothing goes that is young; by size, what is too much.
func (r *retainer) wanted(now time.Time) (*entry.Floor, error) {
	floor := r.node.log.Floor()
	e := &entry.Floor{Floor: floor, Time: now}
	kept, err := r.node.log.Checkpoints().Indexes()
	if err != nil || len(kept) == 0 {
		return nil, err
	}
	if r.Age > 0 {
		at, err := r.node.log.Retention().FloorForAge(&r.search, now.Add(-r.Age), now)
		if err != nil {
			return nil, fmt.Errorf("by age: %w", err)
		}
		if at = cutForAge(kept, at); at > e.Floor {
			e.Floor, e.Reason = at, entry.FloorByAge
		}
	}
	if r.Size > 0 {
		at, err := r.node.log.Retention().FloorForSize(r.Size)
		if err == nil && at > floor {
			at, err = r.cutForSize(kept, at)
		}
		if err != nil {
			return nil, fmt.Errorf("by size: %w", err)
		}
		if at > e.Floor {
			e.Floor, e.Reason = at, entry.FloorBySize
		}
	}
	if e.Floor == floor {
		return nil, nil
	}
	return e, nil
}

// aroundCheckpoint are the floors behind the kept checkpoints next to a wanted floor: at or below it (but for the
// checkpoint's own entry, which holds nothing), and at or above it. 0: there is no such checkpoint.
func aroundCheckpoint(kept []uint64, wanted uint64) (below, above uint64) {
	for _, index := range kept {
		if index <= wanted {
			below = index + 1
		}
		if index+1 >= wanted {
			return below, index + 1
		}
	}
	return below, 0
}

// cutForAge is the floor behind the checkpoint before a wanted floor. Of a log that is older than its checkpoints, it
// is the wanted one: the first checkpoint is of the time at which retention was asked for.
func cutForAge(kept []uint64, wanted uint64) uint64 {
	below, _ := aroundCheckpoint(kept, wanted)
	return cmp.Or(below, wanted)
}

// cutForSize is the floor behind the checkpoint after a wanted floor, or else before it. Where checkpoints are so far
// apart that the one would take much more than is too much, and the other nothing, it is the wanted one.
func (r *retainer) cutForSize(kept []uint64, wanted uint64) (uint64, error) {
	below, above := aroundCheckpoint(kept, wanted)
	if above > 0 {
		upto, errUpto := r.node.log.Retention().SizeBelow(above)
		enough, errEnough := r.node.log.Retention().SizeBelow(wanted)
		if err := errors.Join(errUpto, errEnough); err != nil {
			return 0, err
		}
		if upto-enough <= max(2*r.Size/keptShare, 2<<20) {
			return above, nil
		}
	}
	if below > r.node.log.Floor() {
		return below, nil
	}
	return wanted, nil
}

// useful reports whether the floor frees much, or messages whose time has passed for a while. Entries without messages
// do not count: the one that raises the floor would itself become a reason to raise it.
func (r *retainer) useful(e *entry.Floor, now time.Time) (bool, error) {
	batches, err := r.node.log.Next(everything, 0, 1)
	if err != nil || len(batches) == 0 || batches[0] >= e.Floor {
		return false, err
	}
	if e.Reason == entry.FloorByAge && now.Sub(r.raised) >= max(r.Age/20, retainEvery) {
		return true, nil
	}
	frees, err := r.node.log.Retention().SizeBelow(e.Floor)
	return frees >= min(usefulBytes, max(r.Size/20, 1)), err
}
