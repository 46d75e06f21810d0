// Package doors is what somebody meets who is not logged in: the pages to log in, to set up a new server and to accept
// an invitation, and the way back to where they were going.
//
// A door is no row of the table of routes: it has no viewer, so it shows nothing of the graph but the invitation that
// its link is to. Its template stands in web/pages/html beside all others, in the layout "door" of shell.html.
//
// # Invariant
//
// Nobody is told which users there are, a password is never shown again, and a door leads nowhere but to this server.
//
// # Concurrency
//
// Doors may serve any number of requests at once.
package doors

import (
	"bytes"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"

	"hpfriends/api"
	"hpfriends/internal/secret"
	"hpfriends/query"
	"hpfriends/web/pages/answer"
	"hpfriends/web/pages/cookie"
	"hpfriends/web/who"
)

// Config of Doors.
type Config struct {
	API       *api.Client // in this process; who asks is in the context of a call
	Query     *query.Query
	Who       *who.Authenticator
	Refusal   func(error) *api.Problem      // what the API says of an error
	Templates map[string]*template.Template // by page
	Whole     func(path string) string      // the page that is shown whole where path is a part of one
	Guests    []who.Guest                   // whom the login page offers to be
	Logger    *slog.Logger
}

// Doors serves the pages for those who are not logged in.
type Doors struct{ Config }

// New returns Doors.
func New(c Config) *Doors { return &Doors{c} }

// door is a page for those who are not logged in.
type door struct {
	Title   string
	Problem []*api.Problem
	Notice  string
	Form    url.Values
	Data    any
	Unset   bool // this server has no admin yet
	prefs   cookie.Prefs
}

// Register adds every door to mux; ask finds out who sends a request.
func (ds *Doors) Register(mux who.Mux, ask who.Authenticate) {
	mux.HandleFunc("GET /login", func(w http.ResponseWriter, r *http.Request) {
		ds.loginDoor(w, r, http.StatusOK, door{Form: r.URL.Query()})
	})
	mux.HandleFunc("POST /login", ds.login)
	mux.HandleFunc("GET /setup", func(w http.ResponseWriter, r *http.Request) {
		if err := ds.Who.Setup.Check(secret.New(r.URL.Query().Get("token"))); err != nil {
			ds.closed(w, r, err)
			return
		}
		ds.open(w, r, http.StatusOK, "setup", door{Title: "Set up", Form: r.URL.Query()})
	})
	mux.HandleFunc("POST /setup", ds.setup)
	mux.HandleFunc("POST /logout", ds.logout)
	mux.HandleFunc("GET /invite/{secret}", func(w http.ResponseWriter, r *http.Request) {
		ds.showInvitation(w, r, ask, nil)
	})
	mux.HandleFunc("POST /invite/{secret}", func(w http.ResponseWriter, r *http.Request) { ds.accept(w, r, ask) })
}

// refusals are all that was wrong at once.
func (ds *Doors) refusals(err error) (all []*api.Problem) {
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range several.Unwrap() {
			all = append(all, ds.Refusal(one))
		}
		return all
	}
	return append(all, ds.Refusal(err))
}

// closed says why a door stays closed.
func (ds *Doors) closed(w http.ResponseWriter, r *http.Request, err error) {
	ds.shut(w, r, "Closed", ds.Refusal(err))
}

// Lost says that there is no page at an address.
func (ds *Doors) Lost(w http.ResponseWriter, r *http.Request, problem *api.Problem) {
	ds.shut(w, r, "Not found", problem)
}

func (ds *Doors) shut(w http.ResponseWriter, r *http.Request, title string, problem *api.Problem) {
	ds.open(w, r, problem.Status, "closed", door{Title: title, Problem: []*api.Problem{problem}})
}

// open shows a door.
func (ds *Doors) open(w http.ResponseWriter, r *http.Request, status int, name string, d door) {
	d.prefs = cookie.ReadPrefs(r)
	d.Notice = cookie.Told(w, r).Text
	if d.Form == nil {
		d.Form = url.Values{}
	}
	var b bytes.Buffer
	if err := ds.Templates[name].ExecuteTemplate(&b, "door", d); err != nil {
		ds.Logger.Error("a page could not be made", "page", name, "err", err)
		http.Error(w, "This page could not be made; the server's log says why.", http.StatusInternalServerError)
		return
	}
	answer.Send(w, r, status, b.Bytes(), true)
}

// Theme is how the page looks; empty: as the system has it.
func (d door) Theme() string { return d.prefs.Theme }
