package repair

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"hpfriends/eventlog"
)

const (
	firstPause = time.Minute
	lastPause  = time.Hour
	askTimeout = 30 * time.Second
)

// Config says what a Repairer works with.
type Config struct {
	Log    *eventlog.Log
	Logger *slog.Logger
	Peers  func() []string // the other members
	Ask    func(ctx context.Context, peer string, question []byte) ([]byte, error)
	Full   func() error // why nothing may be written for want of space, or nil
}

// Repairer gets what is damaged on this node's disk from the other members.
type Repairer struct {
	Config
	serving chan struct{} // one place

	mu       sync.Mutex
	tries    map[uint64]*try // by the block's last entry
	repaired uint64
	found    uint64
	newest   *Repair
}

// try is a damaged block and what was tried.
type try struct {
	Block
	due   time.Time
	pause time.Duration
}

// Block is a damaged block of old entries.
type Block struct {
	First, Last uint64
	Damage      string // what was found, with the channels if they are known
	Since       time.Time
	Why         string // it was not repaired; empty: it was not tried yet
}

// Repair is a block that was put back.
type Repair struct {
	First, Last uint64
	From        string // members
	At          time.Time
}

// Status is what was found since the start.
type Status struct {
	Found, Repaired uint64  // blocks
	Newest          *Repair // nil: none
	Damaged         []Block
}

// New returns a Repairer.
func New(c Config) *Repairer {
	return &Repairer{Config: c, serving: make(chan struct{}, 1), tries: make(map[uint64]*try)}
}

// Run repairs until ctx is done.
func (r *Repairer) Run(ctx context.Context) {
	defer r.Log.Cold().Repairing()()
	for {
		damaged, more := r.Log.Cold().Damaged()
		r.take(damaged)
		wait := time.Hour
		for _, d := range damaged {
			if ctx.Err() != nil {
				return
			}
			wait = min(wait, r.repair(ctx, d.Last))
		}
		timer := time.NewTimer(max(wait, time.Second))
		select {
		case <-more:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return
		}
	}
}

// take notes what is known as damaged, and says what is new.
func (r *Repairer) take(damaged []eventlog.Damaged) {
	r.mu.Lock()
	defer r.mu.Unlock()
	known := make(map[uint64]bool, len(damaged))
	for _, d := range damaged {
		known[d.Last] = true
		if r.tries[d.Last] != nil {
			continue
		}
		r.found++
		what := d.Err.Error()
		r.tries[d.Last] = &try{Block: Block{First: d.First, Last: d.Last, Damage: what, Since: time.Now()}, pause: firstPause}
		r.Logger.Error("the log on this node's disk is damaged", "entries", span(d.First, d.Last), "damage", what)
	}
	for last := range r.tries {
		if !known[last] {
			delete(r.tries, last)
		}
	}
}

func span(first, last uint64) string { return fmt.Sprintf("#%d to #%d", first, last) }

