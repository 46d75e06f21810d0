package doors

import (
	"net/http"
	"strings"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/internal/secret"
	"hpfriends/web/pages/answer"
	"hpfriends/web/pages/cookie"
	"hpfriends/web/who"
)

func (ds *Doors) loginDoor(w http.ResponseWriter, r *http.Request, status int, d door) {
	d.Title, d.Data, d.Unset = "Log in", ds.Guests, ds.Who.Setup.Open()
	ds.open(w, r, status, "login", d)
}

// login takes the fields user and password.
func (ds *Doors) login(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, "The form could not be read.", http.StatusBadRequest)
		return
	}
	handle, password := strings.TrimSpace(r.PostForm.Get("user")), secret.New(r.PostForm.Get("password"))
	r.PostForm.Del("password")
	actor, err := ds.Who.Login(w, r, handle, password)
	if err != nil {
		problem := ds.Refusal(err)
		if problem.Status != http.StatusTooManyRequests { // those cost nothing: they must not fill the log either
			ds.Logger.Warn("a login was refused", "user", graph.Clip(handle), "from", actor.From, "why", problem.Detail)
		}
		ds.loginDoor(w, r, problem.Status, door{Problem: []*api.Problem{problem}, Form: r.Form})
		return
	}
	http.Redirect(w, r, answer.Local(r.Form.Get("next")), http.StatusSeeOther)
}

// setup makes the first admin, with the token of the setup link, and logs them in.
func (ds *Doors) setup(w http.ResponseWriter, r *http.Request) {
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
	if err := ds.Who.CreateAdmin(r, token, admin); err != nil {
		if ds.Who.Setup.Check(token) != nil {
			ds.closed(w, r, err)
			return
		}
		ds.open(w, r, ds.Refusal(err).Status, "setup", door{Title: "Set up", Problem: ds.refusals(err), Form: f})
		return
	}
	if _, err := ds.Who.Login(w, r, admin.Handle, admin.Password); err != nil {
		http.Redirect(w, r, "/login", http.StatusSeeOther)
		return
	}
	cookie.Tell(w, cookie.Notice{Text: "You are the admin of this server."})
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (ds *Doors) logout(w http.ResponseWriter, r *http.Request) {
	if err := ds.Who.Logout(w, r); err != nil {
		problem := ds.Refusal(err)
		ds.loginDoor(w, r, problem.Status, door{Problem: []*api.Problem{problem}})
		return
	}
	cookie.Tell(w, cookie.Notice{Text: "You are logged out."})
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}
