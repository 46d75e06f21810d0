package cold

import (
	"context"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

const (
	removalLook = 10 * time.Millisecond
	removalLong = 10 * time.Second // without a table removed: somebody still reads them
)

// AwaitRemoval waits until Pebble has removed the tables that it no longer needs, which it does at a pace of its own
// (Options.TargetByteDeletionRate). It ends with ctx, too.
func AwaitRemoval(ctx context.Context, db *pebble.DB) {
	tick := time.NewTicker(removalLook)
	defer tick.Stop()
	for left, since := obsolete(db), time.Now(); left > 0 && time.Since(since) < removalLong; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if n := obsolete(db); n != left {
			left, since = n, time.Now()
		}
	}
}

func obsolete(db *pebble.DB) int64 { return db.Metrics().Table.ObsoleteCount }
