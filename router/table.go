package router

import "hpfriends/graph"

// table says who is subscribed to what. Its owner guards it.
type table struct {
	exact    map[string]map[*Subscriber]struct{}
	patterns map[*Subscriber]struct{} // those with at least one prefix pattern
	members  map[*Subscriber]struct{} // those with any subscription
}

func newTable() table {
	return table{make(map[string]map[*Subscriber]struct{}), make(map[*Subscriber]struct{}), make(map[*Subscriber]struct{})}
}

func (t *table) empty() bool { return len(t.members) == 0 }

// update files s under its subscriptions anew; drop is one that it may have had before.
func (t *table) update(s *Subscriber, drop graph.Pattern) {
	if set := t.exact[string(drop)]; set != nil {
		delete(set, s)
		if len(set) == 0 {
			delete(t.exact, string(drop))
		}
	}
	delete(t.patterns, s)
	delete(t.members, s)
	for _, u := range s.subscribed {
		p := u.pattern
		t.members[s] = struct{}{}
		if p.IsPrefix() {
			t.patterns[s] = struct{}{}
			continue
		}
		set := t.exact[string(p)]
		if set == nil {
			set = make(map[*Subscriber]struct{})
			t.exact[string(p)] = set
		}
		set[s] = struct{}{}
	}
}

// matching calls f once for each subscriber that is subscribed to channel.
func (t *table) matching(channel string, f func(*Subscriber)) {
	set := t.exact[channel]
	for s := range set {
		f(s)
	}
	for s := range t.patterns {
		if _, done := set[s]; !done && s.matches(channel) {
			f(s)
		}
	}
}

func (t *table) each(f func(*Subscriber)) {
	for s := range t.members {
		f(s)
	}
}
