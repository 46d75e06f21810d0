package pages

import (
	"strings"

	"hpfriends/web/pages/palette"
)

// jump is the palette: a fragment with what fits what was typed.
func jump(r *request) (any, error) {
	return r.palette().All(r.Context(), strings.TrimSpace(r.URL.Query().Get("q"))), nil
}

func (r *request) palette() *palette.Palette {
	p := &palette.Palette{Query: r.Query, Actor: r.actor, Handle: r.Handle(), Now: r.now.In(r.prefs.Zone)}
	for _, pg := range r.routes {
		if pg.bare || strings.Contains(pg.path, "{") || pg.path == "/authkey" || pg.admin && !r.viewer.CanSeeAll() {
			continue
		}
		p.Pages = append(p.Pages, palette.Page{Title: pg.title, About: pg.about, Path: pg.path})
	}
	for _, shelf := range r.library().Shelves {
		for _, topic := range shelf.Topics {
			p.Pages = append(p.Pages, palette.Page{Title: topic.Title, About: "In Help", Path: "/help/" + topic.Name})
		}
	}
	return p
}
