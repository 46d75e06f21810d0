package report

import (
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
	// maxRows and maxOwned bound the different refusals between two reports, of all owners and of one. What exceeds
	// them is counted in one row for each owner: a flood of bad logins must not become a flood of rows.
	maxRows  = 1000
	maxOwned = 500
	// maxParty bounds those of one party (see apply.PartyOf) of an owner, minParty of them are taken of each authkey even
	// when its owner has no more room: so a flood about one does not hide what is tried on another.
	maxParty = 200
	minParty = 2
	maxAll   = 4000 // with those
	// maxKnown bounds the kinds that are known to be in Logs already.
	maxKnown = 10_000
	// early is how many reports an owner's refusals bring forward in a row; it gains one each Every.
	early = 5
)

// MoreRefusals is the message of the row that stands for refusals beyond the bounds.
const MoreRefusals = "More refusals than can be listed."

// Pending is what was counted and refused since the last report.
type Pending struct {
	soon chan struct{} // holds a value while a report should not wait for its time

	mu    sync.Mutex
	usage map[uint64]*entry.Usage
	taken map[uint64]*entry.Usage // and not known to be in the log yet, nor to be lost
	rows  map[apply.RefusalKey]*entry.Refusal
	known map[apply.RefusalKey]struct{} // reported before
	owned map[uint64]*share
}

// share is what one owner of refused authkeys may take up; 0 owns what has no authkey.
type share struct {
	rows    int
	parties map[string]int // their rows
	early   *rate.Limiter
}

// room reports whether there is a row for one more kind of refusal, total being those of all owners.
func (s *share) room(d entry.Refusal, total int) bool {
	have := s.parties[apply.PartyOf(d)]
	if d.Authkey != 0 && have < minParty {
		return total < maxAll
	}
	return s.rows < maxOwned && have < maxParty && total < maxRows
}

// New returns an empty Pending.
func New() *Pending {
	return &Pending{
		soon: make(chan struct{}, 1), usage: make(map[uint64]*entry.Usage),
		rows: make(map[apply.RefusalKey]*entry.Refusal), known: make(map[apply.RefusalKey]struct{}),
		owned: make(map[uint64]*share),
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
	if !p.add(d) || !p.owned[d.Owner].early.AllowN(now, 1) {
		return
	}
	select {
	case p.soon <- struct{}{}:
	default:
	}
}

// add reports whether the refusal is the first of its kind.
func (p *Pending) add(d entry.Refusal) bool {
	own := p.owned[d.Owner]
	if own == nil {
		own = &share{parties: make(map[string]int), early: rate.NewLimiter(rate.Every(Every), early)}
		p.owned[d.Owner] = own
	}
	k := apply.KeyOf(d)
	row := p.rows[k]
	if row == nil && !own.room(d, len(p.rows)) {
		d = entry.Refusal{Owner: d.Owner, Message: MoreRefusals, First: d.First, Last: d.Last, Count: d.Count}
		k = apply.KeyOf(d)
		row = p.rows[k]
	}
	if row != nil {
		if !d.Last.Before(row.Last) {
			row.Last, row.Detail = d.Last, d.Detail
		}
		row.Count += d.Count
		return false
	}
	p.rows[k] = &d
	own.rows++
	own.parties[apply.PartyOf(d)]++
	_, known := p.known[k]
	return !known
}

// Take returns all as the report of a node, and begins anew. There is no report when nothing was counted or refused.
func (p *Pending) Take(node string, now time.Time) *entry.Report {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.soon:
	default:
	}
	for owner, own := range p.owned {
		own.rows, own.parties = 0, make(map[string]int)
		if own.early.TokensAt(now) >= early {
			delete(p.owned, owner)
		}
	}
	if len(p.usage) == 0 && len(p.rows) == 0 {
		return nil
	}
	report := &entry.Report{Node: node, Time: now}
	for _, u := range p.usage {
		report.Usage = append(report.Usage, *u)
	}
	if len(p.known)+len(p.rows) > maxKnown {
		clear(p.known)
	}
	for k, row := range p.rows {
		report.Refusals = append(report.Refusals, *row)
		p.known[k] = struct{}{}
	}
	p.taken, p.usage = p.usage, make(map[uint64]*entry.Usage)
	clear(p.rows)
	return report
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
		p.add(row)
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
