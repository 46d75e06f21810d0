package passwords

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// hashing is a queue whose hashes take 100 ms, one at a time.
type hashing struct{ queue }

func (h *hashing) do(ctx context.Context, c Claim) error {
	give, err := h.take(WithClaim(ctx, c))
	if err != nil {
		return err
	}
	time.Sleep(100 * time.Millisecond)
	give()
	return nil
}

func address(i int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 1}), 32)
}

// However many guess, at one account or at all, from one address or from many, once each or over and over: somebody who
// is known waits for one hash at most, a stranger at another account gets a place, and so does the account's owner from
// where nobody has been, who waits for one hash more.
func TestGuessesKeepNobodyOut(t *testing.T) {
	for what, tt := range map[string]struct {
		guess     func(i int) Claim
		addresses int // from which is guessed
	}{
		"one account, many addresses": {func(i int) Claim { return Claim{Account: "ada", Address: address(i)} }, 1000},
		"one account, some addresses": {func(i int) Claim { return Claim{Account: "ada", Address: address(i % 64)} }, 64},
		"all accounts, some addresses": {func(i int) Claim {
			return Claim{Account: fmt.Sprint(i), Address: address(i % 64)}
		}, 64},
		"one address, many accounts": {func(i int) Claim { return Claim{Account: fmt.Sprint(i), Address: address(1)} }, 1},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := &hashing{queue: queue{free: 1}}
				var refused atomic.Int64
				var all sync.WaitGroup
				ctx, cancel := context.WithCancel(t.Context())
				for i := range 1000 {
					all.Go(func() {
						for n := 0; ctx.Err() == nil && (n == 0 || tt.addresses < 1000); n++ {
							if errors.Is(h.do(ctx, tt.guess(i)), ErrBusy) {
								refused.Add(1)
							}
							time.Sleep(time.Duration(500+i) * time.Millisecond) // somebody comes each millisecond
						}
					})
					synctest.Wait()
				}
				if tt.addresses < 1000 {
					time.Sleep(2 * time.Second) // each has asked, and few have had their turn
				}
				wait := func(who string, c Claim, most time.Duration) {
					t.Helper()
					time.Sleep(50 * time.Millisecond) // whatever place is free is taken
					begin := time.Now()
					if err := h.do(t.Context(), c); err != nil || time.Since(begin) > most {
						t.Errorf("%s waited %v: %v", who, time.Since(begin), err)
					}
				}
				wait("who is known", Claim{Known: true, Account: "ada", Address: address(5000)}, 200*time.Millisecond)
				wait("a stranger at another account", Claim{Account: "bob", Address: address(6000)}, time.Second)
				if tt.addresses < 1000 {
					wait("the owner, from elsewhere", Claim{Account: "ada", Address: address(7000)}, 200*time.Millisecond)
				}
				cancel()
				all.Wait()
				if refused.Load() < 990 || h.free != 1 || len(h.strangers)+len(h.known) != 0 {
					t.Errorf("%d were refused, and in the end: %+v", refused.Load(), &h.queue)
				}
			})
		})
	}
}

func TestWaitingEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &queue{}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := q.take(ctx); !errors.Is(err, context.DeadlineExceeded) || len(q.known) != 0 {
			t.Errorf("%v, and %d wait", err, len(q.known))
		}
		q.give(Claim{}, 0)
		if _, err := q.take(t.Context()); err != nil || q.free != 0 {
			t.Error("the turn was lost")
		}
	})
}
