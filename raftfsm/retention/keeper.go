package retention

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/raftfsm/survey"
)

// everything selects the batches of all channels.
var everything = eventlog.Select("*")

// Keeper finds the floors that a policy calls for.
type Keeper struct {
	Policy
	log     *eventlog.Log
	due     eventlog.AgeSearch // for what is too old
	share   eventlog.AgeSearch // for what one pass removes
	passed  time.Time          // the last pass by age
	usual   time.Time          // what is older than this may go: it became due little by little, or the grace is over
	waiting atomic.Pointer[Waiting]
}

// Waiting is a removal that is larger than usual.
type Waiting struct {
	Oldest, Until time.Time // messages between these times are due
	since         time.Time
	grace         time.Duration
}

// Left is how much of the grace is left.
func (w *Waiting) Left() time.Duration { return max(0, w.grace-time.Since(w.since)) }

// NewKeeper returns a Keeper for a log.
func NewKeeper(p Policy, log *eventlog.Log) *Keeper { return &Keeper{Policy: p, log: log} }

// Waiting returns what waits for its grace, or nil.
func (k *Keeper) Waiting() *Waiting {
	if w := k.waiting.Load(); w != nil && w.Left() > 0 {
		return w
	}
	return nil
}

// Removal tells of what waits; nil: nothing does.
func (k *Keeper) Removal() *survey.Removal {
	w := k.Waiting()
	if w == nil {
		return nil
	}
	return &survey.Removal{Oldest: w.Oldest, Until: w.Until, Left: w.Left()}
}

// Forget ends what waits: somebody else decides now.
func (k *Keeper) Forget() { k.waiting.Store(nil) }

// Moment is what a Keeper goes by.
type Moment struct {
	Time    time.Time
	Trusted bool
	graph.Retention
}

// Passed notes that a floor was proposed, so that the next pass by age comes after a pause.
func (k *Keeper) Passed(e *entry.Floor) {
	if e.Reason == entry.FloorByAge {
		k.passed = time.Now()
	}
}

// Floor returns the floor to propose now, or nil; it may do so although something else failed. The log is cut behind a
// kept checkpoint wherever that is possible: a node that needs older entries gets that state in their place, and then
// has all that the others have. By age, nothing goes that is young; by size, what is too much. Entries without messages
// are no reason: the one that raises the floor would itself become one.
func (k *Keeper) Floor(m Moment) (*entry.Floor, error) {
	kept, err := k.log.Checkpoints().Indexes()
	if err != nil || len(kept) == 0 {
		return nil, err
	}
	e := &entry.Floor{Floor: k.log.Floor(), Time: m.Time}
	byAge, errAge := k.byAge(m, kept)
	if byAge > e.Floor {
		e.Floor, e.Reason = byAge, entry.FloorByAge
	}
	bySize, errSize := k.bySize(kept)
	if bySize > e.Floor {
		e.Floor, e.Reason = bySize, entry.FloorBySize
	}
	batches, err := k.log.Next(everything, 0, 1)
	if err != nil || len(batches) == 0 || batches[0] >= e.Floor {
		e = nil
	}
	return e, errors.Join(err, named("by age", errAge), named("by size", errSize))
}

func named(what string, err error) error {
	if err != nil {
		err = fmt.Errorf("%s: %w", what, err)
	}
	return err
}

// byAge returns the floor of the next pass, 0 when it is not time for one.
func (k *Keeper) byAge(m Moment, kept []uint64) (uint64, error) {
	if k.Age == 0 || !m.Trusted {
		return 0, nil
	}
	if m.Held {
		k.Forget()
		return 0, nil
	}
	end := m.Time.Add(-k.Age)
	due, err := k.log.Retention().FloorForAge(&k.due, end, m.Time)
	if err != nil {
		return 0, err
	}
	if due = cutForAge(kept, due); due <= k.log.Floor() {
		k.Forget()
		return 0, nil
	}
	oldest, err := k.oldest(m.Time)
	if err != nil || k.unusual(m, oldest, end) {
		return 0, err
	}
	if next := oldest.Add(k.Policy.share()); next.Before(end) {
		end = next
	}
	limit, err := k.log.Retention().FloorForAge(&k.share, end, m.Time)
	if err != nil {
		return 0, err
	}
	if time.Since(k.passed) < k.pause() {
		return 0, nil
	}
	return k.bound(kept, min(limit, due), due)
}

