package term

import "time"

const (
	paceFirst = 3 * time.Second // before, what was done says nothing of the rest
	paceSpan  = 5 * time.Second
)

// pace is how fast work goes of late: over the last one to two spans, from the first that was seen done. Work often
// begins slowly, and what preceded it is no part of it.
type pace struct {
	older, newer mark
}

// mark is how far the work was at a time.
type mark struct {
	at    time.Time
	count uint64
	part  float64 // from 0 to 1
}

// see takes note of how far the work is.
func (p *pace) see(now mark) {
	switch {
	case now.count == 0 && now.part == 0:
	case p.older.at.IsZero(), now.count < p.newer.count: // the latter: it began anew
		p.older, p.newer = now, now
	case now.at.Sub(p.newer.at) >= paceSpan:
		p.older, p.newer = p.newer, now
	}
}

// since is the mark from which the pace of now is measured; false: it means nothing yet.
func (p *pace) since(now mark) (mark, bool) {
	return p.older, !p.older.at.IsZero() && now.at.Sub(p.older.at) >= paceFirst
}

// left is how long the rest takes at the pace since older; false: it did not move.
func (now mark) left(older mark) (time.Duration, bool) {
	if now.part <= older.part || now.part >= 1 {
		return 0, false
	}
	return time.Duration(float64(now.at.Sub(older.at)) * (1 - now.part) / (now.part - older.part)), true
}
