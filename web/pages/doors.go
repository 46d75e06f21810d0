package pages

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/internal/secret"
	"hpfriends/web/pages/answer"
	"hpfriends/web/pages/cookie"
	"hpfriends/web/who"
)

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

// registerDoors adds the pages for those who are not logged in.
func (p *Pages) registerDoors(mux who.Mux) {
	mux.HandleFunc("GET /login", func(w http.ResponseWriter, r *http.Request) {
		p.loginDoor(w, r, http.StatusOK, door{Form: r.URL.Query()})
	})
	mux.HandleFunc("POST /login", p.login)
	mux.HandleFunc("GET /setup", func(w http.ResponseWriter, r *http.Request) {
		if err := p.Who.Setup.Check(secret.New(r.URL.Query().Get("token"))); err != nil {
			p.closed(w, r, err)
			return
		}
		p.open(w, r, http.StatusOK, "setup", door{Title: "Set up", Form: r.URL.Query()})
	})
	mux.HandleFunc("POST /setup", p.setup)
	mux.HandleFunc("POST /logout", p.logout)
}

func (p *Pages) loginDoor(w http.ResponseWriter, r *http.Request, status int, d door) {
	d.Title, d.Data, d.Unset = "Log in", p.Guests, p.Who.Setup.Open()
	p.open(w, r, status, "login", d)
}

// login takes the fields user and password.
func (p *Pages) login(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, "The form could not be read.", http.StatusBadRequest)
		return
	}
	handle, password := strings.TrimSpace(r.PostForm.Get("user")), secret.New(r.PostForm.Get("password"))
	r.PostForm.Del("password")
	actor, err := p.Who.Login(w, r, handle, password)
	if err != nil {
		problem := p.Refusal(err)
		if problem.Status != http.StatusTooManyRequests { // those cost nothing: they must not fill the log either
			p.Logger.Warn("a login was refused", "user", graph.Clip(handle), "from", actor.From, "why", problem.Detail)
		}
		p.loginDoor(w, r, problem.Status, door{Problem: []*api.Problem{problem}, Form: r.Form})
		return
	}
	http.Redirect(w, r, answer.Local(r.Form.Get("next")), http.StatusSeeOther)
}

// setup makes the first admin, with the token of the setup link, and logs them in.
func (p *Pages) setup(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, "The form could not be read.", http.StatusBadRequest)
		return
	}
	f := r.PostForm
	admin := who.Account{
		Handle: strings.TrimSpace(f.Get("user")), Name: strings.TrimSpace(f.Get("name")),
		Password: secret.New(f.Get("password")),
	}
	f.Del("password")
	token := secret.New(f.Get("token"))
	if err := p.Who.CreateAdmin(r, token, admin); err != nil {
		if p.Who.Setup.Check(token) != nil {
			p.closed(w, r, err)
			return
		}
		p.open(w, r, p.Refusal(err).Status, "setup", door{Title: "Set up", Problem: p.refusals(err), Form: f})
		return
	}
	if _, err := p.Who.Login(w, r, admin.Handle, admin.Password); err != nil {
		http.Redirect(w, r, "/login", http.StatusSeeOther)
		return
	}
	cookie.Tell(w, cookie.Notice{Text: "You are the admin of this server."})
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// refusals are all that was wrong at once.
func (p *Pages) refusals(err error) (all []*api.Problem) {
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range several.Unwrap() {
			all = append(all, p.Refusal(one))
		}
		return all
	}
	return append(all, p.Refusal(err))
}

// closed says why a door stays closed.
func (p *Pages) closed(w http.ResponseWriter, r *http.Request, err error) {
	problem := p.Refusal(err)
	p.open(w, r, problem.Status, "closed", door{Title: "Closed", Problem: []*api.Problem{problem}})
}

func (p *Pages) logout(w http.ResponseWriter, r *http.Request) {
	if err := p.Who.Logout(w, r); err != nil {
		problem := p.Refusal(err)
		p.loginDoor(w, r, problem.Status, door{Problem: []*api.Problem{problem}})
		return
	}
	cookie.Tell(w, cookie.Notice{Text: "You are logged out."})
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}

// open shows a door.
func (p *Pages) open(w http.ResponseWriter, r *http.Request, status int, name string, d door) {
	d.prefs = cookie.ReadPrefs(r)
	d.Notice = cookie.Told(w, r).Text
	if d.Form == nil {
		d.Form = url.Values{}
	}
	var b bytes.Buffer
	if err := p.templates[name].ExecuteTemplate(&b, "door", d); err != nil {
		p.Logger.Error("a page could not be made", "page", name, "err", err)
		http.Error(w, "This page could not be made; the server's log says why.", http.StatusInternalServerError)
		return
	}
	answer.Send(w, r, status, b.Bytes(), true)
}

// Theme is how the page looks; empty: as the system has it.
func (d door) Theme() string { return d.prefs.Theme }

// Refuse answers who is not admitted: to log in, and then to go on where they were. What is no page is refused with a
// sentence.
func (p *Pages) Refuse(w http.ResponseWriter, r *http.Request, err error) {
	problem := p.Refusal(err)
	if problem.Status != http.StatusUnauthorized || r.Header.Get("Accept") == eventStream {
		http.Error(w, problem.Detail+" "+problem.Hint, problem.Status)
		return
	}
	back, typed := p.comeback(r)
	if typed {
		http.SetCookie(w, &http.Cookie{
			Name: keptCookie, Value: digest(back), Path: "/", MaxAge: 3600, HttpOnly: true, SameSite: http.SameSiteStrictMode,
		})
	}
	to := "/login?next=" + url.QueryEscape(back)
	if _, err := r.Cookie(who.CookieName(r)); err == nil {
		cookie.Tell(w, cookie.Notice{Text: "Your session has ended. Log in, and you are where you were."})
	}
	if r.Header.Get("HX-Request") != "" { // a part of a page: it is the page that goes
		w.Header().Set("HX-Redirect", to)
		http.Error(w, problem.Detail, problem.Status)
		return
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// maxKept is how long an address may be that keeps what was typed, in bytes.
const maxKept = 6 << 10

// comeback is the page at which somebody goes on who has to log in first. What they typed into a form is kept, in the
// address, but for what is secret.
func (p *Pages) comeback(r *http.Request) (address string, typed bool) {
	at := *r.URL
	if pg, ok := p.route(at.Path); ok && pg.bare && pg.under != "" {
		at.Path = pg.under
	}
	if r.Method != http.MethodPost || r.ParseForm() != nil {
		return at.RequestURI(), false
	}
	query := at.Query()
	for name, values := range r.PostForm {
		if !slices.Contains([]string{"do", "password", "again", "current", "secret", "token"}, name) {
			query[name] = values
		}
	}
	if r.PostForm.Get("do") == "add" {
		query.Set("add", "")
	}
	if long := query.Encode(); len(long) <= maxKept {
		at.RawQuery, typed = long, true
	}
	return at.RequestURI(), typed
}

// keptCookie is the digest of an address whose parameters were typed into a form.
const keptCookie = "kept"

// digest is what keptCookie has of an address.
func digest(address string) string {
	sum := sha256.Sum256([]byte(address))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

const eventStream = "text/event-stream"
