package query

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/query/view"
)

// Authkeys are the authkeys of owner, or all that the viewer may see when owner is 0.
func (q *Query) Authkeys(viewer graph.Actor, owner graph.UserID) ([]view.Authkey, error) {
	g := q.graph()
	all, s := []view.Authkey{}, q.usages(g.Viewer(viewer), owner)
	for k := range visibleAuthkeys(g.Viewer(viewer), owner) {
		v, err := s.viewAuthkey(g, k)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

func visibleAuthkeys(v graph.Viewer, owner graph.UserID) iter.Seq[*graph.Authkey] {
	g := v.Graph()
	keys := g.Authkeys()
	switch {
	case owner != 0:
		keys = g.AuthkeysOf(owner)
	case !v.CanSeeAll():
		keys = g.AuthkeysOf(v.User)
	}
	return func(yield func(*graph.Authkey) bool) {
		for k := range keys {
			if v.CanSeeAuthkey(k) && !yield(k) {
				return
			}
		}
	}
}

// Authkey finds an authkey by ident.
func (q *Query) Authkey(viewer graph.Actor, ident string) (view.Authkey, error) {
	v := q.Viewer(viewer)
	k, err := ResolveAuthkey(v, ident)
	if err != nil {
		return view.Authkey{}, err
	}
	return usages{node: q.node}.viewAuthkey(v.Graph(), k)
}

func (q usages) viewAuthkey(g *graph.Graph, k *graph.Authkey) (view.Authkey, error) {
	v := viewAuthkey(g, k)
	stats, err := q.stats(k.ID)
	if v.Stats = &stats; v.OldUntil == nil {
		stats.OldSecretSeen = nil
	}
	return v, err
}

// viewAuthkey shows an authkey without its statistics.
func viewAuthkey(g *graph.Graph, k *graph.Authkey) view.Authkey {
	v := view.Authkey{
		ID: k.ID, Owner: handle(g, k.Owner), Ident: k.Ident, Comment: k.Comment, Pub: present(k.Pub), Sub: present(k.Sub),
		Enabled: k.Enabled, Expires: optional(k.Expires), MaxMessage: k.MaxMessage, Created: k.Created.Time,
		OldUntil: optional(k.Old.Until),
	}
	if v.MaxMessage == 0 {
		v.MaxMessage = graph.DefaultMaxMessage
	}
	for _, n := range k.Networks {
		v.Networks = append(v.Networks, n.String())
	}
	return v
}

// present is never nil: JSON shows an empty list as [].
func present[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// usages reads statistics: of one authkey, or of all at once where they were read ahead.
type usages struct {
	*node
	all map[graph.AuthkeyID]entry.Usage // nil: they are looked up
}

// usages reads the statistics of all authkeys if those of all are asked for.
func (q *Query) usages(v graph.Viewer, owner graph.UserID) usages {
	s := usages{node: q.node}
	if owner != 0 || !v.CanSeeAll() {
		return s
	}
	all := make(map[graph.AuthkeyID]entry.Usage)
	err := q.log.Scan(eventlog.SpaceStats, nil, nil, func(k, raw []byte) (err error) {
		id := graph.AuthkeyID(binary.BigEndian.Uint64(k))
		all[id], err = entry.DecodeUsage(uint64(id), raw)
		return err
	})
	if err == nil { // else who looks one up is told
		s.all = all
	}
	return s
}

func (q usages) stored(id graph.AuthkeyID) (entry.Usage, error) {
	if q.all != nil {
		return q.all[id], nil
	}
	raw, err := q.log.Get(eventlog.SpaceStats, binary.BigEndian.AppendUint64(nil, uint64(id)))
	if errors.Is(err, eventlog.ErrNotFound) {
		return entry.Usage{}, nil
	} else if err != nil {
		return entry.Usage{}, err
	}
	return entry.DecodeUsage(uint64(id), raw)
}

func (q usages) stats(id graph.AuthkeyID) (view.Stats, error) {
	u, err := q.stored(id)
	if err != nil {
		return view.Stats{}, fmt.Errorf("query: statistics of authkey %d: %w", id, err)
	}
	if q.live != nil {
		u.Add(q.live.Usage(uint64(id)))
	}
	return view.Stats{
		BytesReceived: u.BytesReceived, BytesSent: u.BytesSent, Published: u.Published, Received: u.Received,
		LastSeen: optional(u.LastSeen), LastAddr: u.LastAddr,
		OldSecretSeen: optional(u.OldSecret),
	}, nil
}

// Totals adds up.
func (q *Query) Totals(viewer graph.Actor) (t view.Totals, err error) {
	seen := q.usages(q.Viewer(viewer), 0)
	for k := range visibleAuthkeys(q.Viewer(viewer), 0) {
		s, err := seen.stats(k.ID)
		if err != nil {
			return t, err
		}
		t.Authkeys++
		t.BytesReceived += s.BytesReceived
		t.BytesSent += s.BytesSent
		t.Published += s.Published
		t.Received += s.Received
		if s.LastSeen != nil && (t.LastSeen == nil || s.LastSeen.After(*t.LastSeen)) {
			t.LastSeen, t.LastAddr = s.LastSeen, s.LastAddr
		}
	}
	return t, nil
}
