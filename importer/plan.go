package importer

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"hpfriends/definitions"
	"hpfriends/graph"
)

// Options say how a store becomes a document.
type Options struct {
	Owner   string // whose the keys are that the store names no owner for; empty: each its own, by its ident
	Sharing bool   // with the shares and acceptances by which everything flows as before
	Comment string // of each authkey
	Note    string // of each share
}

// Plan is a store as a document, and what of it cannot be said in one.
type Plan struct {
	Document definitions.Document
	Owners   map[string]string // handle -> what the store calls them, where it differs
	Problems []Problem
}

// Lossy returns what would be missing of what the store allowed.
func (p *Plan) Lossy() (all []Problem) {
	for _, one := range p.Problems {
		if one.Lossy {
			all = append(all, one)
		}
	}
	return all
}

// Plan says how the store looks as a sharing graph. Equal stores give equal plans.
func (s Store) Plan(o Options) Plan {
	p := planner{store: s, Plan: Plan{Problems: slices.Clone(s.Problems), Owners: make(map[string]string)}}
	p.delivers = deliversBy(s)
	names := p.handles(o)
	keys := make(map[string][]definitions.Authkey) // by owner
	for _, k := range s.Keys {
		if d, ok := p.authkey(k, o); ok {
			d.Owner = names[ownerOf(k, o)]
			keys[d.Owner] = append(keys[d.Owner], d)
			p.Document.Authkeys = append(p.Document.Authkeys, d)
		}
	}
	for _, handle := range slices.Sorted(maps.Keys(keys)) {
		p.Document.Users = append(p.Document.Users, definitions.User{Handle: handle, Name: p.Owners[handle]})
	}
	if o.Sharing {
		p.Document.Shares = shares(keys, o.Note)
	}
	slices.SortFunc(p.Document.Authkeys, func(a, b definitions.Authkey) int { return cmp.Compare(a.Ident, b.Ident) })
	return p.Plan
}

type planner struct {
	Plan
	store    Store
	delivers func(channel string) bool
}

func (p *planner) problem(k Key, lossy bool, format string, args ...any) {
	p.Problems = append(p.Problems, Problem{k.Where, k.Ident, fmt.Sprintf(format, args...), lossy})
}

func ownerOf(k Key, o Options) string { return cmp.Or(k.Owner, o.Owner, k.Ident) }

// authkey is a key in our words. ok is false if it cannot be one.
func (p *planner) authkey(k Key, o Options) (d definitions.Authkey, ok bool) {
	d = definitions.Authkey{
		Ident: k.Ident, Secret: k.Secret, Comment: o.Comment, Pub: p.patterns(k, "publish on", k.Pub),
		Sub: p.patterns(k, "subscribe to", k.Sub),
	}
	if n := len(k.Secret.Reveal()); n == 0 || n > maxSecret {
		p.problem(k, true, "its secret has %d bytes, want 1 to %d: give it another, and the client, too", n, maxSecret)
		return d, false
	}
	// The graph says what else an authkey cannot be.
	d.Owner = "owner"
	alone := definitions.Document{Users: []definitions.User{{Handle: "owner"}}, Authkeys: []definitions.Authkey{d}}
	if _, refused := definitions.Build(alone, time.Unix(0, 0)); len(refused) > 0 {
		p.problem(k, true, "%v", refused[0].Err)
		return d, false
	}
	return d, true
}

// maxSecret is the longest secret that the API takes, in bytes.
const maxSecret = 255

// patterns are the names of a list in our words. Those that cannot be said are left out.
func (p *planner) patterns(k Key, verb string, names []string) (list []graph.Pattern) {
	for _, name := range names {
		if why := p.store.unsayable(name); why != "" {
			p.problem(k, p.delivers(name), "may %s %q, which cannot be here: %s", verb, graph.Clip(name), why)
		} else if !slices.Contains(list, graph.Pattern(name)) {
			list = append(list, graph.Pattern(name))
		}
	}
	return list
}

// unsayable says why a channel of the store can be none here; empty: it can.
func (s Store) unsayable(name string) string {
	if s.Wildcard && name == "*" {
		return ""
	}
	for _, err := range []error{graph.ValidateChannel(name), graph.Pattern(name).Validate()} {
		var refusal *graph.Error
		if errors.As(err, &refusal) {
			return refusal.Msg
		}
	}
	if strings.Contains(name, "?") {
		return "a ? begins a query"
	}
	if strings.HasSuffix(name, "..broker") {
		return "the broker tells there who comes and goes"
	}
	return ""
}

