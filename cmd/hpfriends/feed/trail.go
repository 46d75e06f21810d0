package feed

import (
	"slices"
	"sync"
)

// trail is where the messages come from that are passed on and not confirmed.
type trail struct {
	mu        sync.Mutex
	positions []string // of all but the first ones
	gone      uint64   // how many those are
}

// trailStep is how many messages are added before it is asked which of them are confirmed.
const trailStep = 4096

// add notes a message; the confirmations are of those before it.
func (t *trail) add(position string, a *answers) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.positions)%trailStep == trailStep-1 {
		n, _, _ := a.progress()
		t.forget(n)
	}
	t.positions = append(t.positions, position)
}

// forget, for holders of mu, drops what is confirmed, but for the last message.
func (t *trail) forget(confirmed uint64) {
	if confirmed > t.gone+1 {
		keep := t.positions[confirmed-1-t.gone:]
		t.positions, t.gone = slices.Clone(keep), confirmed-1
	}
}

// next returns where to go on when so many messages are confirmed, or more if that is known already.
func (t *trail) next(confirmed uint64) (uint64, string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.forget(confirmed)
	switch {
	case confirmed == 0 && t.gone == 0:
		return 0, t.positions[0]
	case len(t.positions) > 1:
		return t.gone + 1, t.positions[1]
	}
	return t.gone + 1, following(t.positions[0])
}
