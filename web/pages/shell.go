package pages

import (
	"slices"
	"strconv"
	"strings"

	"hpfriends/graph"
	"hpfriends/web/pages/once"
	"hpfriends/web/pages/palette"
)

// section is a part of the rail.
type section struct {
	Title   string // empty: the seven
	Entries []railEntry
}

// railEntry is a page in the rail.
type railEntry struct {
	Path, Title, Icon string
	Key               string // that goes there, behind g; empty: none
	Current           bool
	Waiting           string // how many things wait for the user there; empty: none
}

// rail lists the pages: the original's seven in their order, then data, then operate.
func (p *Pages) rail(r *request, pg *page) []section {
	sections := []section{
		{"", []railEntry{
			{Path: "/", Title: "Home", Icon: "home", Key: "h"},
			{Path: "/shares", Title: "Shares", Icon: "up", Key: "s"},
			{Path: "/incoming", Title: "Shared with you", Icon: "down", Key: "i", Waiting: atMost99(r.Query.Waiting(r.actor))},
			{Path: "/authkeys", Title: "Authkeys", Icon: "key", Key: "k"},
			{Path: "/logs", Title: "Logs", Icon: "logs", Key: "l"},
			{
				Path: "/groups", Title: "Groups", Icon: "groups", Key: "g", Waiting: atMost99(len(r.Query.Asking(r.actor))),
			},
			{Path: "/search", Title: "Search", Icon: "search"},
		}},
		{"Data", []railEntry{
			{Path: "/live", Title: "Live", Icon: "live", Key: "v"},
			{Path: "/history", Title: "History", Icon: "history", Key: "y"},
			{Path: "/map", Title: "Map", Icon: "map", Key: "m"},
			{Path: "/graph", Title: "Graph", Icon: "graph", Key: "r"},
		}},
		{"Operate", []railEntry{
			{Path: "/audit", Title: "Audit", Icon: "audit", Key: "a"},
			{Path: "/cluster", Title: "Cluster", Icon: "cluster"},
			{Path: "/admin", Title: "Admin", Icon: "admin"},
			{Path: "/help", Title: "Help", Icon: "help"},
		}},
	}
	shown := sections[:0]
	for _, s := range sections {
		kept := s.Entries[:0]
		for _, e := range s.Entries {
			target, there := p.route(e.Path)
			if !there || target.admin && !r.viewer.CanSeeAll() {
				continue
			}
			e.Current = e.Path == pg.path || e.Path == pg.under
			e.Path = r.At(e.Path)
			kept = append(kept, e)
		}
		if s.Entries = kept; len(kept) > 0 {
			shown = append(shown, s)
		}
	}
	return shown
}

// atMost99 is a number where there is room for two digits; none is nothing.
func atMost99(n int) string {
	switch {
	case n == 0:
		return ""
	case n > 99:
		return "99+"
	}
	return strconv.Itoa(n)
}

// route finds the page of a path.
func (p *Pages) route(path string) (*page, bool) {
	for _, pg := range p.routes {
		if pg.path == path {
			return pg, true
		}
	}
	return nil, false
}

// whole is the page that is shown whole where path is a part of one.
func (p *Pages) whole(path string) string {
	if pg, ok := p.route(path); ok && pg.bare && pg.under != "" {
		return pg.under
	}
	return path
}

// Theme is how the pages look; empty: as the system has it.
func (s *sheet) Theme() string { return s.prefs.Theme }

// Keyless reports whether single keys do nothing.
func (s *sheet) Keyless() bool { return s.prefs.Keyless }

// Zone is the time zone of what is shown.
func (s *sheet) Zone() string { return s.prefs.Zone.String() }

// Admin reports whether the viewer sees everything.
func (s *sheet) Admin() bool { return s.viewer.CanSeeAll() }

// Field is a value of the form that is shown again, or of the address.
func (s *sheet) Field(name string) string { return s.field(name) }

// Typed is what was typed into a form that was refused, or else a value.
func (s *sheet) Typed(name, value string) string {
	if typed := s.typed(); typed.Has(name) {
		return typed.Get(name)
	}
	return value
}

// Unsaved reports whether the page shows again what was typed before the session ended.
func (s *sheet) Unsaved() bool { return s.problem == nil && s.typed() != nil }

// Ticked reports whether a box was ticked in a form that was refused, or else whether it is.
func (s *sheet) Ticked(name string, is bool) bool {
	if typed := s.typed(); typed != nil {
		return typed.Has(name)
	}
	return is
}

// Once is the number of a form that is done once.
func (s *sheet) Once() string { return once.Number() }

// With is the address of this page with other parameters.
func (s *sheet) With(pairs ...string) string { return s.with(pairs...) }

// Style is the address of the style that belongs to a script, if it has one.
func (s *sheet) Style(script string) string {
	return s.Asset(strings.TrimSuffix(script, ".js") + ".css")
}

// Kept are the values of the address that a form of the shell must not lose.
func (s *sheet) Kept() (all [][2]string) {
	for name, values := range s.URL.Query() {
		for _, v := range values {
			if name != "at" && name != "after" && name != "before" {
				all = append(all, [2]string{name, v})
			}
		}
	}
	slices.SortFunc(all, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	return all
}

// Session is the login session of who asks; 0: there is none.
func (s *sheet) Session() graph.TokenID { return s.actor.Session }

// Here is the address of this page.
func (s *sheet) Here() string { return s.URL.RequestURI() }

// Asset is the address of a script or style; empty where the program was built without it.
func (s *sheet) Asset(name string) string {
	url, ok := s.assets.URL(name)
	if !ok {
		return ""
	}
	return url
}

// Channels are suggestions for a field that takes a channel: of those that the viewer may see.
func (s *sheet) Channels() []string {
	seen, err := s.Query.Channels(s.Context(), s.actor, "", "", rows)
	if err != nil {
		s.Logger.Error("no channels are suggested", "err", err)
	}
	return palette.Channels(seen)
}
