package transport

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"hpfriends/eventlog"
)

// Base is what raft uses of a transport.
type Base interface {
	raft.Transport
	raft.WithPreVote
	raft.WithClose
}

// Transport is the transport that raft is given.
type Transport struct {
	*notifier
	admission *admission
	gate      interface{ Withhold(bool) } // nil: nothing can be withheld
}

// Config of a Transport.
type Config struct {
	Room  func([]*raft.Log) error       // says why entries cannot be stored now; nil when they can
	Read  func(uint64, *raft.Log) error // reads an entry of the log, as raft.LogStore.GetLog
	Grace time.Duration                 // how long the news of a commit waits for entries that carry it; 0: 250 us
}

// New returns a Transport over base.
func New(base raft.Transport, c Config) (*Transport, error) {
	b, ok := base.(Base)
	if !ok {
		return nil, errors.New("transport: the one below has no pre-vote or cannot be closed")
	}
	t := &Transport{admission: newAdmission(b, c.Room)}
	t.gate, _ = base.(interface{ Withhold(bool) })
	t.notifier = newNotifier(newThrottle(t.admission, c.Read), cmp.Or(c.Grace, notifyGrace))
	return t, nil
}

// Run admits requests and notifies followers until stop is closed.
func (t *Transport) Run(r *raft.Raft, log *eventlog.Log, stop <-chan struct{}) {
	ctx, cancel := context.WithCancel(context.Background())
	var loops sync.WaitGroup
	defer loops.Wait()
	defer cancel()
	loops.Go(func() { t.admission.run(stop) })
	loops.Go(func() { t.watch(ctx, log) })
	loops.Go(func() { t.notify(r, stop) })
	<-stop
}

// Withhold keeps heartbeats and entries back, so that the followers elect another leader, or lets them go again. It
// reports whether the transport below can.
func (t *Transport) Withhold(on bool) bool {
	if t.gate == nil {
		return false
	}
	t.gate.Withhold(on)
	return true
}
