package pages

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"hpfriends/internal/timespec"
	"hpfriends/query"
	"hpfriends/query/past"
	"hpfriends/web/pages/timeline"
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

// travel looks up the moment that ?at= names, on pages that can show it. What names none, or none that has been, shows
// now, and the page says so.
func (r *request) travel(pg *page) error {
	text := r.URL.Query().Get("at")
	if text == "" || slices.Contains(ownMoment, pg.path) {
		return nil
	}
	r.at = text
	if !pg.past {
		return nil
	}
	at, err := r.moment("", text)
	if err != nil {
		r.problem = r.Refusal(err)
		return nil
	}
	then, err := r.Query.At(r.actor, at)
	if err != nil {
		return err
	}
	r.past = &moment{then, text, at}
	if _, err := timespec.Duration(text); err == nil { // so long ago is another moment on the next page
		r.at = then.Version.Position
	}
	return nil
}

// anyMoment reads a moment; an empty text is the zero Point.
func (r *request) anyMoment(field, text string) (past.Point, error) {
	at, err := past.ParsePoint(text, r.now.In(r.prefs.Zone))
	if err != nil {
		problem := r.Refusal(err)
		return at, invalid(field+problem.Detail, problem.Hint)
	}
	return at, nil
}

// moment reads one that has been. Of what is still to come nobody can tell.
func (r *request) moment(field, text string) (past.Point, error) {
	at, err := r.anyMoment(field, text)
	if err != nil {
		return at, err
	}
	end, err := r.Query.ParsePosition("now", r.now)
	if at.Time.After(r.now) || at.Time.IsZero() && at.Index > end.Index {
		return at, invalid(field+text+" is still to come.", "Name a moment that has been.")
	}
	return at, err
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

// Timeline finds the changes around the moment of the page that concern who asks.
func (s *sheet) Timeline() (timeline.Timeline, error) {
	return timeline.Around(s.Context(), s.Query, s.actor, s.past.Position, s.prefs.Zone)
}

// Newest is the position before the newest change of all.
func (s *sheet) Newest() string {
	return "#" + strconv.FormatUint(max(s.Query.Graph().Index(), 1)-1, 10)
}

// Past is the moment that the page is shown as of; nil: now.
func (s *sheet) Past() *moment { return s.past }

// Lacks says what the page cannot show of the past.
func (s *sheet) Lacks() string { return lacks[s.Page.path] }

// Stray is the moment that was asked for, where the page shows now; empty: none was.
func (s *sheet) Stray() string {
	if s.past != nil {
		return ""
	}
	return s.at
}
