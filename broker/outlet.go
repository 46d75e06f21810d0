package broker

import (
	"context"
	"errors"
	"net/netip"

	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/raftfsm"
	"hpfriends/wire"
)

// Outlet publishes with an authkey on behalf of its owner, who is logged in otherwise: there is no connection, and the
// secret is not needed. It belongs to one goroutine.
type Outlet struct {
	broker  *Broker
	authkey graph.AuthkeyID
	ident   string
	from    string
	source  *raftfsm.Source
	taken   uint64 // messages
	counted uint64 // of them, in the statistics
	allowed permission
}

// Outlet returns an outlet of an authkey for somebody at that address; its owner is the origin of what is published.
func (b *Broker) Outlet(authkey graph.AuthkeyID, from string) (*Outlet, error) {
	key, ok := b.Node.Graph().Authkey(authkey)
	if !ok {
		return nil, errRevoked
	}
	remote, _ := netip.ParseAddr(from) // of the local socket there is none
	return &Outlet{
		broker: b, authkey: authkey, ident: key.Ident, from: from,
		source: &raftfsm.Source{Authkey: uint64(authkey), Origin: uint64(key.Owner), Remote: remote},
	}, nil
}

// Publish takes a message, or says why the authkey may not publish it now. It blocks while too much is not committed.
func (o *Outlet) Publish(ctx context.Context, channel string, payload []byte) error {
	if err := o.allowed.check(o.broker, o.authkey, channel); err != nil {
		return err
	}
	frame := wire.AppendPublish(nil, o.ident, channel, payload)
	if err := o.broker.Ingest.Publish(ctx, o.source, channel, frame, 1); err != nil {
		if errors.Is(err, raftfsm.ErrDiskFull) {
			return &graph.Error{
				Code: graph.Conflict, Msg: "the disk of this node is almost full: it takes nothing", Hint: "tell an admin",
			}
		}
		return err
	}
	o.taken++
	o.broker.metrics.published(o.ident, channel, 1, len(frame))
	return nil
}

// Committed is how many messages can no longer be lost.
func (o *Outlet) Committed() uint64 {
	n, _ := o.source.Progress()
	return n
}

// Flush waits until all that was taken is committed, and counts it in the statistics of the authkey.
func (o *Outlet) Flush(ctx context.Context) error {
	for {
		n, more := o.source.Progress()
		if n >= o.taken {
			break
		}
		select {
		case <-more:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	if d := o.taken - o.counted; d > 0 {
		o.broker.Recorder.Count(entry.Usage{
			Authkey: uint64(o.authkey), Published: d, LastSeen: o.broker.Node.Now().UTC(), LastAddr: o.from,
		})
		o.counted = o.taken
	}
	return nil
}
