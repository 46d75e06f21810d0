package timespec

import (
	"context"
	"time"
)

// Sleep waits for d, or returns the error of ctx when that is done first.
func Sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
