package pages

import (
	"hpfriends/graph"
	"hpfriends/query"
	"hpfriends/query/view"
)

// reachData says what a share would do; both empty: too little is known of it yet.
type reachData struct {
	Preview *view.SharePreview
	Problem string
	All     bool
}

// reach previews the share that the address describes.
func reach(r *request) (any, error) {
	f := r.shareForm()
	d := reachData{All: f.Type == "all"}
	if f.Channel == "" || f.To == "" {
		return d, nil
	}
	add := graph.AddShare{Channel: graph.Pattern(f.Channel), Type: graph.Own}
	if d.All {
		add.Type = graph.All
	}
	var err error
	if add.User, add.Group, err = query.ResolveReceiver(r.viewer, f.To); err == nil {
		var shown view.SharePreview
		if shown, err = r.Query.PreviewShare(r.Context(), r.actor, add, r.Who.Changer.Now()); err == nil {
			d.Preview = &shown
			return d, nil
		}
	}
	d.Problem = r.Refusal(err).Detail
	return d, nil
}
