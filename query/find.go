package query

import (
	"math"

	"hpfriends/graph"
	"hpfriends/query/traffic"
)

// finder collects the hits of one search.
type finder struct {
	*Query
	viewer graph.Viewer
	matcher
}

func (f *finder) find(kind Kind, to *ranking) error {
	switch kind {
	case KindChannel:
		return f.findChannels(to)
	case KindLog:
		return f.findLogs(to)
	case KindGroup:
		f.findGroups(to)
	case KindUser:
		f.findUsers(to)
	case KindShare:
		f.findShares(to)
	case KindAuthkey:
		f.findAuthkeys(to)
	}
	return nil
}

// findChannels finds channels with a message that the viewer may see, and those that an authkey or a share that they
// may see names.
func (f *finder) findChannels(to *ranking) error {
	at := func(name string) rank { return rank{f.match(name), name} }
	want := func(name string) bool {
		m := at(name)
		return m.grade < nowhere && to.wants(m)
	}
	named := f.namedChannels()
	err := f.channels(f.viewer.Actor, traffic.WithPrefix("", ""), want, func(c *visibleChannel) error {
		delete(named, c.name)
		v := c.view()
		to.add(at(c.name), func() (Hit, error) { return Hit{Channel: &v}, nil })
		return nil
	})
	for name, v := range named {
		if m := at(name); m.grade < nowhere {
			to.add(m, func() (Hit, error) { return Hit{Channel: &v}, nil })
		}
	}
	return err
}

// namedChannels are the exact patterns of authkeys and shares that the viewer may see.
func (f *finder) namedChannels() map[string]Channel {
	names := make(map[string]Channel)
	add := func(patterns ...graph.Pattern) {
		for _, p := range patterns {
			if !p.IsPrefix() {
				names[string(p)] = named(string(p))
			}
		}
	}
	for k := range visibleAuthkeys(f.viewer, 0) {
		add(k.Pub...)
		add(k.Sub...)
	}
	for s := range visibleShares(f.viewer) {
		add(s.Channel)
	}
	return names
}

func (f *finder) findLogs(to *ranking) error {
	rows, err := f.logRows(f.viewer.Actor, LogFilter{})
	for _, r := range rows {
		if g := f.match(r.Message, r.Identifier, r.Channel, r.Address); g < nowhere {
			key := numberKey(uint64(math.MaxInt64-r.Time.UnixNano())) + r.key // newest first
			to.add(rank{g, key}, func() (Hit, error) { return Hit{Log: &r.LogRow}, nil })
		}
	}
	return err
}

func (f *finder) findGroups(to *ranking) {
	for gr := range f.viewer.Graph().Groups() {
		if !f.viewer.CanSeeGroup(gr) {
			continue
		}
		if grade := f.match(gr.Name); grade < nowhere {
			to.add(rank{grade, numberKey(uint64(gr.ID))}, func() (Hit, error) {
				v := viewGroup(f.viewer, gr, gr.ID != graph.Everyone)
				return Hit{Group: &v}, nil
			})
		}
	}
}

func (f *finder) findUsers(to *ranking) {
	for u := range f.viewer.Graph().Users() {
		if !f.viewer.CanSeeUser(u) {
			continue
		}
		if grade := f.match(u.Handle, u.Name); grade < nowhere {
			to.add(rank{grade, numberKey(uint64(u.ID))}, func() (Hit, error) {
				v := viewUser(f.viewer, u)
				return Hit{User: &v}, nil
			})
		}
	}
}

func (f *finder) findShares(to *ranking) {
	g := f.viewer.Graph()
	for s := range visibleShares(f.viewer) {
		receiver := handle(g, s.User)
		if gr, ok := g.Group(s.Group); ok {
			receiver = gr.Name
		}
		if grade := f.match(string(s.Channel), s.Note, handle(g, s.Owner), receiver); grade < nowhere {
			to.add(rank{grade, numberKey(uint64(s.ID))}, func() (Hit, error) {
				v := viewShare(f.viewer, s)
				return Hit{Share: &v}, nil
			})
		}
	}
}

func (f *finder) findAuthkeys(to *ranking) {
	g := f.viewer.Graph()
	for k := range visibleAuthkeys(f.viewer, 0) {
		fields := []string{k.Ident, k.Comment, handle(g, k.Owner)}
		for _, patterns := range [][]graph.Pattern{k.Pub, k.Sub} {
			for _, p := range patterns {
				fields = append(fields, string(p))
			}
		}
		if grade := f.match(fields...); grade < nowhere {
			to.add(rank{grade, numberKey(uint64(k.ID))}, func() (Hit, error) {
				v, err := f.viewAuthkey(g, k)
				return Hit{Authkey: &v}, err
			})
		}
	}
}
