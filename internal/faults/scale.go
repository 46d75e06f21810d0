package faults

import (
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"
)

// Extent is how long the fault tests are: HPFRIENDS_FAULTS is empty (only what is short), "bounded" (make faults) or
// "soak".
type Extent int

const (
	Short Extent = iota
	Bounded
	Soak
)

// Wanted is the extent that was asked for.
func Wanted(t testing.TB) Extent {
	t.Helper()
	switch s := os.Getenv("HPFRIENDS_FAULTS"); s {
	case "":
		return Short
	case "bounded":
		return Bounded
	case "soak":
		return Soak
	default:
		t.Fatalf("HPFRIENDS_FAULTS=%s: want bounded or soak", s)
		return Short
	}
}

// Long skips a test unless long ones are wanted, and chooses its duration. HPFRIENDS_FAULTS_DURATION replaces that of
// a soak.
func Long(t testing.TB, bounded, soak time.Duration) time.Duration {
	t.Helper()
	switch Wanted(t) {
	case Short:
		t.Skip("a long test: make faults, or make soak")
	case Bounded:
		return bounded
	case Soak:
	}
	if s := os.Getenv("HPFRIENDS_FAULTS_DURATION"); s != "" {
		d, err := time.ParseDuration(s)
		if err != nil {
			t.Fatalf("HPFRIENDS_FAULTS_DURATION: %v", err)
		}
		return d
	}
	return soak
}

// Scaled is a rate that is meant for 8 cores or more, on this machine.
func Scaled(rate int) int { return rate * min(8, runtime.NumCPU()) / 8 }

// dice draws the decisions of one run from its seed, which it prints.
func dice(t testing.TB) (*rand.Rand, uint64) {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("HPFRIENDS_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatalf("HPFRIENDS_SEED: %v", err)
		}
		seed = n
	}
	t.Logf("HPFRIENDS_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0)), seed
}

// between draws a duration.
func between(r *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(r.Int64N(int64(most-least)+1))
}

// figures are the middle, the 95th percentile and the largest of some durations.
func figures(all []time.Duration) (p50, p95, most time.Duration) {
	if len(all) == 0 {
		return 0, 0, 0
	}
	at := func(percent int) time.Duration { return percentile(all, percent).Round(time.Millisecond) }
	return at(50), at(95), at(100)
}

// percentile is the duration that so many percent do not exceed; 0 of none.
func percentile(all []time.Duration, percent int) time.Duration {
	if len(all) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(all))[(len(all)*percent+99)/100-1]
}
