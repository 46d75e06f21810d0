package faults

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"hpfriends/api"
	"hpfriends/graph"
)

// Outcome is what was told of a change.
type Outcome int

const (
	Applied     Outcome = iota
	Refused             // by the graph: the handle exists already
	Unavailable         // certainly not applied
	Unknown             // perhaps applied, perhaps later
)

func (o Outcome) String() string {
	return [...]string{"applied", "refused", "unavailable", "unknown"}[o]
}

// Action is what was done to the graph.
type Action int

const (
	Claim Action = iota // add a user of a handle, which one can only
	Write               // write a register: the comment of an authkey
	Read                // read it on the node where it was written last
)

func (a Action) String() string { return [...]string{"claims", "writes", "reads"}[a] }

// Change is one request to the API: an operation on one object, when it was asked and answered, and how.
type Change struct {
	Action   Action
	Object   string
	Value    string // written or read
	Client   int
	Node     int
	From, To time.Duration // since the beginning
	Outcome  Outcome
}

func (c Change) String() string {
	return fmt.Sprintf("client %d %s %s %s at node %d, %v to %v: %s", c.Client, c.Action, c.Object, c.Value, c.Node+1,
		c.From.Round(time.Microsecond), c.To.Round(time.Microsecond), c.Outcome)
}

// Hands are clients that change the graph through nodes drawn at random, while faults happen.
type Hands struct {
	c       *Cluster
	begin   time.Time
	working sync.WaitGroup
	stop    context.CancelFunc
	claims  atomic.Int64

	mu  sync.Mutex
	all []Change
}

// registers is how many authkeys are written; each by a client of its own, since a node may show others' writes late.
const registers = 4

// claimants try to take the same handle at the same time, through different nodes.
const claimants = 3

// changeEvery is the pause of a client between two requests.
const changeEvery = 40 * time.Millisecond

// Hands begins changes to the graph; they end with Outcomes.
func (s *Season) Hands() *Hands {
	s.t.Helper()
	h := &Hands{c: s.Cluster, begin: time.Now()}
	for i := range registers {
		at := s.Leader()
		in := api.NewAuthkey{Ident: register(i), Secret: api.NewSecret("secret-of-r"), Pub: []graph.Pattern{"r"}}
		_, err := api.AddAuthkey.Call(s.t.Context(), s.Nodes[at].api.As("writer"), api.With[api.NewAuthkey]{Body: in})
		s.must(at, err)
	}
	s.Until("every node knows the registers", 10*time.Second, s.caughtUp)
	var ctx context.Context
	ctx, h.stop = context.WithCancel(context.Background())
	s.t.Cleanup(func() { h.stop(); h.working.Wait() })
	for i := range registers {
		dice := rand.New(rand.NewPCG(s.Dice.Uint64(), 0))
		h.working.Go(func() { h.keep(ctx, i, dice) })
	}
	h.working.Go(func() { h.compete(ctx) })
	return h
}

// keep writes a register again and again, and reads it where a write was answered.
func (h *Hands) keep(ctx context.Context, client int, dice *rand.Rand) {
	ident := register(client)
	for n := 0; ctx.Err() == nil; n++ {
		node, value := dice.IntN(len(h.c.Nodes)), fmt.Sprintf("%d-%d", client, n)
		change := Change{Action: Write, Object: ident, Value: value, Client: client, Node: node}
		written := h.do(ctx, change, func(ctx context.Context) (string, error) {
			in := api.AuthkeyEdit{IdentPath: api.IdentPath{Ident: ident}, Body: api.AuthkeyChanges{Comment: &value}}
			_, err := api.EditAuthkey.Call(ctx, h.c.Nodes[node].api.As("writer"), in)
			return value, err
		})
		if written == Applied {
			change.Action = Read
			h.do(ctx, change, h.reading(node, ident))
		}
		h.rest(ctx)
	}
}

// register is the ident of the authkey that is a register.
func register(client int) string { return "register" + strconv.Itoa(client) }

func (h *Hands) reading(node int, ident string) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		key, err := api.ShowAuthkey.Call(ctx, h.c.Nodes[node].api.As("writer"), api.IdentPath{Ident: ident})
		return key.Comment, err
	}
}

// compete has several clients claim one handle after the other.
func (h *Hands) compete(ctx context.Context) {
	for ctx.Err() == nil {
		handle := "claim" + strconv.FormatInt(h.claims.Add(1), 10)
		var round sync.WaitGroup
		for i := range claimants {
			members := h.c.Members()
			node := members[i%len(members)]
			round.Go(func() {
				h.do(ctx, Change{Action: Claim, Object: handle, Client: registers + i, Node: node},
					func(ctx context.Context) (string, error) {
						return "", addUser(ctx, h.c.Nodes[node], handle)
					})
			})
		}
		round.Wait()
		h.rest(ctx)
	}
}

func (h *Hands) rest(ctx context.Context) {
	select {
	case <-time.After(changeEvery):
	case <-ctx.Done():
	}
}

// do makes one request and notes it. A request is not broken off when the hands stop: its outcome would be unknown for
// no reason.
func (h *Hands) do(ctx context.Context, c Change, ask func(context.Context) (string, error)) Outcome {
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
	defer cancel()
	c.From = time.Since(h.begin)
	value, err := ask(limit)
	c.To, c.Value, c.Outcome = time.Since(h.begin), value, outcome(err)
	if c.Action == Read && c.Outcome != Applied {
		return c.Outcome // nothing was learned
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all = append(h.all, c)
	return c.Outcome
}

// outcome sorts what came of a request. A node that is not there at all has taken nothing; one that dies on the way
// may have.
func outcome(err error) Outcome {
	var p *api.Problem
	var op *net.OpError
	switch {
	case err == nil:
		return Applied
	case errors.As(err, &op) && op.Op == "dial":
		return Unavailable
	case !errors.As(err, &p):
		return Unknown
	case p.Code == api.Conflict:
		return Refused
	case p.Code == api.Unavailable:
		return Unavailable
	default:
		return Unknown
	}
}

// Outcomes ends the changes, reads every register on every node, and checks C6. It comes before the season's verdict,
// when everything is healed and all nodes run.
func (h *Hands) Outcomes() {
	h.c.t.Helper()
	h.stop()
	h.working.Wait()
	var commit uint64
	for _, s := range h.c.States() {
		commit = max(commit, s.Commit)
	}
	h.c.Until("every node has all changes", 20*time.Second, func() bool { return h.c.reached(commit) })
	ctx := h.c.t.Context()
	for i := range registers {
		ident := register(i)
		for node := range h.c.Nodes {
			h.do(ctx, Change{Action: Read, Object: ident, Client: i, Node: node}, h.reading(node, ident))
		}
	}
	counts := make(map[Outcome]int)
	reads := 0
	for _, c := range h.all {
		if c.Action == Read {
			reads++
		} else {
			counts[c.Outcome]++
		}
	}
	h.c.t.Logf("changes of the graph: %d applied, %d refused, %d unavailable, %d unknown; %d reads",
		counts[Applied], counts[Refused], counts[Unavailable], counts[Unknown], reads)
	if counts[Applied] == 0 || counts[Refused] == 0 || reads == 0 {
		h.c.t.Error("no change was applied, or none refused, or none read: C6 shows nothing")
	}
	for _, f := range checkChanges(h.all) {
		h.c.t.Errorf("HPFRIENDS_SEED=%d: %s", h.c.seed, f)
	}
}
