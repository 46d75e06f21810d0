package report

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/time/rate"

	"hpfriends/eventlog/entry"
	"hpfriends/raftfsm/apply"
)

// Every is the time between two reports when nothing brings one forward.
const Every = 2 * time.Second

const (
	// maxRows and maxOwned bound the different refusals that wait for a report, of all owners and of one. What exceeds
	// them is counted in one row for each owner: a flood of bad logins must not become a flood of rows.
	maxRows  = 1000
	maxOwned = 500
	// maxParty bounds those of one party (see apply.PartyOf) of an owner, minParty of them are taken of each authkey even
	// when its owner has no more room: so a flood about one does not hide what is tried on another.
	maxParty = 200
	minParty = 2
	maxAll   = 4000 // with those
	// maxKnown bounds the kinds that are remembered.
	maxKnown = 10_000
	// early is how many reports an owner's refusals bring forward in a row; it gains one each Every.
	early = 5
	// maxReport bounds the bytes of rows in one report.
	maxReport = 256 << 10
)

// MoreRefusals is the message of the row that stands for refusals beyond the bounds.
const MoreRefusals = "More refusals than can be listed."

// Pending is what was counted and refused since the last report.
type Pending struct {
	soon chan struct{} // holds a value while a report should not wait for its time

	mu    sync.Mutex
	usage map[uint64]*entry.Usage
	taken map[uint64]*entry.Usage // and not known to be in the log yet, nor to be lost
	kinds map[apply.RefusalKey]*kind
	rows  int // kinds that have a row
	owned map[uint64]*share
	fresh *rate.Limiter // bytes of rows of new kinds
	again *rate.Limiter // and of those that go on
}

// New returns an empty Pending.
func New() *Pending {
	return &Pending{
		soon: make(chan struct{}, 1), usage: make(map[uint64]*entry.Usage),
		kinds: make(map[apply.RefusalKey]*kind), owned: make(map[uint64]*share),
		fresh: newBudget(allRate, allBurst), again: newBudget(allRate, allBurst),
	}
}

// Soon has a value when a report should not wait for its time.
func (p *Pending) Soon() <-chan struct{} { return p.soon }

// Count adds what one connection did since it was last counted.
func (p *Pending) Count(d entry.Usage) {
	p.mu.Lock()
	defer p.mu.Unlock()
	u := p.usage[d.Authkey]
	if u == nil {
		u = &entry.Usage{Authkey: d.Authkey}
		p.usage[d.Authkey] = u
	}
	u.Add(d)
}

// Usage is what is counted of an authkey and not in the log yet, also while a report of it is under way.
func (p *Pending) Usage(authkey uint64) entry.Usage {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := entry.Usage{Authkey: authkey}
	for _, counted := range []map[uint64]*entry.Usage{p.taken, p.usage} {
		if u := counted[authkey]; u != nil {
			all.Add(*u)
		}
	}
	return all
}

// Refuse adds a refusal of now, or Count of them. Ident and channel may be any bytes; what is not text is escaped.
func (p *Pending) Refuse(d entry.Refusal, now time.Time) {
	d.Ident, d.Channel = text(d.Ident), text(d.Channel)
	d.First, d.Last, d.Count = now, now, max(d.Count, 1)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.add(d, now) && p.owned[d.Owner].early.AllowN(now, 1) {
		p.hurry()
	}
}

// hurry brings the next report forward.
func (p *Pending) hurry() {
	select {
	case p.soon <- struct{}{}:
	default:
	}
}

// add reports whether the refusal is the first of its kind.
func (p *Pending) add(d entry.Refusal, now time.Time) bool {
	own := p.of(d.Owner)
	key := keyOf(d)
	k := p.kinds[key]
	first := k == nil
	if first && own.room(d, p.rows, p.fresh, now) {
		k = &kind{paid: true}
		p.kinds[key] = k
	} else if first {
		d = entry.Refusal{Owner: d.Owner, Message: MoreRefusals, First: d.First, Last: d.Last, Count: d.Count}
		if key = keyOf(d); p.kinds[key] == nil {
			p.kinds[key] = &kind{}
		}
		k, first = p.kinds[key], false
	}
	k.calm(now)
	p.fold(k, d)
	return first
}

