package doors

import (
	"context"
	"net/http"
	"strings"
	"time"

	"hpfriends/api"
	"hpfriends/internal/secret"
	"hpfriends/query"
	"hpfriends/query/view"
	"hpfriends/web/pages/cookie"
	"hpfriends/web/who"
)

// callTimeout bounds how long a door waits for the API.
const callTimeout = 10 * time.Second

// inviteData is the invitation that a link is to.
type inviteData struct {
	view.Invitation
	Path   string
	Handle string // of who is logged in already; empty: nobody
}

func (ds *Doors) showInvitation(w http.ResponseWriter, r *http.Request, ask who.Authenticate, problem []*api.Problem) {
	found, err := ds.Who.Invitation(secret.New(r.PathValue("secret")))
	if err != nil {
		ds.closed(w, r, err)
		return
	}
	d := inviteData{Invitation: query.ViewInvitation(ds.Query.Graph(), found), Path: r.URL.Path}
	status := http.StatusOK
	if problem != nil {
		status = problem[0].Status
	}
	if d.Role != "" {
		ds.open(w, r, status, "join", door{Title: "You are invited", Problem: problem, Form: r.PostForm, Data: d})
		return
	}
	actor, err := ask(r)
	if err != nil {
		ds.Refuse(w, r, err) // to log in first, and then to come back
		return
	}
	if u, ok := ds.Query.Graph().User(actor.User); ok {
		d.Handle = u.Handle
	}
	ds.open(w, r, status, "joingroup", door{Title: "You are invited", Problem: problem, Data: d})
}

func (ds *Doors) accept(w http.ResponseWriter, r *http.Request, ask who.Authenticate) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, "The form could not be read.", http.StatusBadRequest)
		return
	}
	link := secret.New(r.PathValue("secret"))
	found, err := ds.Who.Invitation(link)
	if err != nil {
		ds.closed(w, r, err)
		return
	}
	if found.Role == "" {
		ds.acceptAsUser(w, r, ask)
		return
	}
	account := who.Account{
		Handle: strings.TrimSpace(r.PostForm.Get("user")), Name: strings.TrimSpace(r.PostForm.Get("name")),
		Password: secret.New(r.PostForm.Get("password")),
	}
	r.PostForm.Del("password")
	if err := ds.Who.Join(r, link, account); err != nil {
		ds.showInvitation(w, r, ask, ds.refusals(err))
		return
	}
	if _, err := ds.Who.Login(w, r, account.Handle, account.Password); err != nil {
		http.Redirect(w, r, "/login", http.StatusSeeOther)
		return
	}
	cookie.Tell(w, cookie.Notice{Text: "Welcome, " + account.Handle + "."})
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (ds *Doors) acceptAsUser(w http.ResponseWriter, r *http.Request, ask who.Authenticate) {
	actor, err := ask(r)
	if err != nil {
		ds.Refuse(w, r, err)
		return
	}
	ctx, cancel := context.WithTimeout(who.With(r.Context(), actor), callTimeout)
	defer cancel()
	in := api.With[api.InvitationSecret]{Body: api.InvitationSecret{Secret: api.NewSecret(r.PathValue("secret"))}}
	if _, err := api.AcceptInvitation.Call(ctx, ds.API, in); err != nil {
		ds.showInvitation(w, r, ask, ds.refusals(err))
		return
	}
	cookie.Tell(w, cookie.Notice{Text: "You are a member now."})
	http.Redirect(w, r, "/groups", http.StatusSeeOther)
}
