package pages

import (
	"net/http"

	"hpfriends/graph"
)

// registerDoors adds the pages for those who are not logged in.
func (p *Pages) registerDoors(*http.ServeMux) {}

func (p *Pages) authenticate(r *http.Request) (graph.Actor, error) { return p.Who.Socket(r) }

func (p *Pages) refuseStranger(w http.ResponseWriter, r *http.Request, _ error) {
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}
