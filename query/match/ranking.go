package match

import (
	"cmp"
	"encoding/base64"
	"iter"
	"slices"
	"strings"
)

// Rank orders the hits of a kind.
type Rank struct {
	Grade
	Key string // orders hits of equal grade
}

func (m Rank) compare(o Rank) int {
	return cmp.Or(cmp.Compare(m.Grade, o.Grade), strings.Compare(m.Key, o.Key))
}

// Token names a rank in an address.
func (m Rank) Token() string {
	return base64.RawURLEncoding.EncodeToString(append([]byte{byte(m.Grade)}, m.Key...))
}

// ParseRank reads a Token; it is false for anything else.
func ParseRank(token string) (Rank, bool) {
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(b) == 0 {
		return Rank{}, false
	}
	return Rank{Grade(b[0]), string(b[1:])}, true
}

// Ranking keeps the best hits, so that its memory does not depend on how many there are.
type Ranking[Hit any] struct {
	Limit int
	After *Rank // hits up to this one are of pages before; nil: none are
	More  bool  // something was left out
	kept  []ranked[Hit]
}

type ranked[Hit any] struct {
	rank Rank
	hit  Hit
}

// Wants reports whether a hit there would be kept. If it would not only because others are better, there is more.
func (r *Ranking[Hit]) Wants(m Rank) bool {
	return (r.After == nil || m.compare(*r.After) > 0) &&
		(len(r.kept) < r.Limit || !r.More || m.compare(r.kept[r.Limit-1].rank) < 0)
}

// Add keeps a hit if it is wanted.
func (r *Ranking[Hit]) Add(m Rank, hit Hit) {
	if !r.Wants(m) {
		return
	}
	i, _ := slices.BinarySearchFunc(r.kept, m, func(c ranked[Hit], m Rank) int { return c.rank.compare(m) })
	r.kept = slices.Insert(r.kept, i, ranked[Hit]{m, hit})
	if len(r.kept) > r.Limit {
		r.kept, r.More = r.kept[:r.Limit], true
	}
}

// Kept yields what is kept, the best first.
func (r *Ranking[Hit]) Kept() iter.Seq[Hit] {
	return func(yield func(Hit) bool) {
		for _, c := range r.kept {
			if !yield(c.hit) {
				return
			}
		}
	}
}

// Last is the rank of the last that is kept, of which there must be one.
func (r *Ranking[Hit]) Last() Rank { return r.kept[len(r.kept)-1].rank }
