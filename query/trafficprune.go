package query

import (
	"errors"

	"hpfriends/eventlog"
)

// prune removes the records of what retention has taken: lanes without a message at or above the floor, and the history
// below the segment that holds the floor. It passes over all records, so it waits until an eighth of the log has gone.
func (t *traffic) prune() error {
	floor := t.log.Floor()
	if floor <= t.pruned || floor-t.pruned <= (t.counted-min(t.counted, floor))/8 {
		return nil
	}
	below, err := t.segmentOf(floor)
	if err != nil {
		return err
	}
	p := pruner{log: t.log, tx: t.log.BeginAside()}
	defer func() { p.tx.Discard() }()
	err = t.log.Scan(eventlog.SpaceChannels, []byte{recordHistory}, []byte{recordHistory + 1}, func(k, v []byte) error {
		_, rest, err := parseLane(k)
		if err != nil {
			return err
		}
		h, err := parseHistory(rest, v)
		if err != nil || h.start >= below {
			return err
		}
		return p.remove(k)
	})
	if err != nil {
		return err
	}
	err = t.log.Scan(eventlog.SpaceChannels, []byte{recordLane}, []byte{recordLane + 1}, func(k, v []byte) error {
		s, err := parseStretch(v)
		if err != nil || s.newest.Index >= floor {
			return err
		}
		return p.remove(k)
	})
	if err != nil {
		return err
	}
	p.tx.DeleteRange(eventlog.SpaceChannels, segmentKey(0), segmentKey(below))
	t.putCursor(p.tx, t.stored, floor)
	if err := p.next(); err != nil {
		return err
	}
	t.pruned = floor
	return nil
}

// segmentOf is where the segment that holds index begins, or 1 if that is not known any more.
func (t *traffic) segmentOf(index uint64) (start uint64, err error) {
	start = 1
	err = t.log.Scan(eventlog.SpaceChannels, segmentKey(0), segmentKey(index+1), func(k, _ []byte) error {
		s, ok := eventlog.ParseIndexKey(k[1:])
		if !ok {
			return errors.New("query: malformed key of a segment")
		}
		start = s
		return nil
	})
	return start, err
}

// pruner deletes keys, some at a time.
type pruner struct {
	log *eventlog.Log
	tx  *eventlog.Tx
	n   int
}

func (p *pruner) remove(key []byte) error {
	p.tx.Delete(eventlog.SpaceChannels, key)
	if p.n++; p.n < 4096 {
		return nil
	}
	return p.next()
}

// next commits what was deleted so far.
func (p *pruner) next() error {
	err := p.tx.CommitAside()
	p.tx, p.n = p.log.BeginAside(), 0
	return err
}
