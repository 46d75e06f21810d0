package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"hpfriends/api"
	"hpfriends/internal/load"
	"hpfriends/internal/proc"
	"hpfriends/internal/timespec"
)

// packingRounds is how often each way is measured, in turn.
const packingRounds = 3

// packingRound is what a server had confirmed, and what it took meanwhile.
type packingRound struct {
	times  []time.Duration
	cpu    float64 // of a core
	blocks int     // that it has made by itself
}

// benchPacking measures how long confirmations take at 20,000 messages a second where nothing is packed, and where what
// is a second old is packed meanwhile: on fresh servers, in turn.
func benchPacking(ctx context.Context, b *bench) ([]figure, error) {
	var rounds [2][]packingRound
	for i := range 2 * packingRounds {
		way := (i + i/2) % 2 // neither is always the first
		r, err := b.packingRound(ctx, fmt.Sprintf("packing-%d", i), []string{"off", "1s"}[way])
		if err != nil {
			return nil, err
		}
		rounds[way] = append(rounds[way], r)
	}
	least := slices.MinFunc(rounds[1], func(x, y packingRound) int { return x.blocks - y.blocks }).blocks
	if least == 0 {
		return nil, errors.New("nothing was packed: measure for longer")
	}
	mean := func(way int, of func(r packingRound) float64) (sum float64) {
		for _, r := range rounds[way] {
			sum += of(r) / packingRounds
		}
		return sum
	}
	p50 := func(r packingRound) float64 { return quantile(r.times, .5) }
	p99 := func(r packingRound) float64 { return quantile(r.times, .99) }
	cpu := func(r packingRound) float64 { return r.cpu }
	return []figure{
		{Name: "confirmation at 20,000/s without packing, p50", Unit: "ms", Value: mean(0, p50)},
		{Name: "confirmation at 20,000/s without packing, p99", Unit: "ms", Value: mean(0, p99)},
		{Name: "confirmation at 20,000/s beside packing, p50", Unit: "ms", Value: mean(1, p50)},
		{Name: "confirmation at 20,000/s beside packing, p99", Unit: "ms", Value: mean(1, p99), Target: 2 * mean(0, p99),
			AtMost: true},
		{Name: "processor time of the server without packing", Unit: "%", Value: 100 * mean(0, cpu)},
		{Name: "processor time of the server beside packing", Unit: "%", Value: 100 * mean(1, cpu)},
		{Name: "blocks made meanwhile, in the round with the fewest", Value: float64(least)},
	}, nil
}

// packingRound measures one server.
func (b *bench) packingRound(ctx context.Context, name, after string) (r packingRound, err error) {
	dir := filepath.Join(b.Dir, name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return r, err
	}
	p, err := proc.Start(ctx, dir, b.env("."+name), "--cold-after", after)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, p.Stop(), os.RemoveAll(dir)) }()
	pubs, _, err := load.SetUp(ctx, p.API, "*", 1, 0)
	if err != nil {
		return r, err
	}
	l := &replayLoad{bench: &bench{benchOptions: b.benchOptions, Server: p}, pub: pubs[0]}
	var before, behind time.Duration
	_, r.times, _, err = l.confirmedBeside(ctx, func() error {
		before, err = p.CPU()
		return errors.Join(err, timespec.Sleep(ctx, b.duration))
	})
	if err != nil {
		return r, err
	}
	if behind, err = p.CPU(); err != nil {
		return r, err
	}
	r.cpu = (behind - before).Seconds() / b.duration.Seconds()
	c, err := api.CompactLog.Run(ctx, p.API, func(api.Progress) {})
	r.blocks = c.Blocks - c.Packed
	fmt.Fprintf(os.Stderr, "packing: --cold-after %s: p50 %.3g, p99 %.3g ms, %d blocks\n", after, quantile(r.times, .5),
		quantile(r.times, .99), r.blocks)
	return r, err
}
