package eventlog

import (
	"context"

	"github.com/cockroachdb/pebble/v2"

	"hpfriends/eventlog/check"
	"hpfriends/eventlog/layout"
)

// Summary is what Verify found in a sound store, Piece what one call of Scrub has read.
type (
	Summary = check.Summary
	Piece   = check.Piece
)

// Verify reads the whole store, as of now, and returns the first thing that is wrong: a *CorruptError for bytes that
// are not what was written, an *InconsistentError for a hole in the log, a term that falls, or an index that says
// something else than the batches, in either direction. progress, if not nil, is called now and then with the index at
// hand.
//
// It may run beside everything else: it reads one snapshot, and in chunks, so it pins no files.
func (l *Log) Verify(ctx context.Context, progress func(index uint64)) (s Summary, err error) {
	err = checked(l, func(snapshot *pebble.Snapshot) (err error) {
		s, err = check.Verify(ctx, snapshot, progress)
		return err
	})
	return s, l.db.noted(err)
}

// Scrub reads about budget bytes of the store from the key from on (nil: from its beginning), and returns the first
// thing that is wrong, as Verify does. It also returns where to go on, behind the damage if there is any. So the whole
// store is read in pieces over days: each sees the store as of its own beginning, and nothing is pinned between them.
// A piece has a whole block, or none of it.
//
// All of Verify's checks are made but those that need the whole log at once: that no index key is there which no batch
// calls for (a reader would meet a batch without its channel), and that terms and times do not fall from one piece to
// the next.
func (l *Log) Scrub(ctx context.Context, from []byte, budget int64) (p Piece, err error) {
	err = checked(l, func(snapshot *pebble.Snapshot) (err error) {
		p, err = check.Scrub(ctx, snapshot, from, budget)
		return err
	})
	return p, l.db.noted(err)
}

func checked(l *Log, fn func(*pebble.Snapshot) error) error {
	if !l.db.Enter() {
		return ErrClosed
	}
	defer l.db.Leave()
	if err := l.db.failure.Err(); err != nil {
		return err
	}
	snapshot := l.db.NewSnapshot()
	defer snapshot.Close()
	return fn(snapshot)
}

// ScrubProgress returns the share of the store, by bytes on the disk, that lies before a key.
func (l *Log) ScrubProgress(key []byte) (float64, error) {
	if !l.db.Enter() {
		return 0, ErrClosed
	}
	defer l.db.Leave()
	all, err := l.db.EstimateDiskUsage([]byte{0}, []byte{0xff})
	if err != nil || all == 0 || len(key) == 0 {
		return 0, layout.Damaged(err)
	}
	before, err := l.db.EstimateDiskUsage([]byte{0}, key)
	return float64(before) / float64(all), layout.Damaged(err)
}

// IsDamage reports whether an error of Verify or Scrub is about the store, and not about the reading of it.
func IsDamage(err error) bool { return layout.IsDamage(err) }
