package demo

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"hpfriends/graph/explain"
	"hpfriends/internal/load"
	"hpfriends/wire"
)

// arrival is one message that reached one user's client.
type arrival struct {
	user    string
	channel string
	payload []byte
}

const (
	// settleTime is how long an event is waited for before its line is printed.
	settleTime = 300 * time.Millisecond

	// hangUpTime is how long a connection may take to end.
	hangUpTime = 5 * time.Second

	// before is how many attacks there are in each chapter of the past.
	before = 40
)

// begin is the first day: people, what they own and share, and attacks.
func (d *demo) begin(ctx context.Context) error {
	if err := d.populate(ctx); err != nil {
		return err
	}
	return d.attacked(ctx)
}

// yesterday somebody is invited and asks, a CERT warns, and some software is not set up yet.
func (d *demo) yesterday(ctx context.Context) error {
	if err := d.invite(ctx); err != nil {
		return err
	}
	if err := d.addShares(ctx, later); err != nil {
		return err
	}
	if err := d.attacked(ctx); err != nil {
		return err
	}
	cleo := load.KeyOf("cleo")
	c, err := load.Login(ctx, d.address, cleo)
	if err != nil {
		return err
	}
	defer hangUp(c)
	if _, err := c.Write(wire.AppendPublish(nil, cleo.Ident, "cert.advisories", advisory)); err != nil {
		return err
	}
	return d.mistakes(ctx)
}

// run connects sensors and clients, and plays attacks until ctx is done or the count is reached.
func (d *demo) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	sensors, err := d.sensors(ctx)
	if err != nil {
		return err
	}
	defer sensors.close()
	arrivals := make(chan arrival, 1000)
	var received atomic.Int64
	crew := load.NewCrew(cancel)
	for _, handle := range watchers {
		k := load.KeyOf(handle)
		c, err := load.Subscribe(ctx, d.address, k, "*")
		if err != nil {
			return err
		}
		crew.Run(c, func() error {
			return load.CountFrames(c, &received, func(f []byte) {
				if _, channel, payload, err := wire.ParsePublish(f); err == nil {
					arrivals <- arrival{handle, string(channel), bytes.Clone(payload)}
				}
			})
		})
	}
	err = d.attacks(ctx, sensors, arrivals)
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

// sensors are the connections of those who publish, by ident.
type sensors map[string]net.Conn

func (d *demo) sensors(ctx context.Context) (sensors, error) {
	all := make(sensors)
	for _, ident := range []string{cowrieKey, dionaeaKey, placesKey, webKey} {
		c, err := load.Login(ctx, d.address, secretOf(ident))
		if err != nil {
			all.close()
			return nil, err
		}
		all[ident] = c
	}
	return all, nil
}

func (all sensors) close() {
	for _, c := range all {
		hangUp(c)
	}
}

// hangUp ends a connection when the server has taken all that was written to it.
func hangUp(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.CloseWrite()
	}
	_ = c.SetReadDeadline(time.Now().Add(hangUpTime))
	_, _ = io.Copy(io.Discard, c)
	c.Close()
}

func (all sensors) publish(e event) error {
	if _, err := all[e.key].Write(wire.AppendPublish(nil, e.key, e.channel, e.payload)); err != nil {
		return fmt.Errorf("the connection of %s: %w", e.key, err)
	}
	return nil
}

// attacked is what sensors publish of attacks that nobody looks at.
func (d *demo) attacked(ctx context.Context) error {
	to, err := d.sensors(ctx)
	if err != nil {
		return err
	}
	defer to.close()
	for i := range before {
		at := d.clock().Add(time.Duration(i-before) * d.every)
		for _, e := range newAttack(d.rand, at).events(d.rand) {
			if err := to.publish(e); err != nil {
				return err
			}
		}
	}
	return nil
}

// mistakes are what is refused.
func (d *demo) mistakes(ctx context.Context) error {
	for _, try := range []struct {
		key            load.Key
		pub, subscribe string
	}{
		{key: load.Key{Ident: cowrieKey, Secret: "mistyped"}, pub: "cowrie.sessions"},
		{key: load.Key{Ident: cowrieKey, Secret: "mistyped"}, pub: "cowrie.sessions"},
		{key: secretOf(dionaeaKey), pub: "thug.events"},
		{key: secretOf("sandbox-feed"), subscribe: "cowrie.sessions"},
		{key: secretOf("pot3-lab"), pub: "cowrie.sessions"},
		{key: load.Key{Ident: "honeypot@pot9", Secret: "secret"}, pub: "amun.events"},
	} {
		if err := d.refused(ctx, try.key, try.pub, try.subscribe); err != nil {
			return err
		}
	}
	return nil
}

// refused tries what is not allowed, and hears so.
func (d *demo) refused(ctx context.Context, k load.Key, pub, subscribe string) error {
	c, err := load.Login(ctx, d.address, k)
	if err != nil {
		return err
	}
	defer c.Close()
	try := wire.AppendSubscribe(nil, k.Ident, subscribe)
	if pub != "" {
		try = wire.AppendPublish(nil, k.Ident, pub, []byte("{}"))
	}
	_ = c.SetDeadline(time.Now().Add(time.Second))
	_, _ = c.Write(try)
	_, _ = c.Read(make([]byte, 512)) // the refusal
	return ctx.Err()
}

// attacks publishes as the sensors and prints what became of each event.
func (d *demo) attacks(ctx context.Context, to sensors, arrivals <-chan arrival) error {
	tick := time.NewTicker(d.every)
	defer tick.Stop()
	for n := 0; d.count == 0 || n < d.count; n++ {
		for _, e := range newAttack(d.rand, time.Now()).events(d.rand) {
			if err := to.publish(e); err != nil {
				return err
			}
			d.report(e, collect(ctx, arrivals, e))
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
	return nil
}

// collect waits for who receives an event.
func collect(ctx context.Context, arrivals <-chan arrival, e event) (users []string) {
	end := time.NewTimer(settleTime)
	defer end.Stop()
	for {
		select {
		case a := <-arrivals:
			if a.channel == e.channel && bytes.Equal(a.payload, e.payload) {
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
func (d *demo) report(e event, got []string) {
	g := d.server.Graph()
	k, ok := g.AuthkeyByIdent(e.key)
	if !ok {
		return // somebody has removed it, on the pages
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s from %s, %d bytes\n",
		time.Now().Format("15:04:05"), e.channel, d.handle(k.Owner), len(e.payload))
	for _, handle := range watchers {
		u, ok := g.UserByHandle(handle)
		if !ok || u.ID == k.Owner {
			continue
		}
		mark := "  not"
		if slices.Contains(got, handle) {
			mark = "   ->"
		}
		fmt.Fprintf(&b, "%s %-9s %s\n", mark, handle, d.why(explain.Delivery(g, k.Owner, u.ID, e.channel)))
	}
	fmt.Fprint(d.out, b.String())
}

// why is an explanation in a line: the path, or the first gate that is shut.
func (d *demo) why(x explain.Answer) string {
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
