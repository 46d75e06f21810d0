package importer

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"hpfriends/definitions"
	"hpfriends/graph"
	"hpfriends/internal/secret"
)

// names of channels that stores have, the odd ones last.
var usual = []string{"a", "b", "cowrie.sessions", "dionaea.capture", "mwbinary.dionaea.sensorunique", "glöckchen"}

var odd = []string{"*", "dionaea.*", "", "$audit", "$acks", "a..broker", "a?since=1h", "a*b", "\x01", "\u202e",
	strings.Repeat("x", 255), strings.Repeat("x", 256), "a b"}

var owners = []string{"ada", "Ada", "ADA", "bob", "", "Bob & Söhne", "bob smith", "group:bob", "everyone", "-",
	strings.Repeat("o", 300), "\x00"}

// randomStore is a store as communities have them, and worse.
func randomStore(r *rand.Rand) Store {
	s := Store{Wildcard: r.IntN(3) == 0}
	channels := usual
	if r.IntN(2) == 0 {
		channels = slices.Concat(usual, odd)
	}
	list := func() (l []string) {
		for range r.IntN(5) {
			l = append(l, channels[r.IntN(len(channels))])
		}
		if s.Wildcard && r.IntN(4) == 0 {
			l = append(l, "*")
		}
		return l
	}
	for i := range 1 + r.IntN(12) {
		k := Key{
			Where: fmt.Sprint("row ", i+1), Ident: fmt.Sprint("key", i), Owner: owners[r.IntN(len(owners))],
			Secret: secret.New("s"), Pub: list(), Sub: list(),
		}
		switch r.IntN(30) {
		case 0:
			k.Ident = ""
		case 1:
			k.Ident = strings.Repeat("i", 256)
		case 2:
			k.Secret = secret.New("")
		}
		s.Keys = append(s.Keys, k)
	}
	return s
}

// The matrix of the flat lists and that of the graph are the same, but for what is said to be lost; and nothing flows
// that did not.
func TestPreservedSharingDeliversTheSame(t *testing.T) {
	lossless, lossy, shared := 0, 0, 0
	for seed := range uint64(3000) {
		s := randomStore(rand.New(rand.NewPCG(seed, 12)))
		p := s.Plan(Options{Sharing: true, Owner: []string{"", "site"}[seed%2]})
		if _, refused := definitions.Build(p.Document, time.Unix(0, 0)); len(refused) > 0 {
			t.Fatalf("seed %d: the graph refuses %v", seed, refused)
		}
		told := uint64(0)
		c := s.Compare(p.Document, func(done, total uint64) {
			if done != told || done >= total {
				t.Fatalf("%d of %d channels are done, after %d", done, total, told)
			}
			told++
		})
		if len(c.Added) > 0 {
			t.Fatalf("seed %d: %+v would flow and did not", seed, c.Added[0])
		}
		if c.Before-len(c.Missing) != c.After {
			t.Fatalf("seed %d: %d before, %d missing, %d after", seed, c.Before, len(c.Missing), c.After)
		}
		for _, d := range c.Missing {
			if !explained(p.Lossy(), d) {
				t.Fatalf("seed %d: %+v would be missing, and no problem says so: %v", seed, d, p.Lossy())
			}
		}
		shared += len(p.Document.Shares)
		if len(p.Lossy()) == 0 {
			lossless++
		} else {
			lossy++
		}
	}
	if lossless < 1000 || lossy < 500 || shared < 10_000 {
		t.Errorf("%d stores without losses, %d with, %d shares: this test looks at too little", lossless, lossy, shared)
	}
}

func explained(problems []Problem, d Delivery) bool {
	return slices.ContainsFunc(problems, func(p Problem) bool {
		if p.Ident != d.Publisher && p.Ident != d.Subscriber {
			return false
		}
		return strings.Contains(p.What, fmt.Sprintf("%q", graph.Clip(d.Channel))) || strings.Contains(p.What, "secret") ||
			strings.Contains(p.What, "ident")
	})
}

// Each share is there because of a key that publishes and one that subscribes: without it something would be missing.
func TestEachShareIsNeeded(t *testing.T) {
	for seed := range uint64(60) {
		s := randomStore(rand.New(rand.NewPCG(seed, 5)))
		p := s.Plan(Options{Sharing: true})
		before := s.Compare(p.Document, func(_, _ uint64) {})
		for i := range p.Document.Shares {
			d := p.Document
			d.Shares = slices.Delete(slices.Clone(d.Shares), i, i+1)
			if c := s.Compare(d, func(_, _ uint64) {}); c.After >= before.After {
				t.Fatalf("seed %d: without %s as much flows", seed, p.Document.Shares[i].Name())
			}
		}
	}
}

// Owners keep apart who were apart: each has a user of their own, under a name that does not depend on the others'.
func TestEachOwnerIsAUser(t *testing.T) {
	var s Store
	for i, owner := range owners {
		s.Keys = append(s.Keys, Key{Ident: fmt.Sprint("k", i), Owner: owner, Secret: secret.New("s")})
	}
	p := s.Plan(Options{})
	if len(p.Document.Users) != len(owners) {
		t.Fatalf("%d users for %d owners", len(p.Document.Users), len(owners))
	}
	of := make(map[string]string)
	for _, k := range p.Document.Authkeys {
		of[k.Ident] = k.Owner
	}
	if of["k0"] != "ada" || of["k3"] != "bob" || of["k4"] != "k4" || !strings.HasPrefix(of["k5"], "Bob-S-hne-") {
		t.Errorf("owners became %v", of)
	}
	fewer := Store{Keys: s.Keys[5:6]}.Plan(Options{})
	if got := fewer.Document.Users[0].Handle; got != of["k5"] {
		t.Errorf("%q is %s alone and %s beside others", owners[5], got, of["k5"])
	}
	if p.Owners[of["k5"]] != owners[5] {
		t.Errorf("the name of %s is %q", of["k5"], p.Owners[of["k5"]])
	}
}
