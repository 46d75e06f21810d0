package query

import (
	"cmp"
	"context"
	"errors"
	"io"
	"slices"
	"time"

	"hpfriends/eventlog"
	"hpfriends/graph"
	"hpfriends/query/spread"
	"hpfriends/query/traffic"
	"hpfriends/query/view"
)

const (
	maxPreviewUsers  = 20
	maxPreviewSeries = 2000 // of which messages are counted
	maxPreviewBytes  = 2048 // of the sample
)

// PreviewShare says what a share would do if the viewer added it, and changes nothing. Its errors are those of adding
// it, but for a share that is there already. Whose shares lead on from its receivers is told without names, as Explain
// does, except to those who see everything.
func (q *Query) PreviewShare(
	ctx context.Context, viewer graph.Actor, add graph.AddShare, now time.Time,
) (view.SharePreview, error) {
	v := q.Viewer(viewer)
	g := v.Graph()
	_, _, err := g.Apply(g.Index()+1, graph.Command{By: viewer, Time: now, Op: add})
	if err != nil && !errors.Is(err, graph.ErrConflict) {
		return view.SharePreview{}, err
	}
	p := preview{Viewer: v, add: add}
	if err != nil {
		p.existing()
	}
	p.recipients()
	p.authkeys()
	return p.SharePreview, q.previewTraffic(ctx, &p, now)
}

// preview is one preview being made.
type preview struct {
	graph.Viewer
	add graph.AddShare
	view.SharePreview
}

func (p *preview) existing() {
	for s := range p.Graph().SharesOf(p.User) {
		if s.Channel == p.add.Channel && s.User == p.add.User && s.Group == p.add.Group {
			shown := viewShare(p.Viewer, s)
			p.Existing = &shown
		}
	}
}

// recipients finds whom the share would reach: its receivers, and whom they pass it on to.
func (p *preview) recipients() {
	g := p.Graph()
	s := spread.New(g, p.User, p.add.Channel)
	before := make(map[graph.UserID]bool, len(s.Parts))
	for u := range s.Parts {
		before[u] = true
	}
	receivers := make(map[graph.UserID]bool)
	if gr, ok := g.Group(p.add.Group); ok {
		p.Receivers.Group, p.Receivers.Hidden = gr.Name, !p.CanSeeMembers(gr)
	}
	p.Receivers.Users, p.Further.Users = []string{}, []string{}
	for u := range receiversOf(g, p.add) {
		if u.ID == p.User || !u.Enabled {
			continue
		}
		receivers[u.ID] = true
		if !p.Receivers.Hidden {
			p.count(&p.Receivers, u, s.Receives(u.ID, p.add.Channel))
		}
		s.Add(u.ID, p.add.Channel)
	}
	s.Follow()
	for id := range s.Parts {
		if before[id] || receivers[id] {
			continue
		}
		p.Further.Count++
		if u, ok := g.User(id); ok && p.CanSeeAll() {
			p.Further.Users = append(p.Further.Users, u.Handle)
		}
	}
	slices.Sort(p.Further.Users)
	p.Further.Users = p.Further.Users[:min(len(p.Further.Users), maxPreviewUsers)]
	p.Further.AtLeast = s.GaveUp()
}

func (p *preview) count(to *view.Recipients, u *graph.User, already bool) {
	to.Count++
	if already {
		to.Already++
	}
	if len(to.Users) < maxPreviewUsers {
		to.Users = append(to.Users, u.Handle)
	}
}

// receiversOf yields those who could enable a share.
func receiversOf(g *graph.Graph, s graph.AddShare) func(yield func(*graph.User) bool) {
	return func(yield func(*graph.User) bool) {
		if u, ok := g.User(s.User); ok && s.Group == 0 {
			yield(u)
			return
		}
		for m := range g.Members(s.Group) {
			if u, ok := g.User(m.User); ok && !yield(u) {
				return
			}
		}
	}
}

// authkeys finds the viewer's own that may publish what is shared.
func (p *preview) authkeys() {
	p.Authkeys = []string{}
	for k := range p.Graph().AuthkeysOf(p.User) {
		publishes := func(pub graph.Pattern) bool { _, ok := spread.Common(pub, p.add.Channel); return ok }
		if k.Enabled && slices.ContainsFunc(k.Pub, publishes) {
			p.Authkeys = append(p.Authkeys, k.Ident)
		}
	}
}

// previewTraffic adds what the share would have passed on lately.
func (q *Query) previewTraffic(ctx context.Context, p *preview, now time.Time) error {
	begin, err := q.log.StartAt(now.Add(-24 * time.Hour))
	if err != nil {
		return err
	}
	// A role shows channels, not messages: what counts is what the viewer receives as anybody does.
	v := newReceived(p.Viewer, q.log.Floor())
	day := make(map[graph.UserID]uint64)
	for s, on := range p.Graph().SharesWith(p.User) {
		if _, overlaps := spread.Common(s.Channel, p.add.Channel); overlaps && p.add.Type == graph.All && on && !s.Expired {
			day[s.Owner] = 0
		}
	}
	counter, newest, series := q.traffic.Counter(""), traffic.Mark{}, 0
	err = q.visible(ctx, v, traffic.Matching(p.add.Channel), nil, func(r traffic.Row, from uint64) error {
		if p.add.Type != graph.All && r.Origin != p.User {
			return nil
		}
		if series++; series > maxPreviewSeries {
			p.Day.AtLeast = true
			return errEnough
		}
		if r.All.Newest.Compare(newest.Position) > 0 {
			newest = r.All.Newest
		}
		s, err := counter.Since(r, max(from, begin))
		day[r.Origin] += s.Messages
		return err
	})
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	p.sumUp(day)
	if newest.Index > 0 {
		p.Sample, err = q.message(ctx, p.Actor, newest.Position)
	} else {
		err = nil
	}
	return err
}

// sumUp tells what each origin has published.
func (p *preview) sumUp(day map[graph.UserID]uint64) {
	for origin, n := range day {
		p.Day.Messages += n
		if origin != p.User {
			p.PassesOn = append(p.PassesOn, view.PassedOn{User: handle(p.Graph(), origin), Messages: n})
		}
	}
	p.Day.PerHour = float64(p.Day.Messages) / 24
	slices.SortFunc(p.PassesOn, func(a, b view.PassedOn) int {
		return cmp.Or(cmp.Compare(b.Messages, a.Messages), cmp.Compare(a.User, b.User))
	})
	p.PassesOn = p.PassesOn[:min(len(p.PassesOn), maxPreviewUsers)]
}

// message reads one message, if the viewer may read it and it is still retained.
func (q *Query) message(ctx context.Context, viewer graph.Actor, at eventlog.Position) (*view.Message, error) {
	m := q.Messages(viewer, MessageFilter{
		Patterns: []graph.Pattern{"*"}, From: at, Until: eventlog.Position{Index: at.Index, Offset: at.Offset + 1}, Limit: 1,
	})
	found, err := m.Next(ctx)
	var gap *Gap
	switch {
	case errors.Is(err, io.EOF) || errors.As(err, &gap):
		return nil, nil
	case err != nil:
		return nil, err
	}
	shown := &view.Message{
		Position: found.Position.String(), Time: found.Time, Channel: found.Channel, Origin: found.Origin,
	}
	shown.SetPayload(found.Payload, maxPreviewBytes)
	return shown, nil
}
