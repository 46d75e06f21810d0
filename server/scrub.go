package server

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"hpfriends/eventlog"
	"hpfriends/query/view"
)

// scrubber reads the whole store once in an interval, slowly, so that damage is found while there are still other
// copies. Where it is survives a restart. Damage does not stop the node, which goes on serving what is sound, but is
// told wherever somebody may look.
type scrubber struct {
	log      *eventlog.Log
	interval time.Duration
	slog     *slog.Logger

	mu     sync.Mutex
	status view.ScrubStatus
	next   []byte // where to go on; nil: at the beginning
	block  uint64 // in which the damage is that status names; 0: none
	looked bool   // whether block is still damaged, since the start
}

const (
	scrubPiece = 1 << 20 // bytes read at a time
	scrubSave  = time.Minute
	// scrubPause is between two pieces at least: 10 MiB a second is below two hundredths of a core.
	scrubPause = 100 * time.Millisecond
)

// scrubKey is where the state is kept.
var scrubKey = []byte("scrub")

// scrubState is what is kept.
type scrubState struct {
	Status view.ScrubStatus `json:"status"`
	Next   []byte           `json:"next"`
	Block  uint64           `json:"block,omitempty"`
}

// newScrubber goes on where the last one was.
func newScrubber(log *eventlog.Log, interval time.Duration, logger *slog.Logger) (*scrubber, error) {
	s := &scrubber{log: log, interval: interval, slog: logger}
	raw, err := log.Get(eventlog.SpaceLocal, scrubKey)
	if errors.Is(err, eventlog.ErrNotFound) {
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	var kept scrubState
	if err := json.Unmarshal(raw, &kept); err != nil {
		return nil, err
	}
	s.status, s.next, s.block = kept.Status, kept.Next, kept.Block
	return s, nil
}

// Status is how far it is. It implements web.Scrubber.
func (s *scrubber) Status() view.ScrubStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	known, _ := s.log.Cold().Damaged()
	is := func(d eventlog.Damaged) bool { return d.Last == s.block }
	if s.looked && s.block != 0 && !slices.ContainsFunc(known, is) {
		s.status.Damage, s.block = "", 0
	}
	return s.status
}

// scrubStatus is also what was repaired.
func (s *Server) scrubStatus() view.ScrubStatus {
	v := s.scrubber.Status()
	v.Repaired = s.node.Repairs().Repaired
	return v
}

// run scrubs until ctx is done.
func (s *scrubber) run(ctx context.Context) error {
	s.look(ctx)
	saved := time.Now()
	for {
		pause := s.wait()
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return s.save()
		}
		if err := s.piece(ctx); err != nil {
			if ctx.Err() != nil || errors.Is(err, eventlog.ErrClosed) {
				return s.save()
			}
			return err
		}
		if time.Since(saved) >= scrubSave {
			if err := s.save(); err != nil {
				return err
			}
			saved = time.Now()
		}
	}
}

// look has the block read in which damage was found before the start, so that it is repaired.
func (s *scrubber) look(ctx context.Context) {
	if s.block != 0 {
		if err := s.log.Cold().Inspect(ctx, s.block); err != nil && !eventlog.IsDamage(err) {
			return
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.looked = true
}

// wait is how long to rest before the next piece: so that all of the store takes the interval, or until the next round
// begins.
func (s *scrubber) wait() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next == nil && s.status.Completed != nil {
		// A round that begins in the time to come was stamped by a clock that was ahead: nobody waits for it.
		if ago := time.Since(s.status.Began); ago >= 0 && ago < s.interval {
			return s.interval - ago
		}
	}
	pieces := s.log.Disk().Bytes()/scrubPiece + 1
	return max(s.interval/2/time.Duration(pieces), scrubPause)
}

func (s *scrubber) piece(ctx context.Context) error {
	s.mu.Lock()
	from := s.next
	s.mu.Unlock()
	if from == nil {
		s.mu.Lock()
		s.status.Began, s.status.Damage, s.block = time.Now().UTC(), "", 0
		s.mu.Unlock()
	}
	p, err := s.log.Scrub(ctx, from, scrubPiece)
	if err != nil && !eventlog.IsDamage(err) {
		return err
	}
	passed := 1.0
	if p.Next != nil {
		var err error
		if passed, err = s.log.ScrubProgress(p.Next); err != nil && !eventlog.IsDamage(err) {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		what := "scrub: the log on this node's disk is damaged: restore it from another node or a backup"
		block := eventlog.DamagedBlock(err)
		if block != 0 {
			what = "scrub: the log on this node's disk is damaged: it is repaired from another node, if there is one"
		}
		s.slog.Error(what, "damage", err)
		s.status.Found++
		if s.status.Damage == "" {
			s.status.Damage, s.block = err.Error(), block
		}
	}
	s.next, s.status.Passed = p.Next, passed
	if p.Next == nil {
		now := time.Now().UTC()
		s.status.Completed = &now
	}
	return nil
}

// save keeps the state over a restart.
func (s *scrubber) save() error {
	s.mu.Lock()
	raw, err := json.Marshal(scrubState{s.status, s.next, s.block})
	s.mu.Unlock()
	if err != nil {
		return err
	}
	tx := s.log.BeginUpdate()
	tx.Put(eventlog.SpaceLocal, scrubKey, raw)
	return tx.Commit()
}
