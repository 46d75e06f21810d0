package pages

import (
	"net/http"
	"strings"

	"hpfriends/api"
	"hpfriends/internal/secret"
	"hpfriends/query"
	"hpfriends/query/view"
	"hpfriends/web/pages/cookie"
	"hpfriends/web/who"
)

// inviteData is the invitation that a link is to.
type inviteData struct {
	view.Invitation
	Path   string
	Handle string // of who is logged in already; empty: nobody
}

// registerInvite adds the page that accepts invitations: for somebody new, who becomes a user by it, and for users, who
// become members of a group.
func (p *Pages) registerInvite(mux who.Mux, ask who.Authenticate) {
	mux.HandleFunc("GET /invite/{secret}", func(w http.ResponseWriter, r *http.Request) {
		p.showInvitation(w, r, ask, nil)
	})
	mux.HandleFunc("POST /invite/{secret}", func(w http.ResponseWriter, r *http.Request) { p.accept(w, r, ask) })
}

func (p *Pages) showInvitation(w http.ResponseWriter, r *http.Request, ask who.Authenticate, problem []*api.Problem) {
	found, err := p.Who.Invitation(secret.New(r.PathValue("secret")))
	if err != nil {
		p.closed(w, r, err)
		return
	}
	d := inviteData{Invitation: query.ViewInvitation(p.Query.Graph(), found), Path: r.URL.Path}
	status := http.StatusOK
	if problem != nil {
		status = problem[0].Status
	}
	if d.Role != "" {
		p.open(w, r, status, "join", door{Title: "You are invited", Problem: problem, Form: r.PostForm, Data: d})
		return
	}
	actor, err := ask(r)
	if err != nil {
		p.Refuse(w, r, err) // to log in first, and then to come back
		return
	}
	if u, ok := p.Query.Graph().User(actor.User); ok {
		d.Handle = u.Handle
	}
	p.open(w, r, status, "joingroup", door{Title: "You are invited", Problem: problem, Data: d})
}

func (p *Pages) accept(w http.ResponseWriter, r *http.Request, ask who.Authenticate) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, "The form could not be read.", http.StatusBadRequest)
		return
	}
	link := secret.New(r.PathValue("secret"))
	found, err := p.Who.Invitation(link)
	if err != nil {
		p.closed(w, r, err)
		return
	}
	if found.Role == "" {
		p.acceptAsUser(w, r, ask)
		return
	}
	account := who.Account{
		Handle: strings.TrimSpace(r.PostForm.Get("user")), Name: strings.TrimSpace(r.PostForm.Get("name")),
		Password: secret.New(r.PostForm.Get("password")),
	}
	r.PostForm.Del("password")
	if err := p.Who.Join(r, link, account); err != nil {
		p.showInvitation(w, r, ask, p.refusals(err))
		return
	}
	if _, err := p.Who.Login(w, r, account.Handle, account.Password); err != nil {
		http.Redirect(w, r, "/login", http.StatusSeeOther)
		return
	}
	cookie.Tell(w, cookie.Notice{Text: "Welcome, " + account.Handle + "."})
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (p *Pages) acceptAsUser(w http.ResponseWriter, hr *http.Request, ask who.Authenticate) {
	r, err := p.admit(w, hr, ask)
	if err != nil {
		p.Refuse(w, hr, err)
		return
	}
	ctx, cancel := call(r.Context())
	defer cancel()
	in := api.With[api.InvitationSecret]{Body: api.InvitationSecret{Secret: api.NewSecret(hr.PathValue("secret"))}}
	if _, err := api.AcceptInvitation.Call(ctx, p.API, in); err != nil {
		p.showInvitation(w, hr, ask, p.refusals(err))
		return
	}
	cookie.Tell(w, cookie.Notice{Text: "You are a member now."})
	http.Redirect(w, hr, "/groups", http.StatusSeeOther)
}
