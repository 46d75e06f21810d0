package report

import (
	"encoding/json"
	"time"

	"golang.org/x/time/rate"

	"hpfriends/eventlog/entry"
	"hpfriends/raftfsm/apply"
)

// What rows of refusals may take of the log, in bytes a second and at once, so that no flood of them, equal or each
// another, fills a disk: of all owners, for kinds that are new and for those that go on; of one owner, for each of the
// two, and once more for the few rows of each authkey that its owner's flood does not hide; of one party.
const (
	allRate    = 4 << 10
	allBurst   = 4 << 20
	ownerRate  = 256
	ownerBurst = 256 << 10
	partyRate  = 128
	partyBurst = 128 << 10
)

func newBudget(bytesPerSecond, burst int) *rate.Limiter {
	return rate.NewLimiter(rate.Limit(bytesPerSecond), burst)
}

// full reports whether a budget is as new.
func full(b *rate.Limiter, now time.Time) bool { return b.TokensAt(now) >= float64(b.Burst()) }

// allow takes n from all of the budgets, or from none.
func allow(now time.Time, n int, budgets ...*rate.Limiter) bool {
	for _, b := range budgets {
		if b.TokensAt(now) < float64(n) {
			return false
		}
	}
	for _, b := range budgets {
		b.AllowN(now, n)
	}
	return true
}

// share is what one owner of refused authkeys may take up; 0 owns what has no authkey.
type share struct {
	rows    int // that wait to be reported
	parties map[string]*party
	early   *rate.Limiter // reports brought forward
	fresh   *rate.Limiter // bytes of rows of new kinds
	keys    *rate.Limiter // and of the first ones of each authkey when there is no more
	again   *rate.Limiter // bytes of rows of kinds that go on
}

// party is what one party of an owner may take up, see apply.PartyOf.
type party struct {
	rows  int
	fresh *rate.Limiter
}

func newShare() *share {
	return &share{
		parties: make(map[string]*party), early: rate.NewLimiter(rate.Every(Every), early),
		fresh: newBudget(ownerRate, ownerBurst), keys: newBudget(ownerRate, ownerBurst),
		again: newBudget(ownerRate, ownerBurst),
	}
}

func (s *share) party(d entry.Refusal) *party {
	name := apply.PartyOf(d)
	of := s.parties[name]
	if of == nil {
		of = &party{fresh: newBudget(partyRate, partyBurst)}
		s.parties[name] = of
	}
	return of
}

// idle forgets parties of which there is nothing to remember, and reports whether there is nothing of the owner.
func (s *share) idle(now time.Time) bool {
	for name, of := range s.parties {
		if of.rows == 0 && full(of.fresh, now) {
			delete(s.parties, name)
		}
	}
	return len(s.parties) == 0 && s.rows == 0 && full(s.early, now) && full(s.fresh, now) && full(s.keys, now) &&
		full(s.again, now)
}

// room takes what a row of a new kind needs, total being the rows of all owners that wait, and all their budget. It
// reports whether there is as much.
func (s *share) room(d entry.Refusal, total int, all *rate.Limiter, now time.Time) bool {
	of := s.party(d)
	if of.rows >= maxParty || total >= maxAll || of.fresh.TokensAt(now) < leastRow || all.TokensAt(now) < leastRow {
		return false // without looking any closer: a flood comes here
	}
	size := sizeOf(d)
	if s.rows < maxOwned && total < maxRows && allow(now, size, of.fresh, s.fresh, all) {
		return true
	}
	return d.Authkey != 0 && of.rows < minParty && allow(now, size, of.fresh, s.keys, all)
}

const (
	growth   = 32  // by how many bytes a row may become longer while it waits: the count and the second time
	leastRow = 128 // bytes, about, that any takes
)

// sizeOf is how many bytes of a report a row takes, at most.
func sizeOf(d entry.Refusal) int {
	text, err := json.Marshal(d)
	if err != nil { // a Refusal has nothing that cannot be encoded
		return maxReport
	}
	return len(text) + growth
}
