// Package cookie keeps in a browser what is no secret and good for each node: how somebody wants pages to look, and
// what the next page tells once. What it reads may be anybody's invention, and is checked.
package cookie

import (
	"encoding/base64"
	"net/http"
	"strings"
	"time"
)

// Prefs is how somebody wants pages to be.
type Prefs struct {
	Theme   string // light, dark; empty: as the system has it
	Keyless bool   // single keys do nothing
	Zone    *time.Location
}

const (
	themeCookie  = "theme"
	keysCookie   = "keys"
	zoneCookie   = "zone"
	noticeCookie = "notice"
	keysOff      = "off"
	prefsLife    = 365 * 24 * time.Hour
)

// ReadPrefs reads them from the cookies of a request.
func ReadPrefs(r *http.Request) Prefs {
	p := Prefs{Zone: time.UTC}
	if c, err := r.Cookie(themeCookie); err == nil && (c.Value == "light" || c.Value == "dark") {
		p.Theme = c.Value
	}
	if c, err := r.Cookie(keysCookie); err == nil {
		p.Keyless = c.Value == keysOff
	}
	if c, err := r.Cookie(zoneCookie); err == nil {
		if zone, err := time.LoadLocation(c.Value); err == nil && zone != time.Local {
			p.Zone = zone
		}
	}
	return p
}

// Write sets the cookies.
func (p Prefs) Write(w http.ResponseWriter) {
	keys := ""
	if p.Keyless {
		keys = keysOff
	}
	for name, value := range map[string]string{themeCookie: p.Theme, keysCookie: keys, zoneCookie: p.Zone.String()} {
		http.SetCookie(w, &http.Cookie{
			Name: name, Value: value, Path: "/", MaxAge: int(prefsLife.Seconds()), SameSite: http.SameSiteLaxMode,
		})
	}
}

// Notice is what a page tells once: what was done, and where it can be taken back.
type Notice struct{ Text, Again string }

// maxNotice is how long one is that a page believes, in bytes.
const maxNotice = 3072

// Tell keeps what the next page tells.
func Tell(w http.ResponseWriter, n Notice) {
	if n.Text == "" {
		return
	}
	text := n.Text + "\x00" + n.Again
	if len(text) > maxNotice {
		text = n.Text
	}
	http.SetCookie(w, &http.Cookie{
		Name: noticeCookie, Value: base64.RawURLEncoding.EncodeToString([]byte(text)), Path: "/", MaxAge: 60,
		HttpOnly: true, SameSite: http.SameSiteStrictMode,
	})
}

// Told returns what is to be told, once.
func Told(w http.ResponseWriter, r *http.Request) (n Notice) {
	c, err := r.Cookie(noticeCookie)
	if err != nil {
		return n
	}
	http.SetCookie(w, &http.Cookie{Name: noticeCookie, Path: "/", MaxAge: -1, HttpOnly: true})
	text, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil || len(text) > maxNotice {
		return n
	}
	n.Text, n.Again, _ = strings.Cut(string(text), "\x00")
	return n
}
