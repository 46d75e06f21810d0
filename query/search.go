package query

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"hpfriends/graph"
	"hpfriends/query/match"
	"hpfriends/query/view"
)

// SearchQuery asks for the objects in which every word of Text occurs, in any case.
type SearchQuery struct {
	Text  string      // as package match reads it, with operators
	Now   time.Time   // by which its times are meant; zero: now
	Kinds []view.Kind // empty: all
	Limit int         // of each kind
	After string      // with one kind: SearchResult.Next of the page before
}

// MaxSearchLimit is the greatest Limit of a SearchQuery.
const MaxSearchLimit = 1000

// Search finds what the viewer may see. What they may not see does not exist: no object is matched by a field that its
// view does not show to this viewer.
//
// A word matches in the names, display names, notes, comments, patterns and messages of an object; all words must
// match, in one field or in several. In each kind come first the hits in which a field is the word, then those in which
// one begins with it, then those in which a word of the text begins with it, then the rest; among equals the order is
// that of the kind's list. Operators select by what an object is about: a group by its members, a share by both ends, a
// log row by whose authkey it is, as far as the viewer may see that; a time is when it was last seen, or made. Case is
// folded rune by rune, as strings.EqualFold does.
func (q *Query) Search(ctx context.Context, viewer graph.Actor, s SearchQuery) (view.SearchResult, error) {
	r := view.SearchResult{Hits: []view.Hit{}}
	m, err := match.Parse(s.Text, cmp.Or(s.Now, time.Now()))
	if err != nil {
		return r, err
	}
	after, err := s.validate()
	if err != nil {
		return r, err
	}
	kinds := slices.DeleteFunc(slices.Clone(view.Kinds), func(kind view.Kind) bool {
		return len(s.Kinds) > 0 && !slices.Contains(s.Kinds, kind)
	})
	found := make([]match.Ranking[show], len(kinds))
	var finders errgroup.Group
	v := q.Viewer(viewer) // of one moment
	for i, kind := range kinds {
		found[i] = match.Ranking[show]{Limit: s.Limit, After: after}
		f := finder{ctx: ctx, query: q, viewer: v, Query: m, handles: make(map[graph.UserID]string)}
		finders.Go(func() error { return f.find(kind, &found[i]) })
	}
	if err := finders.Wait(); err != nil {
		return r, err
	}
	for i, kind := range kinds {
		best := &found[i]
		if best.More {
			r.More = append(r.More, kind)
		}
		for show := range best.Kept() {
			hit, err := show()
			if err != nil {
				return r, err
			}
			hit.Kind = kind
			r.Hits = append(r.Hits, hit)
		}
		if best.More && len(s.Kinds) == 1 {
			r.Next = best.Last().Token()
		}
	}
	return r, nil
}

func (s *SearchQuery) validate() (after *match.Rank, err error) {
	for _, k := range s.Kinds {
		if !slices.Contains(view.Kinds, k) {
			hint := fmt.Sprintf("use one of %v", view.Kinds)
			return nil, refuse(graph.Invalid, hint, "there is no kind %q", graph.Clip(string(k)))
		}
	}
	if s.Limit < 1 || s.Limit > MaxSearchLimit {
		return nil, refuse(graph.Invalid, "", "the limit is %d, want 1 to %d", s.Limit, MaxSearchLimit)
	}
	if s.After == "" {
		return nil, nil
	}
	if len(s.Kinds) != 1 {
		return nil, refuse(graph.Invalid, "name one kind", "only hits of one kind come in pages")
	}
	m, ok := match.ParseRank(s.After)
	if !ok {
		return nil, refuse(graph.Invalid, "use what the page before said",
			"after: %q is not from a page of hits", graph.Clip(s.After))
	}
	return &m, nil
}

func numberKey(n uint64) string { return string(binary.BigEndian.AppendUint64(nil, n)) }

// show makes what is shown of a hit, of those that are shown in the end.
type show func() (view.Hit, error)
