package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/internal/load"
	"hpfriends/internal/secret"
	"hpfriends/raftfsm"
)

// size is how large a world is.
type size struct {
	users, shares, rows int // rows of Logs
	wide, decided       int // shares of one user with everyone, and how many of them everybody has decided on
	publishers, each    int // users who publish, and channels of each
	messages            int
}

var large = size{
	users: 10_000, shares: 100_000, rows: 1_000_000, wide: 500, decided: 10,
	publishers: 100, each: 100, messages: 1_000_000,
}

// The people of a world that are not like the others.
const (
	rootUser = 0 // an admin
	wideUser = 1 // shares much with everyone
	headUser = 2 // the admin of a group of all users
	fewUser  = 3 // an ordinary member, as all others are
)

const largeGroup = "all-hands"

func person(i int) string { return fmt.Sprintf("user%05d", i) }

// channel is one of those of a publisher.
func channel(publisher, n int) string { return fmt.Sprintf("site%02d.sensor%02d", publisher, n) }

// world fills a data directory by a node in this process: many times faster than through the API.
type world struct {
	size
	node  *raftfsm.Node
	key   *secret.DataKey
	users []graph.UserID
	group graph.GroupID
	wides []graph.ShareID
}

// fill makes a world in the data directory of a server that does not run.
func (z size) fill(ctx context.Context, dir string) error {
	w := &world{size: z, users: make([]graph.UserID, z.users)}
	return w.make(ctx, dir, w.people, w.memberships, w.wideShares, w.narrowShares, w.refusals)
}

// make opens the data directory for the parts of a world, which are made in turn.
func (w *world) make(ctx context.Context, dir string, parts ...func(context.Context) error) (err error) {
	if w.key, err = secret.LoadOrCreate(dir); err != nil {
		return err
	}
	quiet := slog.New(slog.DiscardHandler)
	events, err := eventlog.Open(eventlog.Config{Dir: filepath.Join(dir, "log"), Logger: quiet})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, events.Close()) }()
	if w.node, err = raftfsm.Open(raftfsm.Config{Dir: dir, Log: events, Logger: quiet}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.node.Close()) }()
	if err := w.node.AwaitReady(ctx); err != nil {
		return err
	}
	for _, part := range parts {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return nil
}

