package pages

import (
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

// Users are suggestions for a field that takes a user, and Groups for one that takes a group.
func (s *sheet) Users() (handles []string) {
	for _, u := range s.Query.Users(s.actor) {
		if handles = append(handles, u.Handle); len(handles) == rows {
			break
		}
	}
	return handles
}

func (s *sheet) Groups() (names []string) {
	for _, g := range s.Query.Groups(s.actor) {
		if names = append(names, g.Name); len(names) == rows {
			break
		}
	}
	return names
}

// people are whom one can share with, for the list of suggestions: groups first, as "group:NAME".
func people(r *request) (names []string) {
	for _, g := range r.Query.Groups(r.actor) {
		names = append(names, "group:"+g.Name)
	}
	for _, u := range r.Query.Users(r.actor) {
		if len(names) >= rows {
			break
		}
		if u.Handle != r.Handle() {
			names = append(names, u.Handle)
		}
	}
	return names[:min(len(names), rows)]
}
