package eventlog

import (
	"errors"

	"github.com/cockroachdb/pebble/v2"
)

// BeginAside starts a Tx that writes projections beside the entries, from any goroutine: for what is derived from an
// immutable state and carries its own index, such as a stored graph. End it with CommitAside.
func (l *Log) BeginAside() *Tx { return &Tx{log: l, batch: l.db.NewBatch()} }

// CommitAside writes the keys at once, synced, and leaves Applied alone.
func (t *Tx) CommitAside() error {
	defer t.Discard()
	if t.lowest != 0 || t.floor != 0 || t.install {
		return errors.New("eventlog: CommitAside is for keys of projections only")
	}
	if !t.log.users.enter() {
		return ErrClosed
	}
	defer t.log.users.leave()
	t.log.commit(t.batch, pebble.Sync)
	return nil
}
