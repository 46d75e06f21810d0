package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"hpfriends/web"
)

// cluster starts three servers that are one cluster. The first one leads.
func (o benchOptions) cluster(ctx context.Context, dir string) (_ *bench, err error) {
	b := &bench{benchOptions: o}
	defer func() {
		if err != nil && b.process != nil {
			err = errors.Join(err, b.end())
		}
	}()
	start := func(n int, flags ...string) (*process, error) {
		id := "n" + strconv.Itoa(n)
		home, suffix := filepath.Join(dir, id), "."+id
		if err := os.Mkdir(home, 0o700); err != nil {
			return nil, err
		}
		if n == 1 {
			suffix = ""
		}
		return startProcess(ctx, home, o.env(suffix), append([]string{"--node-id", id, "--cluster", "127.0.0.1:0"}, flags...)...)
	}
	p, err := start(1, "--bootstrap")
	if err != nil {
		return nil, err
	}
	b.process = p
	at, token, err := b.invite(ctx, dir)
	if err != nil {
		return nil, err
	}
	for n := 2; n <= 3; n++ {
		p, err := start(n, "--join", at, "--join-token-file", token)
		if err != nil {
			return nil, err
		}
		b.followers = append(b.followers, p)
	}
	return b, b.until(ctx, "three voters", func() (bool, error) {
		s, err := b.status(ctx)
		voters := 0
		for _, m := range s.Members {
			if m.Role != "nonvoter" && m.Error == "" {
				voters++
			}
		}
		return voters == 3, err
	})
}

// invite makes what a node needs to join: an address and a file with a token.
func (b *bench) invite(ctx context.Context, dir string) (at, file string, err error) {
	s, err := b.status(ctx)
	if err != nil {
		return "", "", err
	}
	if len(s.Members) != 1 {
		return "", "", fmt.Errorf("a new cluster has %d members", len(s.Members))
	}
	var out struct{ Token string }
	if err := b.call(ctx, "POST", "/api/v1/cluster/token", "", map[string]any{"seconds": 600}, &out); err != nil {
		return "", "", err
	}
	file = filepath.Join(dir, "token")
	return s.Members[0].Address, file, os.WriteFile(file, []byte(out.Token), 0o600)
}

func (b *bench) status(ctx context.Context) (s web.ClusterStatus, err error) {
	return s, b.call(ctx, "GET", "/api/v1/cluster", "", struct{}{}, &s)
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
		return most == least && len(s.Members) == 3, err
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
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
}

func (b *bench) all() []*process { return append([]*process{b.process}, b.followers...) }

// clusterThroughput floods through the leader alone, and through all nodes. Delivered is what a subscriber on a follower got:
// committed, synced by a majority and by that follower.
func clusterThroughput(ctx context.Context, b *bench) ([]figure, error) {
	pubs, subs, err := b.setUp(ctx, benchChannel, 4, 1)
	if err != nil {
		return nil, err
	}
	var all []figure
	for _, way := range []struct {
		name   string
		pubAt  []*process
		subAt  *process
		target float64
	}{
		{"through the leader", []*process{b.process}, b.process, 0},
		{"through one follower", b.followers[:1], b.followers[0], 0},
		{"through all nodes", b.all(), b.followers[1], 150_000},
	} {
		if err := b.settle(ctx); err != nil {
			return nil, err
		}
		rates, err := traffic{pubs, subs, way.pubAt, []*process{way.subAt}, 256}.flood(ctx, b.duration)
		if err = errors.Join(err, b.leads(ctx)); err != nil {
			return nil, err
		}
		all = append(all,
			figure{Name: "messages published, 3 nodes, 256 B, " + way.name, Value: rates[0], Unit: "1/s"},
			figure{Name: "messages delivered, 3 nodes, 256 B, " + way.name, Value: rates[1], Unit: "1/s", Target: way.target})
	}
	return all, nil
}

// clusterLatency publishes and subscribes at a follower, and then at the leader.
func clusterLatency(ctx context.Context, b *bench) ([]figure, error) {
	pubs, subs, err := b.setUp(ctx, benchChannel, 1, 1)
	if err != nil {
		return nil, err
	}
	var all []figure
	for _, way := range []struct {
		name string
		at   *process
	}{{", through a follower", b.followers[0]}, {", through the leader", b.process}} {
		if err := b.settle(ctx); err != nil {
			return nil, err
		}
		figures, err := latency(ctx, way.at, pubs[0], subs[0], b.duration, way.name, 25)
		if err = errors.Join(err, b.leads(ctx)); err != nil {
			return nil, err
		}
		all = append(all, figures...)
	}
	return all, nil
}

const spreadSubscribers = 48

// clusterSpread compares the deliveries of one server that is alone, of a leader that serves all subscribers, and of
// three nodes that share them. Publishers are on the leader.
func clusterSpread(ctx context.Context, b *bench) ([]figure, error) {
	single, err := b.spreadAlone(ctx)
	if err != nil {
		return nil, err
	}
	pubs, subs, err := b.setUp(ctx, benchChannel, 5, spreadSubscribers)
	if err != nil {
		return nil, err
	}
	one, oneShare, err := b.spread(ctx, pubs, subs, []*process{b.process})
	if err != nil {
		return nil, err
	}
	three, threeShare, err := b.spread(ctx, pubs, subs, b.all())
	if err != nil {
		return nil, err
	}
	return []figure{
		{Name: "deliveries, 5 -> 48, 1 KiB, one server alone", Value: single, Unit: "1/s"},
		{Name: "deliveries, 5 -> 48, 1 KiB, all on the leader", Value: one, Unit: "1/s"},
		{Name: "deliveries, 5 -> 48, 1 KiB, spread over three nodes", Value: three, Unit: "1/s", Target: max(single, one)},
		{Name: "leader's part of the servers' CPU, all on the leader", Value: 100 * oneShare, Unit: "%"},
		{Name: "leader's part of the servers' CPU, spread over three nodes", Value: 100 * threeShare, Unit: "%", Target: 100 * oneShare, AtMost: true},
	}, nil
}

// spreadAlone is the rate of deliveries of a server beside the cluster, which rests meanwhile.
func (b *bench) spreadAlone(ctx context.Context) (rate float64, err error) {
	dir, err := os.MkdirTemp("", "hpfriends-bench-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	single, err := benchOptions{duration: b.duration}.alone(ctx, dir)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, single.end()) }()
	rates, err := single.load(ctx, 5, spreadSubscribers, 1024)
	if err != nil {
		return 0, err
	}
	return rates[1], nil
}

// spread returns the rate of deliveries, and the leader's part of the processor time that the three servers took.
func (b *bench) spread(ctx context.Context, pubs, subs []benchKey, at []*process) (rate, share float64, err error) {
	if err := b.settle(ctx); err != nil {
		return 0, 0, err
	}
	before, err := b.cpuOfAll()
	if err != nil {
		return 0, 0, err
	}
	rates, err := traffic{pubs, subs, []*process{b.process}, at, 1024}.flood(ctx, b.duration)
	if err = errors.Join(err, b.leads(ctx)); err != nil {
		return 0, 0, err
	}
	after, err := b.cpuOfAll()
	if err != nil {
		return 0, 0, err
	}
	var total time.Duration
	for i := range after {
		total += after[i] - before[i]
	}
	return rates[1], (after[0] - before[0]).Seconds() / total.Seconds(), nil
}

func (b *bench) cpuOfAll() (all []time.Duration, err error) {
	for _, p := range b.all() {
		t, err := p.cpu()
		if err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, nil
}
