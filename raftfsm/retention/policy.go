// Package retention decides which old entries of the log go: by the age of their messages, and by the size of the log.
//
// What is removed does not come back. So removal by age goes by a time that is trusted (package clock), in passes that
// are bounded in time and bytes, and waits for a grace when much more than usual is due: people can hold it meanwhile.
// Removal by size is never held, since a full disk is worse.
//
// A Keeper belongs to one goroutine, but for Waiting and Removal. It proposes nothing itself.
package retention

import (
	"cmp"
	"time"

	"hpfriends/raftfsm/clock"
)

// Policy is how long messages are kept. The zero value keeps them for ever. The graph, the audit and the statistics are
// projections, and stay.
type Policy struct {
	Age   time.Duration // a batch goes when all of its messages are older; 0: no limit
	Size  int64         // bytes of entries, as they are stored; 0: no limit
	Grace time.Duration // how long people have to hold what is unusual; 0: 24 h, or Age if that is shorter
}

const (
	// Every is how often a Keeper is asked.
	Every = time.Second
	// Share is the part of what is kept that goes in one pass, and that lies between two kept checkpoints.
	Share = 20
	// unusual is how many shares may be due at once.
	unusual = 3
	// usefulBytes are worth an entry of their own.
	usefulBytes = 16 << 20
)

// Unlimited reports whether everything is kept.
func (p Policy) Unlimited() bool { return p.Age == 0 && p.Size == 0 }

// share is the time of which one pass removes the messages.
func (p Policy) share() time.Duration { return max(p.Age/Share, Every) }

// pause is between two passes: half of what one removes, so that what is behind catches up, and at most an hour.
func (p Policy) pause() time.Duration { return min(max(p.Age/(2*Share), Every), time.Hour) }

func (p Policy) grace() time.Duration { return cmp.Or(p.Grace, min(clock.DefaultGrace, p.Age)) }
