package pages

import (
	"errors"
	"net/http"
	"strings"

	"hpfriends/api"
	"hpfriends/web/pages/answer"
	"hpfriends/web/pages/cookie"
	"hpfriends/web/pages/fields"
	"hpfriends/web/who"
)

// page is a row of the table of routes.
type page struct {
	path  string // of a ServeMux, without method
	name  string // of its template
	title string
	about string // what it is, in one line
	under string // the page that it belongs to, of which the rail has an entry
	show  func(*request) (data any, err error)
	acts  acts
	past  bool // can be shown as of a moment in the past
	bare  bool // a fragment: without the shell
	admin bool // for those who may see everything
	// Scripts are what makes the page more than its HTML; without them it works, too.
	scripts []string
}

// acts are what the forms of a page do, by the value of their field "do".
type acts map[string]func(*request) (done, error)

// done is the outcome of a form.
type done struct {
	to     string // the next page; empty: the same
	notice string // what is told there
	again  string // where what was removed can be made again; empty: nowhere
	show   any    // instead: what this same answer shows, once (a new secret)
}

func (pg *page) pattern() string {
	if pg.path == "/" {
		return "/{$}"
	}
	return pg.path
}

// serve answers the requests of a page.
func (p *Pages) serve(pg *page, ask who.Authenticate) http.HandlerFunc {
	return func(w http.ResponseWriter, hr *http.Request) {
		r, err := p.admit(w, hr, ask)
		if err != nil {
			p.Refuse(w, hr, err)
			return
		}
		turn, end, err := p.turns.Questions.Take(r.Context())
		if err != nil {
			p.fail(r, pg, err)
			return
		}
		defer end()
		r.Request = r.WithContext(turn)
		if pg.admin && !r.viewer.CanSeeAll() {
			p.fail(r, pg, api.NewProblem(http.StatusForbidden, api.Denied, "This page is for admins and auditors.",
				"What is yours is on the other pages; for all else ask an admin of this server."))
			return
		}
		if err := r.travel(pg); err != nil {
			p.fail(r, pg, err)
			return
		}
		if hr.Method == http.MethodPost {
			p.act(r, pg)
			return
		}
		status := http.StatusOK
		if r.problem != nil {
			status = r.problem.Status
		}
		p.show(r, pg, status)
	}
}

// Lost answers people at an address where nothing is with a page that leads on, and everybody else in a line.
func (p *Pages) Lost(ask who.Authenticate) http.HandlerFunc {
	return func(w http.ResponseWriter, hr *http.Request) {
		r, err := p.admit(w, hr, ask)
		problem := api.NewProblem(http.StatusNotFound, api.NotFound, "There is no page at this address.", "")
		switch {
		case !strings.Contains(hr.Header.Get("Accept"), "text/html"):
			http.NotFound(w, hr)
		case err != nil:
			p.doors.Lost(w, hr, problem)
		default:
			problem.Hint = "The menu has those that there are; or search for a name."
			p.fail(r, &page{path: "/", title: "Not found"}, problem)
		}
	}
}

func (p *Pages) show(r *request, pg *page, status int) {
	data, err := pg.show(r)
	if errors.Is(err, errAnswered) {
		return
	}
	if err != nil {
		p.fail(r, pg, err)
		return
	}
	p.render(r, pg, status, data)
}

// errAnswered says that a page has been answered already.
var errAnswered = errors.New("pages: answered")

// act does what a form asks for.
func (p *Pages) act(r *request, pg *page) {
	if err := r.ParseForm(); err != nil {
		p.fail(r, pg, api.NewProblem(http.StatusBadRequest, api.Invalid, "The form could not be read.", "Try it again."))
		return
	}
	fields.Trim(r.PostForm)
	do, ok := pg.acts[r.PostForm.Get("do")]
	switch {
	case !ok:
		p.fail(r, pg, api.NewProblem(http.StatusBadRequest, api.Invalid, "This page has no such button.", "Reload it."))
		return
	case r.past != nil:
		p.fail(r, pg, api.NewProblem(http.StatusConflict, api.Denied, "The past cannot be changed.", "Go back to now."))
		return
	}
	form := r.PostForm.Get("once")
	if !p.sent.First(r.actor.User, form) {
		cookie.Tell(r.w, cookie.Notice{Text: "That was done already. What was shown then is not shown again."})
		http.Redirect(r.w, r.Request, answer.Local(r.URL.RequestURI()), http.StatusSeeOther)
		return
	}
	d, err := do(r)
	if err != nil {
		p.sent.Forget(r.actor.User, form)
		// The page again, with the reason and with what was typed.
		r.problem = p.Refusal(err)
		p.show(r, pg, r.problem.Status)
		return
	}
	if d.show != nil {
		r.secret = true
		p.render(r, pg, http.StatusOK, d.show)
		return
	}
	cookie.Tell(r.w, cookie.Notice{Text: d.notice, Again: d.again})
	to := d.to
	if to == "" {
		to = r.URL.RequestURI()
	}
	http.Redirect(r.w, r.Request, answer.Local(to), http.StatusSeeOther)
}

// Title, About, Help, Past and Scripts are for the shell.
func (pg *page) Title() string     { return pg.title }
func (pg *page) About() string     { return pg.about }
func (pg *page) Help() string      { return explained[pg.path] }
func (pg *page) Past() bool        { return pg.past }
func (pg *page) Scripts() []string { return pg.scripts }
