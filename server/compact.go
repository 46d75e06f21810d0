package server

import (
	"context"
	"log/slog"
	"time"

	"hpfriends/api"
	"hpfriends/eventlog"
	"hpfriends/graph"
	"hpfriends/query/view"
)

// compactor puts what is old into blocks, beside everything else.
type compactor struct {
	log   *eventlog.Log
	after time.Duration // is how old it is; 0: only who asks for it
	slog  *slog.Logger
	waits [2]compactWaits // of each pass
}

// compactWaits is for how many ticks a pass that found too little does not look again: a look reads all that there is.
// It doubles, so that a log that grows slowly is read a few times for each block. One that does not grow is not read.
type compactWaits struct {
	before     uint64 // of that look
	ticks, due int
}

const mostWaits = 32 // ticks

const (
	compactEvery = time.Minute
	// compactRest says how long is rested after each piece of work: so many times what it took. It leaves the work a
	// quarter of a core.
	compactRest = 3
	// What does not fill a block waits for a day, and then has to be worth one.
	compactWait  = 24 * time.Hour
	compactWorth = 256 << 10
)

// run compacts until ctx is done. What cannot be packed stays as it is: that is no reason to stop.
func (c *compactor) run(ctx context.Context) error {
	tick := time.NewTicker(min(compactEvery, max(c.after/4, time.Second)))
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		c.passes(ctx)
	}
}

// passes packs what fills blocks, and then what is a day old.
func (c *compactor) passes(ctx context.Context) {
	for i, old := range []struct {
		age   time.Duration
		least int
	}{{c.after, eventlog.BlockBytes}, {max(c.after, compactWait), compactWorth}} {
		if err := c.pass(ctx, old.age, old.least, &c.waits[i]); err != nil && ctx.Err() == nil {
			c.slog.Error("old messages could not be compacted", "err", err)
		}
	}
}

// pass packs what is older than an age.
func (c *compactor) pass(ctx context.Context, age time.Duration, least int, w *compactWaits) error {
	if w.due > 0 {
		w.due--
		return nil
	}
	before, err := c.log.IndexAt(time.Now().Add(-age))
	if err != nil || before == w.before {
		return err
	}
	p, err := c.log.Cold().PackAll(ctx, eventlog.Packing{
		Before: before, Least: least, Rest: func(work time.Duration) { rest(ctx, compactRest*work) },
	}, nil)
	if w.before = before; p.Blocks > 0 {
		w.ticks = 0
	} else {
		w.ticks = min(2*w.ticks+1, mostWaits)
	}
	w.due = w.ticks
	return err
}

// all packs everything now, as fast as it goes. It implements v1.Compact.
func (c *compactor) all(ctx context.Context, tell func(api.Progress)) (v view.Compaction, err error) {
	return Compact(ctx, c.log, func(done, total uint64) { tell(api.Progress{Done: done, Total: total}) })
}

// Compact puts all that can be into blocks.
func Compact(ctx context.Context, log *eventlog.Log, told func(done, total uint64)) (v view.Compaction, err error) {
	end := log.Applied()
	p, err := log.Cold().PackAll(ctx, eventlog.Packing{Before: end}, func(last uint64) { told(last, end) })
	if eventlog.IsDamage(err) {
		return v, &graph.Error{Code: graph.Conflict, Msg: err.Error(), Hint: "see hpfriends check"}
	}
	if err != nil {
		return v, err
	}
	v = view.Compaction{Before: p.Bytes, After: p.Stored, Packed: p.Blocks, Until: eventlog.Position{Index: end}.String()}
	v.Blocks, v.Bytes, err = log.Cold().Stored()
	return v, err
}