// unusual reports whether messages from oldest to end are more than usual, and nobody has accepted that, and the grace
// is not over. What became due little by little is usual, however far the passes are behind it, as they are behind a
// burst.
func (k *Keeper) unusual(m Moment, oldest, end time.Time) bool {
	from := oldest
	if k.usual.After(from) {
		from = k.usual
	}
	if end.Sub(from) <= unusual*k.Policy.share() {
		k.Forget()
		k.usual = end
		return false
	}
	w := k.waiting.Load()
	if w == nil {
		w = &Waiting{Oldest: oldest.UTC(), Until: end.UTC(), since: time.Now(), grace: k.grace()}
		k.waiting.Store(w)
	}
	accepted := m.Time.Sub(m.Clock) // not by the command's time: that is the time expected, where a clock had stepped
	if m.Accepted.Index > 0 && accepted.Abs() < k.grace() {
		w = &Waiting{Oldest: w.Oldest, Until: w.Until, since: w.since}
		k.waiting.Store(w)
	}
	if w.Left() > 0 {
		return true
	}
	k.usual = end
	return false
}

// looks is at how many batches oldest looks.
const looks = 256

// oldest returns the time of the first message: that at which its entry was appended, where it is stamped with a time
// to come. It is zero, and so more than usual, where that is to come too in all that it looks at.
func (k *Keeper) oldest(now time.Time) (t time.Time, err error) {
	batches, err := k.log.Next(everything, 0, looks)
	for _, index := range batches {
		e, err := k.log.Entry(index)
		if errors.Is(err, eventlog.ErrBelowFloor) { // the floor has moved meanwhile
			continue
		}
		if err != nil {
			return t, err
		}
		h, err := entry.DecodeHeader(e.Data)
		if err != nil {
			return t, err
		}
		for _, stamp := range []time.Time{time.UnixMilli(h.Time()), e.Appended} {
			if stamp.Before(now.Add(eventlog.ClockSlack)) {
				return stamp, nil
			}
		}
	}
	return t, err
}

// bound returns the floor of a pass that may go up to limit, and where checkpoints are, a little further, but not
// beyond what is due. It removes at most a share of the bytes.
func (k *Keeper) bound(kept []uint64, limit, due uint64) (uint64, error) {
	size, err := k.log.Retention().Size()
	if err != nil {
		return 0, err
	}
	most := max(size/Share, usefulBytes)
	if size > most {
		at, err := k.log.Retention().FloorForSize(size - most)
		if err != nil {
			return 0, err
		}
		limit = min(limit, at)
	}
	below, above := aroundCheckpoint(kept, limit)
	if below > k.log.Floor() {
		return below, nil
	}
	if 0 < above && above <= due {
		frees, err := k.log.Retention().SizeBelow(above)
		if err != nil || frees <= 2*most {
			return above, err
		}
	}
	return limit, nil
}

// bySize returns the floor that the size of the log calls for, 0 when that would free little.
func (k *Keeper) bySize(kept []uint64) (uint64, error) {
	if k.Size == 0 {
		return 0, nil
	}
	at, err := k.log.Retention().FloorForSize(k.Size)
	if err != nil || at <= k.log.Floor() {
		return 0, err
	}
	if at, err = k.cutForSize(kept, at); err != nil {
		return 0, err
	}
	frees, err := k.log.Retention().SizeBelow(at)
	if err != nil || frees < min(usefulBytes, max(k.Size/Share, 1)) {
		return 0, err
	}
	return at, nil
}
