package inflight

// Turn is a lock that may be held over writes: who waits for it waits on a channel, which a bubble of synctest sees, so
// that the time of a simulated disk goes on. It is made by NewTurn.
type Turn chan struct{}

// NewTurn returns one that nobody has.
func NewTurn() Turn { return make(Turn, 1) }

// Lock waits for the turn.
func (t Turn) Lock() { t <- struct{}{} }

// Unlock gives it to the next.
func (t Turn) Unlock() { <-t }
