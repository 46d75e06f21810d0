package feed

import (
	"strconv"
	"sync"

	"hpfriends/wire"
	"hpfriends/wire/subscription"
)

// answers are what a broker says of what it was sent: how much is confirmed, and the verdict, which is the first ERROR
// or the connection's end. read runs in a goroutine of its own.
type answers struct {
	decided chan struct{} // closed when there is a verdict
	over    chan struct{} // closed when read has ended
	noted   func(uint64)  // called by read with each count; may be nil

	mu sync.Mutex
	// confirmed is how many messages have arrived: the first so many that were sent. What arrives after a refusal, which a
	// broker may go on from, is not counted.
	confirmed uint64
	counting  bool          // a count has come, if only 0
	grown     chan struct{} // closed and replaced when a count comes
	verdict   error
}

func newAnswers(noted func(uint64)) *answers {
	return &answers{
		decided: make(chan struct{}), over: make(chan struct{}), noted: noted, grown: make(chan struct{}),
	}
}

// read takes answers until the connection's end.
func (a *answers) read(conn *wire.ClientConn) {
	defer close(a.over)
	for {
		frame, err := conn.ReadFrame()
		if err != nil {
			a.decide(err)
			return
		}
		if text, err := wire.ParseError(frame); err == nil {
			a.decide(&wire.BrokerError{Text: string(text)})
			continue
		}
		_, channel, payload, err := wire.ParsePublish(frame)
		if err != nil || string(channel) != subscription.Acks {
			continue
		}
		if n, err := strconv.ParseUint(string(payload), 10, 64); err == nil {
			a.confirm(n)
		}
	}
}

func (a *answers) decide(verdict error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.verdict == nil {
		a.verdict = verdict
		close(a.decided)
	}
}

func (a *answers) confirm(n uint64) {
	a.mu.Lock()
	if a.verdict != nil {
		a.mu.Unlock()
		return
	}
	a.confirmed, a.counting = n, true
	close(a.grown)
	a.grown = make(chan struct{})
	a.mu.Unlock()
	if a.noted != nil {
		a.noted(n)
	}
}

// judged returns the verdict; nil: there is none yet.
func (a *answers) judged() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.verdict
}

// progress returns how many messages are confirmed, whether the broker counts at all, and what is closed with the next
// count.
func (a *answers) progress() (n uint64, counting bool, grown <-chan struct{}) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.confirmed, a.counting, a.grown
}
