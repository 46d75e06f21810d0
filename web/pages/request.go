package pages

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/query/view"
	"hpfriends/web/pages/cookie"
	"hpfriends/web/pages/doors"
	"hpfriends/web/who"
)

// request is a request of somebody who is logged in.
type request struct {
	*http.Request
	*Pages
	w       http.ResponseWriter
	actor   graph.Actor
	viewer  graph.Viewer // of the newest graph
	user    *graph.User  // nil: the operator, on the local socket
	prefs   cookie.Prefs
	past    *moment      // nil: now
	at      string       // the moment that was asked for; empty: now
	problem *api.Problem // of the form that was posted
	secret  bool         // the answer shows a secret: it is not compressed
	now     time.Time
	members map[string][]view.Member // of groups, that were looked up
}

// admit finds out who asks.
func (p *Pages) admit(w http.ResponseWriter, hr *http.Request, ask who.Authenticate) (*request, error) {
	actor, err := ask(hr)
	if err != nil {
		return nil, err
	}
	r := &request{
		Pages: p, Request: hr.WithContext(who.With(hr.Context(), actor)), w: w, actor: actor, viewer: p.Query.Viewer(actor),
		prefs: cookie.ReadPrefs(hr), now: time.Now(),
	}
	r.user, _ = r.viewer.Graph().User(actor.User)
	return r, nil
}

// Handle is the name of who asks.
func (r *request) Handle() string {
	if r.user == nil {
		return "operator"
	}
	return r.user.Handle
}

// field is a value of the form that is shown again, or else of the address.
func (r *request) field(name string) string {
	if r.problem != nil && r.PostForm.Has(name) {
		return r.PostForm.Get(name)
	}
	return r.URL.Query().Get(name)
}

// changed reports whether a field of a form is not what it was when the page was made, as "was-" and its name has it.
// What somebody has left alone is not written: another may have changed it meanwhile.
func (r *request) changed(name string) bool {
	was, sent := r.PostForm["was-"+name]
	return !sent || was[0] != r.PostForm.Get(name)
}

// sure refuses what cannot be undone unless its name was typed.
func (r *request) sure(name string) error {
	switch typed := strings.TrimSpace(r.PostForm.Get("sure")); typed {
	case strings.TrimSpace(name), view.Visible(name): // what cannot be seen is typed as it is shown
		return nil
	}
	return invalid("Nothing was removed: it cannot be undone, so type "+view.Visible(name)+" to say that you mean it.", "")
}

// typed is what was typed into a form that was refused, or that was sent when the session had ended; nil: nothing was.
func (r *request) typed() url.Values {
	if r.problem != nil && r.PostForm != nil {
		return r.PostForm
	}
	if doors.Kept(r.Request) {
		return r.URL.Query()
	}
	return nil
}

// with is the address of this page with other parameters; an empty value removes one. What a page begins with (after)
// does not survive another change.
func (r *request) with(pairs ...string) string {
	q := r.URL.Query()
	q.Del("after")
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			q.Del(pairs[i])
		} else {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	u := url.URL{Path: r.URL.Path, RawQuery: q.Encode()}
	return u.RequestURI()
}
