// Package pace keeps the pauses between messages that are sent again.
package pace

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Speed is how much faster than they came messages are sent again; 0: as fast as possible.
type Speed float64

// Parse reads 1x, 10x, 0.5x or max, which is 0.
func Parse(s string) (Speed, error) {
	if s == "max" {
		return 0, nil
	}
	n, err := strconv.ParseFloat(strings.TrimSuffix(s, "x"), 64)
	if err != nil || !(n > 0) || math.IsInf(n, 0) {
		return 0, fmt.Errorf("%q: want 1x, 10x, 0.5x or max", s)
	}
	return Speed(n), nil
}

// Pace keeps the pauses between messages, divided by its speed. It goes by a schedule from the first message on, so
// that what one message is late does not delay those after it.
type Pace struct {
	Speed Speed
	begun time.Time
	first time.Time // of the messages
}

// Left is how long a message of that time is to be held back.
func (p *Pace) Left(t time.Time) time.Duration {
	if p.Speed == 0 {
		return 0
	}
	if p.begun.IsZero() {
		p.begun, p.first = time.Now(), t
	}
	due := min(float64(t.Sub(p.first))/float64(p.Speed), math.MaxInt64/2)
	return time.Duration(due) - time.Since(p.begun) // by the monotonic clock
}
