package pages

import (
	"iter"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"hpfriends/api"
)

// rows is how many rows a page shows of a list.
const rows = 100

// part is what a page shows of a list.
type part struct {
	Total       int
	First, Next string // addresses of other parts; empty: there is none
}

// cut takes the part of a list that the address asks for. The list is in the order of its numbers.
func cut[T any](r *request, all []T, number func(T) uint64) ([]T, part) {
	p := part{Total: len(all)}
	if after, err := strconv.ParseUint(r.URL.Query().Get("after"), 10, 64); err == nil {
		p.First = r.with()
		if i := slices.IndexFunc(all, func(v T) bool { return number(v) > after }); i >= 0 {
			all = all[i:]
		} else {
			all = nil
		}
	}
	if len(all) > rows {
		all = all[:rows]
		p.Next = r.with("after", strconv.FormatUint(number(all[rows-1]), 10))
	}
	return all, p
}

// cutGroup returns the name in "group:NAME"; ok is false for a user.
func cutGroup(to string) (name string, ok bool) {
	if name, ok = strings.CutPrefix(to, "group:"); !ok {
		return "", false
	}
	return name, true
}

func invalid(detail, hint string) error {
	return api.NewProblem(http.StatusUnprocessableEntity, api.Invalid, detail, hint)
}

// of says of which field a refusal is.
func of(field string, p *api.Problem) error { return invalid(field+": "+p.Detail, p.Hint) }

// handles are the names of the users that the viewer may know of, and groupNames of the groups.
func (r *request) handles() iter.Seq[string] {
	return func(yield func(string) bool) {
		for u := range r.viewer.Graph().Users() {
			if r.viewer.CanSeeUser(u) && !yield(u.Handle) {
				return
			}
		}
	}
}

func (r *request) groupNames() iter.Seq[string] {
	return func(yield func(string) bool) {
		for gr := range r.viewer.Graph().Groups() {
			if r.viewer.CanSeeGroup(gr) && !yield(gr.Name) {
				return
			}
		}
	}
}

// first are as many names as a page shows.
func first(names iter.Seq[string]) (some []string) {
	for name := range names {
		if some = append(some, name); len(some) == rows {
			break
		}
	}
	return some
}

// Users are suggestions for a field that takes a user, and Groups for one that takes a group.
func (s *sheet) Users() []string  { return first(s.handles()) }
func (s *sheet) Groups() []string { return first(s.groupNames()) }

// people are whom one can share with, for the list of suggestions: groups first, as "group:NAME".
func people(r *request) []string {
	return first(func(yield func(string) bool) {
		for name := range r.groupNames() {
			if !yield("group:" + name) {
				return
			}
		}
		for handle := range r.handles() {
			if handle != r.Handle() && !yield(handle) {
				return
			}
		}
	})
}
