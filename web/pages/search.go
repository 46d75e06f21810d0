package pages

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"hpfriends/eventlog/entry"
	"hpfriends/query"
	"hpfriends/query/indicator"
	"hpfriends/query/view"
	"hpfriends/web/pages/palette"
)

type searchData struct {
	Text   string
	Asked  bool
	Groups []hits
	Jump   []palette.Suggestion
	Seen   *view.Sightings // of a text that is an indicator
}

// hits are those of one kind.
type hits struct {
	Kind  view.Kind
	Title string
	Hits  []view.Hit
	More  string // the address that shows only this kind; empty: there are no more
}

var kindTitles = map[view.Kind]string{
	view.KindChannel: "Channels", view.KindLog: "Log messages", view.KindGroup: "Groups", view.KindUser: "Users",
	view.KindShare: "Shares", view.KindAuthkey: "Authkeys",
}

func search(r *request) (any, error) {
	q := r.URL.Query()
	d := searchData{Text: strings.TrimSpace(q.Get("q"))}
	if d.Text == "" {
		return d, nil
	}
	if at, err := entry.ParsePosition(d.Text); err == nil && strings.HasPrefix(d.Text, "#") &&
		strings.Contains(d.Text, ".") {
		http.Redirect(r.w, r.Request, "/m/"+at.String()[1:], http.StatusSeeOther)
		return nil, errAnswered
	}
	d.Jump = r.palette().Places(d.Text)
	s := query.SearchQuery{Text: d.Text, Now: r.now.In(r.prefs.Zone), Limit: few, After: q.Get("after")}
	if kind := view.Kind(q.Get("kind")); slices.Contains(view.Kinds, kind) {
		s.Kinds, s.Limit = []view.Kind{kind}, rows
	}
	var in errgroup.Group // messages, beside all else
	if len(s.Kinds) == 0 {
		in.Go(func() (err error) {
			d.Seen, err = seen(r, d.Text)
			return err
		})
	}
	found, err := r.Query.Search(r.Context(), r.actor, s)
	if err = cmp.Or(err, in.Wait()); err != nil {
		r.problem = r.Refusal(err)
		return d, nil
	}
	d.Asked = true
	for _, kind := range view.Kinds {
		h := hits{Kind: kind, Title: kindTitles[kind]}
		for _, hit := range found.Hits {
			if hit.Kind == kind {
				h.Hits = append(h.Hits, hit)
			}
		}
		if slices.Contains(found.More, kind) {
			h.More = r.with("kind", string(kind), "next", found.Next)
		}
		if found.Next != "" && len(s.Kinds) > 0 {
			h.More = r.with("kind", string(kind)) + "&after=" + found.Next
		}
		if len(h.Hits) > 0 {
			d.Groups = append(d.Groups, h)
		}
	}
	return d, nil
}

// seen says where the text was seen in messages, if it is an indicator.
func seen(r *request, text string) (*view.Sightings, error) {
	if _, ok := indicator.Parse(text); !ok {
		return nil, nil
	}
	s, err := r.Query.Sightings(r.Context(), r.actor, text)
	return &s, err
}

// Everywhere is the address of the messages with the text, over a month.
func (d searchData) Everywhere() string { return monthWith(d.Text) }
