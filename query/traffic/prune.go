package traffic

import (
	"errors"

	"hpfriends/eventlog"
)

// prune removes the records of what retention has taken: series without a message at or above the floor, and the
// history below the segment that holds the floor. It passes over all records, so it waits until an eighth of the log
// has gone.
func (p *Projection) prune() error {
	floor := p.log.Floor()
	if floor <= p.pruned || floor-p.pruned <= (p.counted-min(p.counted, floor))/8 {
		return nil
	}
	below, err := p.segmentOf(floor)
	if err != nil {
		return err
	}
	d := deletion{log: p.log, tx: p.log.BeginUpdate()}
	defer func() { d.tx.Discard() }()
	err = p.log.Scan(eventlog.SpaceChannels, []byte{recordHistory}, []byte{recordHistory + 1}, func(k, v []byte) error {
		_, rest, err := parseSeries(k)
		if err != nil {
			return err
		}
		h, err := parseHistory(rest, v)
		if err != nil || h.start >= below {
			return err
		}
		return d.remove(k)
	})
	if err != nil {
		return err
	}
	err = p.log.Scan(eventlog.SpaceChannels, []byte{recordSeries}, []byte{recordSeries + 1}, func(k, v []byte) error {
		s, err := parseSpan(v)
		if err != nil || s.Newest.Index >= floor {
			return err
		}
		of, _, err := parseSeries(k)
		if err != nil {
			return err
		}
		d.tx.Delete(eventlog.SpaceChannels, of.namedKey()) // at once with the next
		return d.remove(k)
	})
	if err != nil {
		return err
	}
	d.tx.DeleteRange(eventlog.SpaceChannels, segmentKey(0), segmentKey(below))
	progress{counted: p.stored, pruned: floor}.put(d.tx)
	if err := d.commit(); err != nil {
		return err
	}
	p.pruned = floor
	return nil
}

// segmentOf returns where the segment that holds index begins, or 1 if that is not known any more.
func (p *Projection) segmentOf(index uint64) (start uint64, err error) {
	start = 1
	err = p.log.Scan(eventlog.SpaceChannels, segmentKey(0), segmentKey(index+1), func(k, _ []byte) error {
		s, ok := eventlog.ParseIndexKey(k[1:])
		if !ok {
			return errors.New("traffic: malformed key of a segment")
		}
		start = s
		return nil
	})
	return start, err
}

// deletion deletes keys in transactions of a bounded size.
type deletion struct {
	log *eventlog.Log
	tx  *eventlog.Update
	n   int
}

func (d *deletion) remove(key []byte) error {
	d.tx.Delete(eventlog.SpaceChannels, key)
	if d.n++; d.n < 4096 {
		return nil
	}
	return d.commit()
}

// commit commits what was deleted so far, and begins the next transaction.
func (d *deletion) commit() error {
	err := d.tx.Commit()
	d.tx, d.n = d.log.BeginUpdate(), 0
	return err
}
