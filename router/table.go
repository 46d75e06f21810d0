package router

import "hpfriends/graph"

// table says who is subscribed to what. Its owner guards it.
//
// What a change costs does not depend on how many subscriptions there are, and what a channel costs depends on those of
// its receivers only, whatever others have subscribed to: patterns are found by the beginnings of the channel's name.
type table struct {
	patterns map[graph.Pattern]bucket
	lengths  [maxChannel + 1]int // how many prefix patterns there are, by the length of what is before the *
	members  map[*Subscriber]int // how many subscriptions each has
}

// bucket is who has subscribed to one pattern, and how often, by user.
type bucket map[graph.UserID]map[*Subscriber]int

func newTable() table {
	return table{patterns: make(map[graph.Pattern]bucket), members: make(map[*Subscriber]int)}
}

func (t *table) empty() bool { return len(t.members) == 0 }

// add files one more subscription of s.
func (t *table) add(s *Subscriber, p graph.Pattern) {
	t.members[s]++
	b := t.patterns[p]
	if b == nil {
		b = make(bucket)
		t.patterns[p] = b
		if p.IsPrefix() {
			t.lengths[len(p)-1]++
		}
	}
	of := b[s.user]
	if of == nil {
		of = make(map[*Subscriber]int)
		b[s.user] = of
	}
	of[s]++
}

// remove takes one subscription of s away, which is there.
func (t *table) remove(s *Subscriber, p graph.Pattern) {
	if t.members[s]--; t.members[s] == 0 {
		delete(t.members, s)
	}
	b := t.patterns[p]
	of := b[s.user]
	if of[s]--; of[s] > 0 {
		return
	}
	if delete(of, s); len(of) > 0 {
		return
	}
	if delete(b, s.user); len(b) > 0 {
		return
	}
	delete(t.patterns, p)
	if p.IsPrefix() {
		t.lengths[len(p)-1]--
	}
}

// matching calls f once for each subscriber of these users that is subscribed to channel.
func (t *table) matching(channel string, of func(graph.UserID) bool, f func(*Subscriber)) {
	if channel == "" || channel[0] == '$' || len(channel) > maxChannel {
		return // no pattern selects it
	}
	var found map[*Subscriber]struct{} // of those that may be found again
	visit := func(b bucket) {
		for user, all := range b {
			if !of(user) {
				continue
			}
			for s := range all {
				if t.members[s] > 1 {
					if _, done := found[s]; done {
						continue
					}
					if found == nil {
						found = make(map[*Subscriber]struct{})
					}
					found[s] = struct{}{}
				}
				f(s)
			}
		}
	}
	var pattern [maxChannel + 1]byte
	copy(pattern[:], channel)
	for n := range len(channel) + 1 {
		if t.lengths[n] == 0 {
			continue
		}
		next := pattern[n]
		pattern[n] = '*'
		visit(t.patterns[graph.Pattern(pattern[:n+1])])
		pattern[n] = next
	}
	if p := graph.Pattern(channel); !p.IsPrefix() {
		visit(t.patterns[p])
	}
}

func (t *table) each(f func(*Subscriber)) {
	for s := range t.members {
		f(s)
	}
}
