package demo

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"hpfriends/graph"
	"hpfriends/internal/load"
	"hpfriends/wire"
)

// arrival is one message that reached one user's client.
type arrival struct {
	user    string
	channel string
	payload []byte
}

// settleTime is how long an event is waited for before its line is printed.
const settleTime = 300 * time.Millisecond

// run connects every user's client and plays attacks until ctx is done or the count is reached.
func (d *demo) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	arrivals := make(chan arrival, 1000)
	var received atomic.Int64
	crew := load.NewCrew(cancel)
	for _, u := range d.people {
		c, err := load.Login(ctx, d.address, u.key)
		if err != nil {
			return err
		}
		if _, err := c.Write(wire.AppendSubscribe(nil, u.key.Ident, "*")); err != nil {
			return err
		}
		crew.Run(c, func() error {
			return load.CountFrames(c, &received, func(f []byte) {
				if _, channel, payload, err := wire.ParsePublish(f); err == nil {
					arrivals <- arrival{u.handle, string(channel), bytes.Clone(payload)}
				}
			})
		})
	}
	err := d.attacks(ctx, arrivals)
	go func() { // the clients may be handing over what came last
		for range arrivals {
		}
	}()
	cancel()
	if crewErr := crew.End(); err == nil {
		err = crewErr
	}
	close(arrivals)
	return err
}

// attacks publishes as ada's sensors and prints what became of each event.
func (d *demo) attacks(ctx context.Context, arrivals <-chan arrival) error {
	sensor, err := load.Login(ctx, d.address, d.people[0].key)
	if err != nil {
		return err
	}
	defer sensor.Close()
	r := rand.New(rand.NewPCG(d.seed, 0))
	tick := time.NewTicker(d.every)
	defer tick.Stop()
	for n := 0; d.count == 0 || n < d.count; n++ {
		a := newAttack(r, places[0], time.Now())
		events := []arrival{
			{channel: "cowrie.sessions", payload: a.cowrie()}, {channel: "dionaea.capture", payload: a.dionaea()},
		}
		e := events[r.IntN(len(events))]
		for _, m := range []arrival{e, {channel: "geoloc.events", payload: a.geoloc(e.channel)}} {
			if _, err := sensor.Write(wire.AppendPublish(nil, d.people[0].key.Ident, m.channel, m.payload)); err != nil {
				return fmt.Errorf("the sensor's connection: %w", err)
			}
			d.report(m, collect(ctx, arrivals, m))
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
	return nil
}

// collect waits for who receives m.
func collect(ctx context.Context, arrivals <-chan arrival, m arrival) (users []string) {
	end := time.NewTimer(settleTime)
	defer end.Stop()
	for {
		select {
		case a := <-arrivals:
			if a.channel == m.channel && bytes.Equal(a.payload, m.payload) {
				users = append(users, a.user)
			}
		case <-end.C:
			return users
		case <-ctx.Done():
			return users
		}
	}
}

// report prints who received an event and why, and why the others did not.
func (d *demo) report(m arrival, got []string) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s from ada, %d bytes\n", time.Now().Format("15:04:05"), m.channel, len(m.payload))
	g := d.server.Graph()
	for _, u := range d.people[1:] {
		x := g.Explain(d.people[0].id, u.id, m.channel)
		mark := "  not"
		if slices.Contains(got, u.handle) {
			mark = "   ->"
		}
		fmt.Fprintf(&b, "%s %-9s %s\n", mark, u.handle, d.why(x))
	}
	fmt.Fprint(d.out, b.String())
}

// why is an explanation in a line: the path, or the first gate that is shut.
func (d *demo) why(x graph.Explanation) string {
	if !x.Flows {
		for _, gate := range x.Gates {
			if !gate.OK {
				return gate.Detail
			}
		}
	}
	var hops []string
	for _, h := range x.Path {
		hops = append(hops, fmt.Sprintf("share #%d %s -> %s (%s)", h.Share, d.handle(h.Owner), d.handle(h.Receiver), h.Type))
	}
	return strings.Join(hops, ", ")
}
