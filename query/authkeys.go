package query

import (
	"encoding/binary"
	"encoding/json"
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
	all := []view.Authkey{}
	for k := range visibleAuthkeys(g.Viewer(viewer), owner) {
		v, err := q.viewAuthkey(g, k)
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
	return q.viewAuthkey(v.Graph(), k)
}

func (q *Query) viewAuthkey(g *graph.Graph, k *graph.Authkey) (view.Authkey, error) {
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

func (q *Query) stats(id graph.AuthkeyID) (view.Stats, error) {
	var u entry.Usage
	raw, err := q.log.Get(eventlog.SpaceStats, binary.BigEndian.AppendUint64(nil, uint64(id)))
	switch {
	case errors.Is(err, eventlog.ErrNotFound):
	case err != nil:
		return view.Stats{}, err
	default:
		if err := json.Unmarshal(raw, &u); err != nil {
			return view.Stats{}, fmt.Errorf("query: statistics of authkey %d: %w", id, err)
		}
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
	for k := range visibleAuthkeys(q.Viewer(viewer), 0) {
		s, err := q.stats(k.ID)
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
