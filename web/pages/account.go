package pages

import (
	"errors"
	"net/http"
	"strconv"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/internal/secret"
	"hpfriends/query"
	"hpfriends/query/view"
)

type accountData struct {
	view.User
	HasPassword bool
	Sessions    []view.Session
	Tokens      []view.Token
	Issued      *api.IssuedToken // shown once
}

func account(r *request) (any, error) {
	if r.user == nil {
		return nil, invalid("The operator has no account.", "Look at a user's: they log in with a password.")
	}
	u, err := r.Query.User(r.actor, r.Handle())
	return accountData{
		User: u, HasPassword: r.user.Password != "", Sessions: query.Sessions(r.viewer, r.actor.User),
		Tokens: r.Query.Tokens(r.actor, r.actor.User),
	}, err
}

func setName(r *request) (done, error) {
	name := r.PostForm.Get("name")
	return editSelf(r, api.UserChanges{Name: &name}, "Your display name is changed.")
}

// setPassword asks for the present password too: who finds a browser open is not its owner yet.
func setPassword(r *request) (done, error) {
	if r.user == nil {
		return done{}, invalid("The operator has no account.", "")
	}
	if r.PostForm.Get("password") != r.PostForm.Get("again") {
		return done{}, invalid("The two new passwords differ.", "Type the same twice.")
	}
	if err := r.proveSelf(); err != nil {
		return done{}, err
	}
	password := api.NewSecret(r.PostForm.Get("password"))
	d, err := editSelf(r, api.UserChanges{Password: &password},
		"Your password is changed, and your other sessions have ended.")
	if err != nil || !r.PostForm.Has("tokens") {
		return d, err
	}
	for _, t := range r.Query.Tokens(r.actor, r.actor.User) {
		if _, err := ask(r, api.RemoveToken, api.TokenPath{ID: uint64(t.ID)}); err != nil {
			return done{}, err
		}
	}
	d.notice = "Your password is changed; your other sessions and your API tokens have ended."
	return d, nil
}

// proveSelf checks the password that the form holds, for what would be worth more than an open browser.
func (r *request) proveSelf() error {
	if r.user == nil || r.user.Password == "" {
		return nil
	}
	err := r.Who.CheckPassword(r.Request, r.Handle(), secret.New(r.PostForm.Get("current")))
	if p := (*api.Problem)(nil); errors.As(err, &p) && p.Status == http.StatusUnauthorized {
		return invalid("Your present password is another one.", "Type the one that you log in with.")
	}
	return err
}

func editSelf(r *request, changes api.UserChanges, notice string) (done, error) {
	_, err := ask(r, api.EditUser, api.UserEdit{HandlePath: api.HandlePath{Handle: r.Handle()}, Body: changes})
	return done{notice: notice}, err
}

func endSession(r *request) (done, error) {
	return endToken(r, "The session is ended.", func(id uint64) error {
		_, err := ask(r, api.RemoveSession, api.TokenPath{ID: id})
		return err
	})
}

func endSessions(r *request) (done, error) {
	_, err := ask(r, api.ClearSessions, api.HandlePath{Handle: r.Handle()})
	return done{notice: "All your other sessions are ended."}, err
}

// addToken asks for the password too: a token outlives the session.
func addToken(r *request) (done, error) {
	if err := r.proveSelf(); err != nil {
		return done{}, err
	}
	token := api.NewToken{Comment: r.PostForm.Get("comment")}
	var err error
	if token.Expires, err = r.expires(); err != nil {
		return done{}, err
	}
	made, err := ask(r, api.AddToken, api.With[api.NewToken]{Body: token})
	if err != nil {
		return done{}, err
	}
	data, err := account(r)
	if err != nil {
		return done{}, err
	}
	d := data.(accountData)
	d.Tokens = r.Query.Tokens(r.actor, r.actor.User)
	d.Issued = &made
	return done{show: d}, nil
}

func removeToken(r *request) (done, error) {
	return endToken(r, "The token is removed.", func(id uint64) error {
		_, err := ask(r, api.RemoveToken, api.TokenPath{ID: id})
		return err
	})
}

func endToken(r *request, notice string, end func(id uint64) error) (done, error) {
	id, err := strconv.ParseUint(r.PostForm.Get("id"), 10, 64)
	if err != nil {
		return done{}, &graph.Error{Code: graph.Invalid, Msg: "This form names nothing.", Hint: "Reload the page."}
	}
	return done{notice: notice}, end(id)
}