// do makes n changes, many at once, since they then share entries and syncs.
func (w *world) do(ctx context.Context, n int, change func(i int) (by graph.UserID, op graph.Op),
	done func(i int, id uint64),
) error {
	const lanes = 256
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	for lane := range lanes {
		wg.Go(func() {
			for i := lane; i < n && ctx.Err() == nil; i += lanes {
				by, op := change(i)
				out, err := w.node.Change(ctx, graph.Command{By: graph.Actor{User: by, Operator: by == 0}, Op: op})
				if err != nil {
					cancel(fmt.Errorf("%T %d: %w", op, i, err))
				} else if done != nil {
					done(i, out.Object)
				}
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// people are the users, and an authkey of each.
func (w *world) people(ctx context.Context) error {
	err := w.do(ctx, w.size.users, func(i int) (graph.UserID, graph.Op) {
		role := graph.Member
		if i == rootUser {
			role = graph.Admin
		}
		return 0, graph.AddUser{Handle: person(i), Name: fmt.Sprintf("Person %d", i), Role: role}
	}, func(i int, id uint64) { w.users[i] = graph.UserID(id) })
	if err != nil {
		return err
	}
	return w.do(ctx, w.size.users, func(i int) (graph.UserID, graph.Op) {
		k := load.KeyOf(person(i))
		return w.users[i], graph.AddAuthkey{
			Ident: k.Ident, Secret: w.key.Seal([]byte(k.Secret), []byte(k.Ident)), Comment: "a sensor",
			Pub: []graph.Pattern{graph.Pattern(fmt.Sprintf("site%02d.*", i%w.publishers))}, Sub: []graph.Pattern{"*"},
		}
	}, nil)
}

// memberships are of one group of all, and of smaller ones.
func (w *world) memberships(ctx context.Context) error {
	const of = 50 // users
	err := w.do(ctx, 1, func(int) (graph.UserID, graph.Op) { return w.users[headUser], graph.AddGroup{Name: largeGroup} },
		func(_ int, id uint64) { w.group = graph.GroupID(id) })
	if err != nil {
		return err
	}
	small := make([]graph.GroupID, w.size.users/of)
	err = w.do(ctx, len(small), func(i int) (graph.UserID, graph.Op) {
		return w.users[i*of], graph.AddGroup{Name: fmt.Sprintf("team%03d", i)}
	}, func(i int, id uint64) { small[i] = graph.GroupID(id) })
	if err != nil {
		return err
	}
	return w.do(ctx, 2*w.size.users, func(i int) (graph.UserID, graph.Op) {
		group, user := w.group, i/2
		if i%2 == 1 {
			group = small[user/of%len(small)]
		}
		if g := w.node.Graph(); user == headUser && i%2 == 0 || holds(g, group, w.users[user]) {
			on := true // they made the group
			return 0, graph.EditUser{User: w.users[user], Enabled: &on}
		}
		return 0, graph.AddMember{Group: group, User: w.users[user]}
	}, nil)
}

func holds(g *graph.Graph, group graph.GroupID, user graph.UserID) bool {
	_, ok := g.Membership(group, user)
	return ok
}

// wideShares are those of one user with everyone. On the first of them everybody has decided.
func (w *world) wideShares(ctx context.Context) error {
	w.wides = make([]graph.ShareID, w.wide)
	err := w.do(ctx, w.wide, func(i int) (graph.UserID, graph.Op) {
		return w.users[wideUser], graph.AddShare{
			Channel: graph.Pattern(fmt.Sprintf("wide%03d.*", i)), Group: graph.Everyone, Note: "for all",
		}
	}, func(i int, id uint64) { w.wides[i] = graph.ShareID(id) })
	if err != nil {
		return err
	}
	return w.do(ctx, w.decided*w.size.users, func(i int) (graph.UserID, graph.Op) {
		user, share := i/w.decided, i%w.decided
		if user == wideUser {
			return w.users[user], graph.EditShare{Share: w.wides[share]}
		}
		return w.users[user], graph.DecideShare{Share: w.wides[share], Accept: (user+share)%3 > 0}
	}, nil)
}

// narrowShares are of all others with each other, of what some of them publish. Half are enabled.
func (w *world) narrowShares(ctx context.Context) error {
	n := w.shares - w.wide
	ids := make([]graph.ShareID, n)
	owner := func(i int) int { return i % w.size.users }
	receiver := func(i int) int { return (owner(i) + 1 + i/w.size.users*w.size.users/17) % w.size.users }
	err := w.do(ctx, n, func(i int) (graph.UserID, graph.Op) {
		add := graph.AddShare{
			Channel: graph.Pattern(channel(owner(i)%w.publishers, i%w.each)), User: w.users[receiver(i)],
			Note: fmt.Sprintf("note %d", i), History: graph.Full,
		}
		if i%5 == 0 {
			add.Type = graph.All
		}
		if i%7 == 0 {
			add.Channel = graph.Pattern(fmt.Sprintf("site%02d.*", owner(i)%w.publishers))
		}
		return w.users[owner(i)], add
	}, func(i int, id uint64) { ids[i] = graph.ShareID(id) })
	if err != nil {
		return err
	}
	return w.do(ctx, n/2, func(i int) (graph.UserID, graph.Op) {
		return w.users[receiver(2*i)], graph.DecideShare{Share: ids[2*i], Accept: true}
	}, nil)
}

// refusals are rows of Logs, as many of each user.
func (w *world) refusals(ctx context.Context) error {
	r := raftfsm.NewRecorder(w.node)
	keys := make([]graph.AuthkeyID, w.size.users)
	for k := range w.node.Graph().Authkeys() {
		for i, u := range w.users {
			if u == k.Owner {
				keys[i] = k.ID
				break
			}
		}
	}
	const atOnce = 1000 // of one report
	for i := range w.rows {
		user := i % w.size.users
		r.Refuse(entry.Refusal{
			Owner: uint64(w.users[user]), Authkey: uint64(keys[user]), Ident: load.KeyOf(person(user)).Ident,
			Message: "Authkey not allowed to publish here.", Channel: fmt.Sprintf("forbidden%d", i/w.size.users),
			Addr: fmt.Sprintf("192.0.2.%d", user%250),
		})
		if (i+1)%atOnce == 0 {
			r.Flush(ctx)
		}
	}
	r.Flush(ctx)
	return ctx.Err()
}