// repair tries to repair a block if that is due, and returns how long to wait for the next time.
func (r *Repairer) repair(ctx context.Context, last uint64) time.Duration {
	r.mu.Lock()
	t := *r.tries[last]
	r.mu.Unlock()
	if left := time.Until(t.due); left > 0 {
		return left
	}
	from, why := r.attempt(ctx, &t.Block)
	if ctx.Err() != nil {
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if why == nil {
		delete(r.tries, last)
		if from == "" {
			r.Logger.Info("what was found damaged is sound, or gone", "entries", span(t.First, last))
			return lastPause
		}
		r.repaired++
		r.newest = &Repair{t.First, last, from, time.Now()}
		r.Logger.Info("damaged entries were repaired", "entries", span(t.First, last), "from", from)
		return lastPause
	}
	now := r.tries[last]
	if text := why.Error(); text != now.Why {
		now.Why = text
		r.Logger.Error("damaged entries cannot be repaired", "entries", span(t.First, last), "why", text, "again in",
			now.pause)
	}
	pause := now.pause
	now.due, now.pause = time.Now().Add(pause), min(2*pause, lastPause)
	return pause
}

// attempt returns from which members a block was repaired, or why not; neither if there is nothing to repair.
func (r *Repairer) attempt(ctx context.Context, b *Block) (from string, why error) {
	cold, last := r.Log.Cold(), b.Last
	if b.Why != "" { // not at once, since it takes seconds where Pebble cannot read
		if err := cold.Inspect(ctx, last); err == nil || !eventlog.IsDamage(err) {
			return "", err
		}
	}
	if err := r.Full(); err != nil {
		return "", err
	}
	peers := r.Peers()
	if len(peers) == 0 {
		return "", errors.New("this node is alone: restore it from a backup, or go on without these entries")
	}
	var reasons []string
	said := make(map[string][]eventlog.Stored) // what could not be proven, by member
	for _, peer := range peers {
		entries, err := r.fetch(ctx, peer, b.First, last)
		if err == nil {
			err = cold.Restore(ctx, last, entries, false)
		}
		if errors.Is(err, eventlog.ErrNotFound) { // retention has removed it
			return "", cold.Inspect(ctx, last)
		}
		if errors.Is(err, eventlog.ErrUnproven) {
			for other, theirs := range said {
				if same(entries, theirs) {
					return other + " and " + peer, cold.Restore(ctx, last, entries, true)
				}
			}
			said[peer] = entries
			err = fmt.Errorf("%w, and no other member says the same", err)
		}
		if err == nil {
			return peer, nil
		}
		reasons = append(reasons, fmt.Sprintf("node %s: %v", peer, err))
	}
	return "", errors.New(strings.Join(reasons, "; "))
}

// fetch gets entries from a member.
func (r *Repairer) fetch(ctx context.Context, peer string, first, last uint64) (all []eventlog.Stored, err error) {
	for next := first; next <= last; {
		begin := time.Now()
		asking, cancel := context.WithTimeout(ctx, askTimeout)
		answer, err := r.Ask(asking, peer, encodeQuestion(next, last))
		cancel()
		if err != nil {
			return nil, err
		}
		some, err := decodeEntries(answer, next, last)
		if err != nil {
			return nil, err
		}
		all, next = append(all, some...), next+uint64(len(some))
		select {
		case <-time.After(time.Since(begin)):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return all, nil
}

// same reports whether two members say the same.
func same(a, b []eventlog.Stored) bool {
	for i := range a {
		x, y := &a[i], &b[i]
		if x.Term != y.Term || x.Type != y.Type || !x.Appended.Equal(y.Appended) || x.Hidden != y.Hidden ||
			!bytes.Equal(x.Extensions, y.Extensions) || !bytes.Equal(x.Data, y.Data) {
			return false
		}
	}
	return len(a) == len(b)
}

// Status is what was found since the start.
func (r *Repairer) Status() Status {
	damaged, _ := r.Log.Cold().Damaged()
	r.mu.Lock()
	defer r.mu.Unlock()
	s := Status{Found: r.found, Repaired: r.repaired, Newest: r.newest}
	for _, d := range damaged {
		if t := r.tries[d.Last]; t != nil {
			s.Damaged = append(s.Damaged, t.Block)
		}
	}
	return s
}

// Notices are sentences for the operator of a node.
func (r *Repairer) Notices(node string) (all []string) {
	const most = 3
	damaged := r.Status().Damaged
	for i, b := range damaged {
		why := b.Why
		if why == "" {
			why = "it is being repaired from another node"
		}
		if i == most {
			return append(all, fmt.Sprintf("node %s has %d more damaged blocks of old entries", node, len(damaged)-most))
		}
		all = append(all, fmt.Sprintf("entries %s are damaged on the disk of node %s: %s", span(b.First, b.Last), node, why))
	}
	return all
}
