package retention

import (
	"cmp"
	"errors"
)

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
func (k *Keeper) cutForSize(kept []uint64, wanted uint64) (uint64, error) {
	below, above := aroundCheckpoint(kept, wanted)
	if above > 0 {
		upto, errUpto := k.log.Retention().SizeBelow(above)
		enough, errEnough := k.log.Retention().SizeBelow(wanted)
		if err := errors.Join(errUpto, errEnough); err != nil {
			return 0, err
		}
		if upto-enough <= max(2*k.Size/Share, 2<<20) {
			return above, nil
		}
	}
	if below > k.log.Floor() {
		return below, nil
	}
	return wanted, nil
}
