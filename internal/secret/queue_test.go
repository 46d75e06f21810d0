package secret

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

// However many guess, at one account or at all, from one address or from many: somebody who is known waits for one hash
// at most, and a stranger at another account gets a place.
func TestGuessesKeepNobodyOut(t *testing.T) {
	address := func(i int) netip.Prefix {
		return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 1}), 32)
	}
	for what, guess := range map[string]func(i int) Claim{
		"one account, many addresses": func(i int) Claim { return Claim{Account: "ada", Address: address(i)} },
		"one address, many accounts":  func(i int) Claim { return Claim{Account: fmt.Sprint(i), Address: address(1)} },
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q, refused := &queue{free: 1}, 0
				hash := func(ctx context.Context) error {
					if err := q.take(ctx); err != nil {
						return err
					}
					time.Sleep(100 * time.Millisecond)
					q.give()
					return nil
				}
				for i := range 1000 {
					go func() {
						if err := hash(WithClaim(t.Context(), guess(i))); errors.Is(err, ErrBusy) {
							refused++
						}
					}()
					synctest.Wait()
				}
				begin := time.Now()
				if err := hash(WithClaim(t.Context(), Claim{Known: true, Account: "ada", Address: address(5000)})); err != nil ||
					time.Since(begin) > 200*time.Millisecond {
					t.Errorf("who is known waited %v: %v", time.Since(begin), err)
				}
				other := Claim{Account: "bob", Address: address(6000)}
				if err := hash(WithClaim(t.Context(), other)); err != nil || time.Since(begin) > time.Second {
					t.Errorf("a stranger at another account waited %v: %v", time.Since(begin), err)
				}
				time.Sleep(time.Minute)
				if refused < 990 || q.free != 1 || len(q.strangers)+len(q.known) != 0 {
					t.Errorf("%d of 1000 were refused, and in the end: %+v", refused, q)
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
		if err := q.take(ctx); !errors.Is(err, context.DeadlineExceeded) || len(q.known) != 0 {
			t.Errorf("%v, and %d wait", err, len(q.known))
		}
		q.give()
		if q.take(t.Context()) != nil || q.free != 0 {
			t.Error("the turn was lost")
		}
	})
}
