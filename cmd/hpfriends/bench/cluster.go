package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"hpfriends/api"
	"hpfriends/internal/load"
	"hpfriends/internal/proc"
	"hpfriends/internal/timespec"
)

// cluster starts servers that are one cluster. The first one leads.
func (o benchOptions) cluster(ctx context.Context, dir string, nodes int) (_ *bench, err error) {
	b := &bench{benchOptions: o, dir: dir}
	defer func() {
		if err != nil && b.Server != nil {
			err = errors.Join(err, b.end())
		}
	}()
	if b.Server, err = b.node(ctx, 1, "--bootstrap"); err != nil {
		return nil, err
	}
	if err := b.invite(ctx); err != nil {
		return nil, err
	}
	for len(b.all()) < nodes {
		if err := b.join(ctx); err != nil {
			return nil, err
		}
	}
	return b, b.until(ctx, fmt.Sprintf("%d voters", nodes), func() (bool, error) {
		s, err := b.status(ctx)
		voters := 0
		for _, m := range s.Members {
			if m.Role != "nonvoter" && m.Error == "" {
				voters++
			}
		}
		return voters == nodes, err
	})
}

// node starts the nth server of a cluster.
func (b *bench) node(ctx context.Context, n int, flags ...string) (*proc.Server, error) {
	id := "n" + strconv.Itoa(n)
	home, suffix := filepath.Join(b.dir, id), "."+id
	if err := os.Mkdir(home, 0o700); err != nil {
		return nil, err
	}
	if n == 1 {
		suffix = ""
	}
	return proc.Start(ctx, home, b.env(suffix), append([]string{"--node-id", id, "--cluster", "127.0.0.1:0"}, flags...)...)
}

// join adds a server to the cluster, and does not wait until it has caught up.
func (b *bench) join(ctx context.Context) error {
	s, err := b.status(ctx)
	if err != nil {
		return err
	}
	p, err := b.node(ctx, len(b.all())+1, "--join", s.Members[0].Address, "--join-token-file", b.token())
	if err == nil {
		b.followers = append(b.followers, p)
	}
	return err
}

func (b *bench) token() string { return filepath.Join(b.dir, "token") }

// invite makes a token for those who join.
func (b *bench) invite(ctx context.Context) error {
	in := api.NewJoinToken{Seconds: 600, Uses: 2}
	out, err := api.AddJoinToken.Call(ctx, b.API, api.With[api.NewJoinToken]{Body: in})
	if err != nil {
		return err
	}
	return os.WriteFile(b.token(), []byte(out.Token), 0o600)
}

func (b *bench) status(ctx context.Context) (api.Cluster, error) {
	return api.ShowCluster.Call(ctx, b.API, api.None{})
}

// settle waits until every node has applied what the leader has.
func (b *bench) settle(ctx context.Context) error {
	return b.until(ctx, "all nodes have caught up", func() (bool, error) {
		s, err := b.status(ctx)
		var most, least uint64
		for i, m := range s.Members {
			most = max(most, m.Applied)
			if least = min(least, m.Applied); i == 0 {
				least = m.Applied
			}
		}
		return most == least && len(s.Members) == len(b.all()), err
	})
}

// leads is an error when another node leads than at the beginning: then what was measured is something else.
func (b *bench) leads(ctx context.Context) error {
	s, err := b.status(ctx)
	if err == nil && s.Leader != s.Node {
		err = fmt.Errorf("%q leads instead of %s since the measurement", s.Leader, s.Node)
	}
	return err
}

