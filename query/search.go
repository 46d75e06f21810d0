package query

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"

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
	f := finder{ctx, q, q.Viewer(viewer), m}
	for _, kind := range view.Kinds {
		if len(s.Kinds) > 0 && !slices.Contains(s.Kinds, kind) {
			continue
		}
		best := ranking{limit: s.Limit, after: after}
		if err := f.find(kind, &best); err != nil {
			return r, err
		}
		if best.more {
			r.More = append(r.More, kind)
		}
		for _, c := range best.kept {
			hit, err := c.show()
			if err != nil {
				return r, err
			}
			hit.Kind = kind
			r.Hits = append(r.Hits, hit)
		}
		if best.more && len(s.Kinds) == 1 {
			r.Next = best.kept[len(best.kept)-1].rank.token()
		}
	}
	return r, nil
}

func (s *SearchQuery) validate() (after *rank, err error) {
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
	m, ok := parseRank(s.After)
	if !ok {
		return nil, refuse(graph.Invalid, "use what the page before said",
			"after: %q is not from a page of hits", graph.Clip(s.After))
	}
	return &m, nil
}

// rank orders the hits of a kind.
type rank struct {
	match.Grade
	key string // orders hits of equal grade
}

func (m rank) compare(o rank) int {
	return cmp.Or(cmp.Compare(m.Grade, o.Grade), strings.Compare(m.key, o.key))
}

func (m rank) token() string {
	return base64.RawURLEncoding.EncodeToString(append([]byte{byte(m.Grade)}, m.key...))
}

func parseRank(token string) (rank, bool) {
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(b) == 0 {
		return rank{}, false
	}
	return rank{match.Grade(b[0]), string(b[1:])}, true
}

func numberKey(n uint64) string { return string(binary.BigEndian.AppendUint64(nil, n)) }

// candidate is a hit that is shown if nothing better displaces it.
type candidate struct {
	rank rank
	show func() (view.Hit, error)
}

// ranking keeps the best hits of one kind, so that its memory does not depend on how many there are.
type ranking struct {
	limit int
	after *rank
	kept  []candidate // in order
	more  bool        // something was left out
}

// wants reports whether a hit there would be kept. If it would not only because others are better, there is more.
func (r *ranking) wants(m rank) bool {
	return (r.after == nil || m.compare(*r.after) > 0) &&
		(len(r.kept) < r.limit || !r.more || m.compare(r.kept[r.limit-1].rank) < 0)
}

// add keeps a hit if it is wanted.
func (r *ranking) add(m rank, show func() (view.Hit, error)) {
	if !r.wants(m) {
		return
	}
	i, _ := slices.BinarySearchFunc(r.kept, m, func(c candidate, m rank) int { return c.rank.compare(m) })
	r.kept = slices.Insert(r.kept, i, candidate{m, show})
	if len(r.kept) > r.limit {
		r.kept, r.more = r.kept[:r.limit], true
	}
}
