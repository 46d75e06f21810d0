package pages

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"hpfriends/api"
	"hpfriends/eventlog/entry"
	"hpfriends/query"
	"hpfriends/query/past"
	"hpfriends/web/pages/format"
	"hpfriends/web/prose"
)

// moment is what a page is shown as of.
type moment struct {
	query.Moment
	Text  string // as it was asked for
	point past.Point
}

// lacks says what a page cannot show of the past.
var lacks = map[string]string{
	"/shares":         "The rate and the reach of shares are of now only.",
	"/authkeys":       "Statistics and secrets are of now only.",
	"/groups/{group}": "What reaches you through the group is told for now only.",
}

// ownMoment are the pages of which ?at= is a field.
var ownMoment = []string{"/audit/access"}

// travel looks up the moment that ?at= names, on pages that can show it.
func (r *request) travel(pg *page) error {
	text := r.URL.Query().Get("at")
	if text == "" || slices.Contains(ownMoment, pg.path) {
		return nil
	}
	r.at = text
	if !pg.past {
		return nil
	}
	at, err := past.ParsePoint(text, r.now.In(r.prefs.Zone))
	if err != nil {
		return api.NewProblem(http.StatusUnprocessableEntity, api.Invalid, err.Error(), "")
	}
	then, err := r.Query.At(r.actor, at)
	if err == nil {
		r.past = &moment{then, text, at}
	}
	return err
}

// At is an address that shows the same moment as this page.
func (r *request) At(address string) string {
	if r.at == "" {
		return address
	}
	path, fragment, _ := strings.Cut(address, "#")
	sign := "?"
	if strings.Contains(path, "?") {
		sign = "&"
	}
	path += sign + url.Values{"at": {r.at}}.Encode()
	if fragment != "" {
		path += "#" + fragment
	}
	return path
}

// timeline is the changes around a moment of the past, the oldest first.
type timeline struct {
	Changes      []change
	Now          int    // the newest of them that the page knows of
	Before, Next string // positions of the neighbours; empty: there is none
	Said         string // what was changed then
}

// change is a change that can be gone to.
type change struct{ Position, Label string }

// neighbours is how many changes the timeline has on each side.
const neighbours = 24

// Timeline finds the changes around the moment of the page that concern who asks.
func (s *sheet) Timeline() (timeline, error) {
	var t timeline
	here, err := entry.ParsePosition(s.past.Position)
	if err != nil {
		return t, err
	}
	older, _, err := s.Query.AuditEvents(s.Context(), s.actor, query.AuditFilter{
		Until: past.AtIndex(here.Index), Limit: neighbours + 1,
	})
	if err != nil {
		return t, err
	}
	newer, _, err := s.Query.AuditEvents(s.Context(), s.actor, query.AuditFilter{
		Since: past.AtIndex(here.Index + 1), Oldest: true, Limit: neighbours,
	})
	if err != nil {
		return t, err
	}
	slices.Reverse(older)
	t.Now = max(0, len(older)-1)
	for _, e := range slices.Concat(older, newer) {
		label := e.Time.In(s.prefs.Zone).Format("2 Jan 15:04:05") + ": " + format.Visible(e.By+" "+prose.Sentence(e))
		t.Changes = append(t.Changes, change{"#" + strconv.FormatUint(e.Index, 10), label})
	}
	// Between two changes that concern who asks, the older one is the neighbour.
	if before := len(older) - 1; before >= 0 {
		if t.Changes[before].Position == "#"+strconv.FormatUint(here.Index, 10) {
			t.Said = t.Changes[before].Label
			before--
		}
		if before >= 0 {
			t.Before = t.Changes[before].Position
		}
	}
	if len(newer) > 0 {
		t.Next = t.Changes[len(older)].Position
	}
	return t, nil
}

// Newest is the position before the newest change of all.
func (s *sheet) Newest() string {
	return "#" + strconv.FormatUint(max(s.Query.Graph().Index(), 1)-1, 10)
}

// Past is the moment that the page is shown as of; nil: now.
func (s *sheet) Past() *moment { return s.past }

// Lacks says what the page cannot show of the past.
func (s *sheet) Lacks() string { return lacks[s.Page.path] }

// Stray is the moment that was asked for, on a page that is always of now; empty: none was.
func (s *sheet) Stray() string {
	if s.past != nil {
		return ""
	}
	return s.at
}