func (b *bench) until(ctx context.Context, what string, ok func() (bool, error)) error {
	for end := time.Now().Add(30 * time.Second); ; {
		if done, err := ok(); done || err != nil {
			return err
		}
		if time.Now().After(end) {
			return fmt.Errorf("not within 30 s: %s", what)
		}
		if err := timespec.Sleep(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
}

func (b *bench) all() []*proc.Server { return append([]*proc.Server{b.Server}, b.followers...) }

// clusterThroughput floods through the leader alone, and through all nodes. Delivered is what a subscriber on a
// follower got: committed, synced by a majority and by that follower.
func clusterThroughput(ctx context.Context, b *bench) ([]figure, error) {
	pubs, subs, err := load.SetUp(ctx, b.API, load.Channel, 4, 1)
	if err != nil {
		return nil, err
	}
	var all []figure
	for _, way := range []struct {
		name   string
		pubAt  []*proc.Server
		subAt  *proc.Server
		target float64
	}{
		{"through the leader", []*proc.Server{b.Server}, b.Server, 0},
		{"through one follower", b.followers[:1], b.followers[0], 0},
		{"through all nodes", b.all(), b.followers[1], 150_000},
	} {
		if err := b.settle(ctx); err != nil {
			return nil, err
		}
		rates, err := traffic{pubs: pubs, subs: subs, pubAt: way.pubAt, subAt: []*proc.Server{way.subAt},
			size: 256}.flow(ctx, b.duration)
		if err = errors.Join(err, b.leads(ctx)); err != nil {
			return nil, err
		}
		all = append(all,
			figure{Name: "messages published, 3 nodes, 256 B, " + way.name, Value: rates[0], Unit: "1/s"},
			figure{Name: "messages delivered, 3 nodes, 256 B, " + way.name, Value: rates[1], Unit: "1/s", Target: way.target})
	}
	return all, nil
}

// clusterLatency publishes and subscribes at a follower, and then at the leader; at the follower also so seldom that no
// message follows soon, which would carry the news of the commit.
func clusterLatency(ctx context.Context, b *bench) ([]figure, error) {
	pubs, subs, err := load.SetUp(ctx, b.API, load.Channel, 1, 1)
	if err != nil {
		return nil, err
	}
	var all []figure
	for _, way := range []struct {
		at *proc.Server
		tempo
	}{
		{b.followers[0], tempo{steadyRate, steadyTick, ", through a follower", 25}},
		{b.Server, tempo{steadyRate, steadyTick, ", through the leader", 25}},
		{b.followers[0], tempo{20, 1, ", through a follower, now and then", 0}},
	} {
		if err := b.settle(ctx); err != nil {
			return nil, err
		}
		figures, err := way.latency(ctx, way.at, pubs[0], subs[0], b.duration)
		if err = errors.Join(err, b.leads(ctx)); err != nil {
			return nil, err
		}
		all = append(all, figures...)
	}
	return all, nil
}

// What is published is as much in each way: else a leader that serves fewer would take in more, and write it three
// times.
const (
	spreadPublishers, spreadSubscribers = 5, 48
	spreadRate                          = 8_000 // messages per second of each publisher
	spreadRounds                        = 3     // the three ways are measured in turn: machines have moods
)

// sharing is the servers that share the subscribers, and what was measured with them.
type sharing struct {
	name       string
	at         []*proc.Server
	pubs, subs []load.Key
	sent, got  float64       // rates of messages and deliveries
	first, all time.Duration // processor time of the leader, or of the only server, and of all servers
	took       time.Duration
}

func (g *sharing) figures() []figure {
	return []figure{
		{Name: "messages published, 1 KiB, " + g.name, Value: g.sent, Unit: "1/s"},
		{Name: "deliveries to 48 subscribers, " + g.name, Value: g.got, Unit: "1/s"},
		{Name: "leader's part of the servers' CPU, " + g.name, Value: g.part(), Unit: "%"},
		{Name: "servers' CPU, " + g.name, Value: 100 * g.all.Seconds() / g.took.Seconds(), Unit: "% of a core"},
	}
}

// part is the share of the leader in the processor time, in percent.
func (g *sharing) part() float64 { return 100 * g.first.Seconds() / g.all.Seconds() }

// clusterSpread compares the deliveries of one server that is alone, of a leader that serves all subscribers, and of
// three nodes that share them. Publishers are on the leader.
func clusterSpread(ctx context.Context, b *bench) (figures []figure, err error) {
	dir, err := os.MkdirTemp("", "hpfriends-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	single, err := benchOptions{}.alone(ctx, dir, nil)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, single.end()) }()
	ways := []*sharing{
		{name: "one server alone", at: single.all()},
		{name: "all on the leader", at: []*proc.Server{b.Server}},
		{name: "spread over three nodes", at: b.all()},
	}
	if ways[0].pubs, ways[0].subs, err = load.SetUp(ctx, single.API, load.Channel, spreadPublishers,
		spreadSubscribers); err != nil {
		return nil, err
	}
	pubs, subs, err := load.SetUp(ctx, b.API, load.Channel, spreadPublishers, spreadSubscribers)
	if err != nil {
		return nil, err
	}
	for _, w := range ways[1:] {
		w.pubs, w.subs = pubs, subs
	}
	for range spreadRounds {
		for i, w := range ways {
			of := b
			if i == 0 {
				of = single
			}
			if err := of.spread(ctx, w, b.duration/spreadRounds); err != nil {
				return nil, err
			}
		}
		if err := errors.Join(b.settle(ctx), b.leads(ctx)); err != nil {
			return nil, err
		}
	}
	for _, w := range ways {
		figures = append(figures, w.figures()...)
	}
	one, three := ways[1], ways[2]
	return append(figures,
		// Equal ones differ by some percent.
		figure{Name: "deliveries, spread over three nodes against all on the leader",
			Value: 100 * three.got / one.got, Unit: "%", Target: 95},
		figure{Name: "leader's part of the servers' CPU, the same", Value: 100 * three.part() / one.part(), Unit: "%",
			Target: 100, AtMost: true},
	), nil
}

// spread measures once more and adds it.
func (b *bench) spread(ctx context.Context, w *sharing, d time.Duration) error {
	before, err := b.cpu()
	if err != nil {
		return err
	}
	begin := time.Now()
	rates, err := traffic{pubs: w.pubs, subs: w.subs, pubAt: []*proc.Server{b.Server}, subAt: w.at, size: 1024,
		rate: spreadRate}.flow(ctx, d)
	if err != nil {
		return err
	}
	after, err := b.cpu()
	if err != nil {
		return err
	}
	w.took += time.Since(begin)
	w.first += after[0] - before[0]
	for i := range after {
		w.all += after[i] - before[i]
	}
	w.sent, w.got = w.sent+rates[0]/spreadRounds, w.got+rates[1]/spreadRounds
	return nil
}

// cpu is the processor time that each server has taken.
func (b *bench) cpu() (all []time.Duration, err error) {
	for _, p := range b.all() {
		t, err := p.CPU()
		if err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, nil
}
