package query

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"hpfriends/eventlog"
	"hpfriends/graph"
)

// cut is where a time falls among the changes.
type cut struct {
	index uint64 // of the newest change up to then, for a state
	last  uint64 // of the newest change that is stamped up to then, for a list; not below index
}

// outvoted is by how many the changes stamped later than a time must prevail over the others before nobody looks on.
const outvoted = 64

// cutAt finds where a time falls among changes whose stamps may be wrong. Before the cut stand changes that are stamped
// up to then, behind it later ones: of all cuts it is the one that the fewest changes contradict, and of several the
// last. So a few changes of a clock that was ahead, or behind, move it no further than their own places. One that is
// stamped later than now is wrong for certain, and says nothing.
//
// Marks of time are not below the stamps of any change up to theirs, so no change before the first mark above a time
// can be later.
func (t *TimeTravel) cutAt(at time.Time) (cut, error) {
	mark, err := t.log.Audit().At(at)
	c, now := cut{mark.Index, mark.Index}, t.now()
	votes, most := 0, 0
	for from := mark.Index + 1; from != 0 && err == nil; {
		from, err = t.log.Audit().Scan(from, portion, func(r eventlog.AuditRecord) error {
			stamped, err := stampOf(r)
			switch {
			case err != nil:
				return err
			case stamped.UnixMilli() <= at.UnixMilli():
				c.last = r.Index
				if votes++; votes >= most {
					most, c.index = votes, r.Index
				}
			case !stamped.After(now):
				if votes--; votes < most-outvoted {
					return errEnough
				}
			}
			return nil
		})
	}
	if errors.Is(err, errEnough) {
		err = nil
	}
	return c, err
}

// LastUpTo is the log index of the newest change that is stamped up to a time, unless one that is far behind its
// neighbours' was; 0 if there is none.
func (q *audits) LastUpTo(at time.Time) (uint64, error) {
	c, err := q.history.cutAt(at)
	return c.last, err
}

// stamp is when a command was proposed, by the clock of whoever did it, to the millisecond.
func stamp(c graph.Command) time.Time { return time.UnixMilli(c.Time.UnixMilli()).UTC() }

func stampOf(r eventlog.AuditRecord) (time.Time, error) {
	var c graph.Command
	if err := json.Unmarshal(r.Command, &c); err != nil {
		return time.Time{}, fmt.Errorf("query: change #%d: %w", r.Index, err)
	}
	return stamp(c), nil
}
