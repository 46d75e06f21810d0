package doors

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"

	"hpfriends/web/pages/cookie"
	"hpfriends/web/who"
)

// Refuse answers who is not admitted: to log in, and then to go on where they were. What is no page is refused with a
// sentence.
func (ds *Doors) Refuse(w http.ResponseWriter, r *http.Request, err error) {
	problem := ds.Refusal(err)
	if problem.Status != http.StatusUnauthorized || r.Header.Get("Accept") == eventStream {
		http.Error(w, problem.Detail+" "+problem.Hint, problem.Status)
		return
	}
	back, typed := ds.comeback(r)
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
func (ds *Doors) comeback(r *http.Request) (address string, typed bool) {
	at := *r.URL
	at.Path = ds.Whole(at.Path)
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

// Kept reports whether the parameters of an address were typed into a form by who asks, whose session had ended: a
// cookie came with the refusal. Links, also links to our login, fill no forms with what somebody else wants.
func Kept(r *http.Request) bool {
	c, err := r.Cookie(keptCookie)
	return err == nil && c.Value == digest(r.URL.RequestURI())
}

// digest is what keptCookie has of an address.
func digest(address string) string {
	sum := sha256.Sum256([]byte(address))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

const eventStream = "text/event-stream"
