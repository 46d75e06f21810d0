package definitions

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"hpfriends/api"
	"hpfriends/graph"
)

func (d *differ) shares(want []Share) {
	have := make(map[edge]Share)
	for _, s := range d.have.Shares {
		have[s.edge()] = s
	}
	for _, s := range want {
		old, ok := have[s.edge()]
		delete(have, s.edge())
		if !ok {
			d.add(makeShares, "add", KindShare, s.Name(), s.stated(), newShare(s))
		} else {
			d.share(old, s)
		}
	}
	for _, s := range d.have.Shares {
		if _, left := have[s.edge()]; left && d.drops(KindShare, s.Note) {
			d.add(endShares, "remove", KindShare, s.Name(), nil, order(api.RemoveShare, d.path(s)))
		}
	}
}

func (d *differ) path(s Share) api.SharePath { return api.SharePath{ID: d.have.shareIDs[s.edge()]} }

// newShare adds a share, and makes the decisions on it.
func newShare(s Share) func(context.Context, *api.Client) error {
	return func(ctx context.Context, server *api.Client) error {
		out, err := api.AddShare.Call(ctx, server.For(s.From), api.With[api.NewShare]{Body: api.NewShare{
			Channel: s.Channel, To: s.To, Type: s.Type, History: s.History, Note: s.Note, Expires: s.Expires,
		}})
		if err != nil {
			return err
		}
		path := api.SharePath{ID: out.ID}
		return inTurn(decide(path, s.EnabledBy, s.DisabledBy)...)(ctx, server)
	}
}

func decide(path api.SharePath, enable, disable []string) (steps []func(context.Context, *api.Client) error) {
	for _, handle := range enable {
		steps = append(steps, as(handle, order(api.AcceptShare, path)))
	}
	for _, handle := range disable {
		steps = append(steps, as(handle, order(api.DisableShare, path)))
	}
	return steps
}

func (d *differ) share(old, s Share) {
	enable, disable := minus(s.EnabledBy, old.EnabledBy), minus(s.DisabledBy, old.DisabledBy)
	if d.mode.Keep { // who has decided against it since stays so
		if against := both(enable, old.DisabledBy); len(against) > 0 {
			d.conflict(KindShare, s.Name(), "it exists, and is disabled by %s: that is theirs to decide",
				strings.Join(against, " "))
			return
		}
		var diff differs
		diff.compare("type", old.Type, cmp.Or(s.Type, old.Type))
		diff.compare("history", old.History, cmp.Or(s.History, old.History))
		if len(diff) > 0 {
			d.conflict(KindShare, s.Name(), "it exists, and differs: %s", strings.Join(diff, "; "))
			return
		}
		if len(enable) > 0 {
			d.add(makeShares, "change", KindShare, s.Name(), []string{"enabled by " + strings.Join(enable, " ")},
				inTurn(decide(d.path(old), enable, nil)...))
		}
		return
	}
	var diff differs
	diff.compare("type", cmp.Or(old.Type, graph.Own), cmp.Or(s.Type, graph.Own))
	diff.compare("history", cmp.Or(old.History, graph.FromShare), cmp.Or(s.History, graph.FromShare))
	if len(diff) > 0 { // these cannot be edited
		d.add(makeShares, "change", KindShare, s.Name(), append(diff, "it is removed and added"),
			inTurn(order(api.RemoveShare, d.path(old)), newShare(s)))
		return
	}
	edit := api.ShareEdit{SharePath: d.path(old)}
	if diff.compare("note", old.Note, s.Note); old.Note != s.Note {
		edit.Body.Note = &s.Note
	}
	if !sameTime(old.Expires, s.Expires) {
		diff.compare("expires", timeText(old.Expires), timeText(s.Expires))
		if edit.Body.Expires = s.Expires; edit.Body.Expires == nil {
			edit.Body.Expires = new(time.Time)
		}
	}
	var steps []func(context.Context, *api.Client) error
	if edit.Body != (api.ShareChanges{}) {
		steps = append(steps, order(api.EditShare, edit))
	}
	if len(enable) > 0 {
		diff = append(diff, "enabled by "+strings.Join(enable, " "))
	}
	if len(disable) > 0 {
		diff = append(diff, "disabled by "+strings.Join(disable, " "))
	}
	if len(diff) > 0 {
		steps = append(steps, decide(d.path(old), enable, disable)...)
		d.add(makeShares, "change", KindShare, s.Name(), diff, inTurn(steps...))
	}
}

func minus(list, without []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(folded(without), fold(s)) })
}

func both(list, other []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return !slices.Contains(folded(other), fold(s)) })
}
