package query

import (
	"context"
	"math"
	"time"

	"hpfriends/graph"
	"hpfriends/query/match"
	"hpfriends/query/traffic"
	"hpfriends/query/view"
)

// finder collects the hits of one search.
type finder struct {
	ctx    context.Context // of the request
	query  *Query
	viewer graph.Viewer
	match.Query
	handles map[graph.UserID]string // that were looked up: there are more objects than owners
}

func (f *finder) handle(id graph.UserID) string {
	h, known := f.handles[id]
	if !known {
		h = handle(f.viewer.Graph(), id)
		f.handles[id] = h
	}
	return h
}

func (f *finder) find(kind view.Kind, to *match.Ranking[show]) error {
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
func (f *finder) findChannels(to *match.Ranking[show]) error {
	at := func(name string, last time.Time) match.Rank {
		facts := f.About("channel", name)
		facts.Time = last
		return match.Rank{Grade: f.Match(facts, name), Key: name}
	}
	timed := f.Timed()
	want := func(name string) bool { // before it is known when its newest message was
		m := at(name, f.Within())
		return m.Grade < match.Nowhere && (timed || to.Wants(m))
	}
	named := f.namedChannels()
	err := f.query.each(f.ctx, f.viewer.Actor, traffic.WithPrefix("", ""), want, func(c *visibleChannel) error {
		delete(named, c.name)
		v := c.view()
		if m := at(c.name, v.Last); m.Grade < match.Nowhere {
			to.Add(m, func() (view.Hit, error) { return view.Hit{Channel: &v}, nil })
		}
		return nil
	})
	for name, v := range named {
		if m := at(name, time.Time{}); m.Grade < match.Nowhere {
			to.Add(m, func() (view.Hit, error) { return view.Hit{Channel: &v}, nil })
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

func (f *finder) findLogs(to *match.Ranking[show]) error {
	own := handle(f.viewer.Graph(), f.viewer.User)
	return eachLogRow(f.query.log, f.viewer, LogFilter{}, func(r view.LogRow, key []byte) {
		owner := r.User
		if !f.viewer.CanSeeAll() {
			owner = own
		}
		facts := f.About("channel", r.Channel, "user", owner, "key", r.Identifier, "ip", r.Address)
		facts.Time = r.Time
		if g := f.Match(facts, r.Text(), r.Identifier, r.Channel, r.Address); g < match.Nowhere {
			newest := numberKey(uint64(math.MaxInt64 - r.Time.UnixNano())) // first
			hit := r                                                       // few rows are one
			to.Add(match.Rank{Grade: g, Key: newest + string(key)}, func() (view.Hit, error) {
				return view.Hit{Log: &hit}, nil
			})
		}
	})
}

func (f *finder) findGroups(to *match.Ranking[show]) {
	for gr := range f.viewer.Graph().Groups() {
		if !f.viewer.CanSeeGroup(gr) {
			continue
		}
		facts := f.About("group", gr.Name)
		if f.Asks("user") && gr.ID != graph.Everyone && f.viewer.CanSeeMembers(gr) { // there may be many
			for m := range f.viewer.Graph().Members(gr.ID) {
				facts.Add("user", f.handle(m.User))
			}
		}
		if grade := f.Match(facts, gr.Name); grade < match.Nowhere {
			to.Add(match.Rank{Grade: grade, Key: numberKey(uint64(gr.ID))}, func() (view.Hit, error) {
				v := viewGroup(f.viewer, gr, gr.ID != graph.Everyone)
				return view.Hit{Group: &v}, nil
			})
		}
	}
}

func (f *finder) findUsers(to *match.Ranking[show]) {
	for u := range f.viewer.Graph().Users() {
		if !f.viewer.CanSeeUser(u) {
			continue
		}
		if grade := f.Match(f.About("user", u.Handle, "user", u.Name), u.Handle, u.Name); grade < match.Nowhere {
			to.Add(match.Rank{Grade: grade, Key: numberKey(uint64(u.ID))}, func() (view.Hit, error) {
				v := viewUser(f.viewer, u)
				return view.Hit{User: &v}, nil
			})
		}
	}
}

func (f *finder) findShares(to *match.Ranking[show]) {
	g := f.viewer.Graph()
	for s := range visibleShares(f.viewer) {
		receiver, owner := f.handle(s.User), f.handle(s.Owner)
		facts := f.About("channel", string(s.Channel), "user", owner, "user", receiver)
		if gr, ok := g.Group(s.Group); ok {
			receiver = gr.Name
			facts.Add("group", receiver)
		}
		facts.Time = s.Created.Time
		if grade := f.Match(facts, string(s.Channel), s.Note, owner, receiver); grade < match.Nowhere {
			to.Add(match.Rank{Grade: grade, Key: numberKey(uint64(s.ID))}, func() (view.Hit, error) {
				v := viewShare(f.viewer, s)
				return view.Hit{Share: &v}, nil
			})
		}
	}
}

func (f *finder) findAuthkeys(to *match.Ranking[show]) {
	g := f.viewer.Graph()
	for k := range visibleAuthkeys(f.viewer, 0) {
		fields := []string{k.Ident, k.Comment, f.handle(k.Owner)}
		facts := f.About("key", k.Ident, "user", f.handle(k.Owner))
		facts.Time = k.Created.Time
		for _, patterns := range [][]graph.Pattern{k.Pub, k.Sub} {
			for _, p := range patterns {
				fields = append(fields, string(p))
				facts.Add("channel", string(p))
			}
		}
		if grade := f.Match(facts, fields...); grade < match.Nowhere {
			to.Add(match.Rank{Grade: grade, Key: numberKey(uint64(k.ID))}, func() (view.Hit, error) {
				v, err := usages{node: f.query.node}.viewAuthkey(g, k)
				return view.Hit{Authkey: &v}, err
			})
		}
	}
}
