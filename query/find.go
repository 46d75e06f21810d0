package query

import (
	"math"

	"hpfriends/graph"
	"hpfriends/query/match"
	"hpfriends/query/traffic"
	"hpfriends/query/view"
)

// finder collects the hits of one search.
type finder struct {
	*Query
	viewer graph.Viewer
	match.Words
}

func (f *finder) find(kind view.Kind, to *ranking) error {
	switch kind {
	case view.KindChannel:
		return f.findChannels(to)
	case view.KindLog:
		return f.findLogs(to)
	case view.KindGroup:
		f.findGroups(to)
	case view.KindUser:
		f.findUsers(to)
	case view.KindShare:
		f.findShares(to)
	case view.KindAuthkey:
		f.findAuthkeys(to)
	}
	return nil
}

// findChannels finds channels with a message that the viewer may see, and those that an authkey or a share that they
// may see names.
func (f *finder) findChannels(to *ranking) error {
	at := func(name string) rank { return rank{f.Match(name), name} }
	want := func(name string) bool {
		m := at(name)
		return m.Grade < match.Nowhere && to.wants(m)
	}
	named := f.namedChannels()
	err := f.each(f.viewer.Actor, traffic.WithPrefix("", ""), want, func(c *visibleChannel) error {
		delete(named, c.name)
		v := c.view()
		to.add(at(c.name), func() (view.Hit, error) { return view.Hit{Channel: &v}, nil })
		return nil
	})
	for name, v := range named {
		if m := at(name); m.Grade < match.Nowhere {
			to.add(m, func() (view.Hit, error) { return view.Hit{Channel: &v}, nil })
		}
	}
	return err
}

// namedChannels are the exact patterns of authkeys and shares that the viewer may see.
func (f *finder) namedChannels() map[string]view.Channel {
	names := make(map[string]view.Channel)
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
	rows, err := logRows(f.log, f.viewer, LogFilter{})
	for _, r := range rows {
		if g := f.Match(r.Text(), r.Identifier, r.Channel, r.Address); g < match.Nowhere {
			key := numberKey(uint64(math.MaxInt64-r.Time.UnixNano())) + r.key // newest first
			to.add(rank{g, key}, func() (view.Hit, error) { return view.Hit{Log: &r.LogRow}, nil })
		}
	}
	return err
}

func (f *finder) findGroups(to *ranking) {
	for gr := range f.viewer.Graph().Groups() {
		if !f.viewer.CanSeeGroup(gr) {
			continue
		}
		if grade := f.Match(gr.Name); grade < match.Nowhere {
			to.add(rank{grade, numberKey(uint64(gr.ID))}, func() (view.Hit, error) {
				v := viewGroup(f.viewer, gr, gr.ID != graph.Everyone)
				return view.Hit{Group: &v}, nil
			})
		}
	}
}

func (f *finder) findUsers(to *ranking) {
	for u := range f.viewer.Graph().Users() {
		if !f.viewer.CanSeeUser(u) {
			continue
		}
		if grade := f.Match(u.Handle, u.Name); grade < match.Nowhere {
			to.add(rank{grade, numberKey(uint64(u.ID))}, func() (view.Hit, error) {
				v := viewUser(f.viewer, u)
				return view.Hit{User: &v}, nil
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
		if grade := f.Match(string(s.Channel), s.Note, handle(g, s.Owner), receiver); grade < match.Nowhere {
			to.add(rank{grade, numberKey(uint64(s.ID))}, func() (view.Hit, error) {
				v := viewShare(f.viewer, s)
				return view.Hit{Share: &v}, nil
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
		if grade := f.Match(fields...); grade < match.Nowhere {
			to.add(rank{grade, numberKey(uint64(k.ID))}, func() (view.Hit, error) {
				v, err := f.viewAuthkey(g, k)
				return view.Hit{Authkey: &v}, err
			})
		}
	}
}
