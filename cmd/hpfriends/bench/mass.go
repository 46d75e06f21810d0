package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/internal/load"
	"hpfriends/internal/proc"
	"hpfriends/internal/timespec"
)

// crowd is a world in which one user shares with everyone, and everybody has enabled all of these shares.
var crowd = size{users: 100_000, wide: 4, decided: 4, publishers: 100}

// massShares are those shares. All of them are of the channel that is published on meanwhile.
func (w *world) massShares(ctx context.Context) error {
	w.wides = make([]graph.ShareID, w.wide)
	err := w.do(ctx, w.wide, func(i int) (graph.UserID, graph.Op) {
		return w.users[wideUser], graph.AddShare{Channel: graph.Pattern(load.Channel[:i+1] + "*"), Group: graph.Everyone}
	}, func(i int, id uint64) { w.wides[i] = graph.ShareID(id) })
	if err != nil {
		return err
	}
	return w.do(ctx, w.decided*w.size.users, func(i int) (graph.UserID, graph.Op) {
		user, share := i/w.decided, w.wides[i%w.decided]
		if user == wideUser {
			return w.users[user], graph.EditShare{Share: share}
		}
		return w.users[user], graph.DecideShare{Share: share, Accept: true}
	}, nil)
}

// crowdPeople are its users, of whom two have an authkey.
func (w *world) crowdPeople(ctx context.Context) error {
	err := w.do(ctx, w.size.users, func(i int) (graph.UserID, graph.Op) {
		return 0, graph.AddUser{Handle: person(i)}
	}, func(i int, id uint64) { w.users[i] = graph.UserID(id) })
	if err != nil {
		return err
	}
	return w.do(ctx, 2, func(i int) (graph.UserID, graph.Op) {
		k := load.KeyOf(person(wideUser + i))
		return w.users[wideUser+i], graph.AddAuthkey{
			Ident: k.Ident, Secret: w.key.Seal([]byte(k.Secret), []byte(k.Ident)),
			Pub: []graph.Pattern{"*"}, Sub: []graph.Pattern{"*"},
		}
	}, nil)
}

// benchMass publishes at a steady pace to one of 100,000 receivers, at first quietly, then while what all of them
// receive changes every half second.
func benchMass(ctx context.Context, b *bench) ([]figure, error) {
	if err := b.Stop(); err != nil {
		return nil, err
	}
	w := &world{size: crowd, users: make([]graph.UserID, crowd.users)}
	if err := w.make(ctx, b.Dir, w.crowdPeople, w.massShares); err != nil {
		return nil, err
	}
	p, err := proc.Start(ctx, b.Dir, b.env(""))
	if err != nil {
		return nil, err
	}
	b.Server = p
	pub, sub := load.KeyOf(person(wideUser)), load.KeyOf(person(wideUser+1))
	measure := func(where string) ([]figure, error) {
		return tempo{steadyRate, steadyTick, where, 0}.latency(ctx, b.Server, pub, sub, b.duration)
	}
	quiet, err := measure(", quiet")
	if err != nil {
		return nil, err
	}
	var took []time.Duration
	done := make(chan error, 1)
	changing, stop := context.WithCancel(ctx)
	defer stop()
	go func() { done <- b.change(changing, w, &took) }()
	beside, err := measure(", beside changes for 100,000")
	stop()
	if err := errors.Join(err, <-done); err != nil {
		return nil, err
	}
	slices.Sort(took)
	all := append(quiet, beside...)
	return append(all,
		figure{Name: "p99 beside, in those when quiet", Value: beside[1].Value / quiet[1].Value, Unit: "times",
			Target: 2, AtMost: true},
		figure{Name: fmt.Sprintf("slowest of %d changes, as its user waits", len(took)),
			Value: took[len(took)-1].Seconds() * 1000, Unit: "ms"},
	), nil
}

// change disables and enables a receiver, and adds and removes shares, until ctx is done. The first share stays.
func (b *bench) change(ctx context.Context, w *world, took *[]time.Duration) error {
	sharer, on, off := b.API.As(person(wideUser)), true, false
	next := 1
	for n := 0; timespec.Sleep(ctx, 500*time.Millisecond) == nil; n++ {
		var err error
		began := time.Now()
		switch {
		case n%4 == 0 && next < len(w.wides):
			_, err = api.RemoveShare.Call(ctx, sharer, api.SharePath{ID: uint64(w.wides[next])})
			next++
		case n%4 == 1:
			_, err = api.AddShare.Call(ctx, sharer, api.With[api.NewShare]{Body: api.NewShare{
				Channel: graph.Pattern(fmt.Sprintf("new%d.*", n)), To: "group:everyone",
			}})
		case n%4 == 2:
			err = b.enable(ctx, person(0), &off)
		default:
			err = b.enable(ctx, person(0), &on)
		}
		if ctx.Err() != nil {
			break
		}
		if err != nil {
			return err
		}
		*took = append(*took, time.Since(began))
	}
	fmt.Fprintf(os.Stderr, "mass: %d shares of 100,000 receivers were removed\n", next-1)
	return nil
}

func (b *bench) enable(ctx context.Context, handle string, on *bool) error {
	_, err := api.EditUser.Call(ctx, b.API, api.UserEdit{
		HandlePath: api.HandlePath{Handle: handle}, Body: api.UserChanges{Enabled: on},
	})
	return err
}