// deliversBy returns a function that tells whether a store lets anybody receive what somebody publishes on a channel.
func deliversBy(s Store) func(channel string) bool {
	pub, sub := make(map[string]bool), make(map[string]bool)
	for _, k := range s.Keys {
		for _, name := range k.Pub {
			pub[name] = true
		}
		for _, name := range k.Sub {
			sub[name] = true
		}
	}
	return func(channel string) bool {
		may := func(list map[string]bool) bool { return list[channel] || s.Wildcard && list["*"] }
		return len(channel) <= graph.MaxName && may(pub) && may(sub)
	}
}

// shares are those by which what a key of one owner may publish reaches the keys of others that may subscribe to it.
func shares(keys map[string][]definitions.Authkey, note string) (all []definitions.Share) {
	union := func(of func(definitions.Authkey) []graph.Pattern) map[string][]graph.Pattern {
		m := make(map[string][]graph.Pattern)
		for owner, list := range keys {
			for _, k := range list {
				m[owner] = append(m[owner], of(k)...)
			}
			slices.Sort(m[owner])
			m[owner] = slices.Compact(m[owner])
		}
		return m
	}
	pub := union(func(k definitions.Authkey) []graph.Pattern { return k.Pub })
	sub := union(func(k definitions.Authkey) []graph.Pattern { return k.Sub })
	owners := slices.Sorted(maps.Keys(keys))
	for _, from := range owners {
		for _, to := range owners {
			if from == to {
				continue
			}
			for _, channel := range common(pub[from], sub[to]) {
				all = append(all, definitions.Share{
					From: from, Channel: channel, To: to, Note: note, EnabledBy: []string{to},
				})
			}
		}
	}
	return all
}

// common are the channels that both lists hold: of each that covers another, the wider. The lists are sorted, which
// puts "*" before the channels.
func common(pub, sub []graph.Pattern) (both []graph.Pattern) {
	has := func(list []graph.Pattern, p graph.Pattern) bool {
		return slices.ContainsFunc(list, func(q graph.Pattern) bool { return q.Covers(p) })
	}
	for _, p := range pub {
		if has(sub, p) {
			both = append(both, p)
		}
	}
	for _, p := range sub {
		if has(pub, p) && !slices.Contains(both, p) {
			both = append(both, p)
		}
	}
	slices.Sort(both)
	return slices.DeleteFunc(both, func(p graph.Pattern) bool {
		return slices.ContainsFunc(both, func(q graph.Pattern) bool { return q != p && q.Covers(p) })
	})
}

// handles finds a handle for each owner: their own name, if it can be one and is nobody else's in another case.
// Otherwise what is left of it, and the beginning of a hash of the whole, which stays the same whatever else the store
// holds.
func (p *planner) handles(o Options) map[string]string {
	owners := make(map[string]string)
	folded := make(map[string]int)
	for _, k := range p.store.Keys {
		name := ownerOf(k, o)
		if _, ok := owners[name]; !ok {
			owners[name] = name
			folded[strings.ToLower(name)]++
		}
	}
	for name := range owners {
		lower := strings.ToLower(name)
		if graph.ValidateHandle(name) == nil && (folded[lower] == 1 || name == lower) {
			continue
		}
		handle := handleOf(name)
		owners[name], p.Owners[handle] = handle, displayed(name)
	}
	return owners
}

func handleOf(owner string) string {
	words := strings.FieldsFunc(owner, func(r rune) bool { return graph.ValidateHandle("a"+string(r)) != nil })
	text := strings.Trim(strings.Join(words, "-"), "._-+@")
	if len(text) > 50 {
		text = text[:50]
	}
	sum := sha256.Sum256([]byte(owner))
	return fmt.Sprintf("%s-%x", cmp.Or(text, "owner"), sum[:3])
}

// displayed is an owner's name as a display name, if it can be one.
func displayed(owner string) string {
	one := definitions.Document{Users: []definitions.User{{Handle: "owner", Name: owner}}}
	if _, refused := definitions.Build(one, time.Unix(0, 0)); len(refused) > 0 || len(owner) > 255 {
		return ""
	}
	return owner
}
