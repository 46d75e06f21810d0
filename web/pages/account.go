package pages

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/graph/scope"
	"hpfriends/internal/ndjson"
	"hpfriends/internal/secret"
	"hpfriends/query"
	"hpfriends/query/view"
)

type accountData struct {
	view.User
	HasPassword bool
	Sessions    []view.Session
	Tokens      []view.Token
	Authkeys    []view.Authkey
	Scopes      []scopeRow
	Issued      *api.IssuedToken // shown once
}

// scopeRow is a scope that a new token can have.
type scopeRow struct {
	Name   scope.Scope
	About  string
	Ticked bool
}

func account(r *request) (any, error) {
	if r.user == nil {
		return nil, invalid("The operator has no account.", "Look at a user's: they log in with a password.")
	}
	u, err := r.Query.User(r.actor, r.Handle())
	if err != nil {
		return nil, err
	}
	d := accountData{
		User: u, HasPassword: r.user.Password != "", Sessions: query.Sessions(r.viewer, r.actor.User),
		Tokens: r.Query.Tokens(r.actor, r.actor.User),
	}
	for _, s := range scope.All {
		if s != scope.Admin || r.user.Role == graph.Admin {
			ticked := r.problem == nil && s == scope.Read || r.problem != nil && slices.Contains(r.PostForm["scope"], string(s))
			d.Scopes = append(d.Scopes, scopeRow{s, scope.About[s], ticked})
		}
	}
	d.Authkeys, err = r.Query.Authkeys(r.actor, r.actor.User)
	return d, err
}

// leaveServer removes who asks, with all that is theirs. A session that somebody has left open does not do it.
func leaveServer(r *request) (done, error) {
	err := r.Who.Prove(r.Context(), r.actor, secret.New(r.PostForm.Get("current")))
	if err == nil {
		err = r.sure(r.Handle())
	}
	if err == nil {
		_, err = ask(r, api.RemoveUser, api.HandlePath{Handle: r.Handle()})
	}
	return done{to: "/login", notice: "Your account is removed."}, err
}

func setName(r *request) (done, error) {
	name := r.PostForm.Get("name")
	return editSelf(r, api.UserChanges{Name: &name}, "Your display name is changed.")
}

func setPassword(r *request) (done, error) {
	if r.user == nil {
		return done{}, invalid("The operator has no account.", "")
	}
	if r.PostForm.Get("password") != r.PostForm.Get("again") {
		return done{}, invalid("The two new passwords differ.", "Type the same twice.")
	}
	password := api.NewSecret(r.PostForm.Get("password"))
	return editSelf(r, api.UserChanges{Password: &password, Current: api.NewSecret(r.PostForm.Get("current"))},
		"Your password is changed; your other sessions and your API tokens have ended.")
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
	expires, err := r.expires() // before the password: of those few a minute are taken
	if err == nil {
		err = r.Who.Prove(r.Context(), r.actor, secret.New(r.PostForm.Get("current")))
	}
	if err != nil {
		return done{}, err
	}
	token := api.NewToken{
		Comment: r.PostForm.Get("comment"), Endless: r.PostForm.Has("endless"), Channel: r.PostForm.Get("channel"),
		Authkey: r.PostForm.Get("authkey"), Expires: expires,
	}
	for _, s := range r.PostForm["scope"] {
		token.Scopes = append(token.Scopes, scope.Scope(s))
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

// accountFile hands out all that is kept about who asks.
func accountFile(w http.ResponseWriter, r *request) error {
	all, err := api.ShowAccount.Call(r.Context(), r.API, api.None{})
	if err != nil {
		return err
	}
	data, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", `attachment; filename="account.json"`)
	_, _ = w.Write(append(ndjson.Escape(data), '\n'))
	return nil
}