func (p *Pending) of(owner uint64) *share {
	own := p.owned[owner]
	if own == nil {
		own = newShare()
		p.owned[owner] = own
	}
	return own
}

// fold counts a refusal in what waits of its kind.
func (p *Pending) fold(k *kind, d entry.Refusal) {
	if row := k.row; row != nil {
		if !d.Last.Before(row.Last) {
			k.changed = k.changed || len(row.Detail) != len(d.Detail)
			row.Last, row.Detail = d.Last, d.Detail
		}
		row.First = earlier(row.First, d.First)
		row.Count += d.Count
		return
	}
	k.row, k.changed = &d, true
	own := p.of(d.Owner)
	own.rows++
	own.party(d).rows++
	p.rows++
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// Take returns what is due as the report of a node. It is nil when nothing is.
func (p *Pending) Take(node string, now time.Time) *entry.Report { return p.take(node, now, false) }

// TakeAll returns also what may wait, as much of it as one report holds: nil says that there is no more.
func (p *Pending) TakeAll(node string, now time.Time) *entry.Report { return p.take(node, now, true) }

func (p *Pending) take(node string, now time.Time, all bool) *entry.Report {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.soon:
	default:
	}
	report := &entry.Report{Node: node, Time: now, Refusals: p.takeRows(now, all)}
	p.forget(now)
	if len(p.usage) == 0 && len(report.Refusals) == 0 {
		return nil
	}
	for _, u := range p.usage {
		report.Usage = append(report.Usage, *u)
	}
	p.taken, p.usage = p.usage, make(map[uint64]*entry.Usage)
	return report
}

// takeRows takes the rows that are due, or all: of new kinds first, and then those that have waited for longest.
func (p *Pending) takeRows(now time.Time, all bool) (rows []entry.Refusal) {
	var due []*kind
	for _, k := range p.kinds {
		if k.isDue(now) || all && k.row != nil {
			due = append(due, k)
		}
	}
	slices.SortFunc(due, func(a, b *kind) int {
		switch {
		case a.paid == b.paid:
			return a.due.Compare(b.due)
		case a.paid:
			return -1
		}
		return 1
	})
	size := 0
	for _, k := range due {
		own := p.of(k.row.Owner)
		if !k.paid && !all && min(own.again.TokensAt(now), p.again.TokensAt(now)) < leastRow {
			continue
		}
		n := k.bytes()
		if size += n; size > maxReport && len(rows) > 0 {
			p.hurry()
			break
		}
		if !k.paid && !allow(now, n, own.again, p.again) && !all {
			size -= n
			continue
		}
		rows = append(rows, *k.row)
		own.rows--
		own.party(*k.row).rows--
		p.rows--
		k.rest(now)
	}
	return rows
}

// forget removes what there is nothing to remember of.
func (p *Pending) forget(now time.Time) {
	crowded := len(p.kinds) > maxKnown
	for key, k := range p.kinds {
		if k.over(now) || crowded && k.row == nil {
			delete(p.kinds, key)
		}
	}
	for owner, own := range p.owned {
		if own.idle(now) {
			delete(p.owned, owner)
		}
	}
}

// Taken says that what was taken is in the log, or lost.
func (p *Pending) Taken() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken = nil
}

// Restore adds a report that was taken and is not in the log.
func (p *Pending) Restore(report *entry.Report) {
	p.Taken()
	for _, u := range report.Usage {
		p.Count(u)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, row := range report.Refusals {
		key := keyOf(row)
		k := p.kinds[key]
		if k == nil {
			k = &kind{}
			p.kinds[key] = k
		}
		k.paid, k.due = true, report.Time // and is the first of the next
		p.fold(k, row)
	}
}

// text keeps printable text as it is and escapes the rest, so that a row survives JSON unchanged and shows what came.
func text(s string) string {
	if utf8.ValidString(s) && strings.IndexFunc(s, func(c rune) bool { return !strconv.IsPrint(c) }) < 0 {
		return s
	}
	q := strconv.Quote(s)
	return q[1 : len(q)-1]
}
