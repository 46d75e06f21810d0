package router

import "sync"

// priorityLock is a lock for one goroutine that goes first and many others. Who calls LockFirst waits for one other at
// most, however many there are, and each time it unlocks one of them has its turn. A sync.Mutex is handed to who has
// waited for longest: to all of them before the first.
type priorityLock struct {
	mu     sync.Mutex // guards all below; held for moments only
	held   bool
	first  chan struct{}   // is closed when the first holds it; nil: it does not wait
	others []chan struct{} // the same, in order
}

// Lock may be called by any goroutine.
func (l *priorityLock) Lock() {
	l.lock(func(mine chan struct{}) { l.others = append(l.others, mine) })
}

// LockFirst is for one goroutine at a time.
func (l *priorityLock) LockFirst() {
	l.lock(func(mine chan struct{}) { l.first = mine })
}

// lock takes the lock, or waits where wait puts what is closed when it is handed over.
func (l *priorityLock) lock(wait func(mine chan struct{})) {
	l.mu.Lock()
	if !l.held {
		l.held = true
		l.mu.Unlock()
		return
	}
	mine := make(chan struct{})
	wait(mine)
	l.mu.Unlock()
	<-mine
}

// Unlock ends what Lock began.
func (l *priorityLock) Unlock() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.first != nil {
		close(l.first)
		l.first = nil
		return
	}
	l.pass()
}

// UnlockFirst ends what LockFirst began.
func (l *priorityLock) UnlockFirst() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pass()
}

// pass hands the lock to the next of the others. The caller holds mu.
func (l *priorityLock) pass() {
	if len(l.others) == 0 {
		l.held, l.others = false, nil
		return
	}
	close(l.others[0])
	l.others = l.others[1:]
}
