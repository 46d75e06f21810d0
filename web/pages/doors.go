package pages

import (
	"net/http"
	"net/url"
)

// registerDoors adds the pages for those who are not logged in.
func (p *Pages) registerDoors(*http.ServeMux) {}

// Refuse answers who is not admitted: to log in, and then to go on where they wanted to. What is no page is refused
// with a sentence.
func (p *Pages) Refuse(w http.ResponseWriter, r *http.Request, err error) {
	problem := p.problem(err)
	if problem.Status == http.StatusUnauthorized && r.Method == http.MethodGet && r.Header.Get("Accept") != eventStream {
		http.Redirect(w, r, "/login?next="+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
		return
	}
	http.Error(w, problem.Detail+" "+problem.Hint, problem.Status)
}

const eventStream = "text/event-stream"
