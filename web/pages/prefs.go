package pages

import (
	"encoding/base64"
	"net/http"
	"time"
)

// prefs is how somebody wants pages to be, in cookies of theirs: they are no secret, and good for each node.
type prefs struct {
	Theme   string // light, dark; empty: as the system has it
	Keyless bool   // single keys do nothing
	zone    *time.Location
}

const (
	themeCookie  = "theme"
	keysCookie   = "keys"
	zoneCookie   = "zone"
	noticeCookie = "notice"
	keptCookie   = "kept" // the digest of an address whose parameters were typed into a form
	keysOff      = "off"
	prefsLife    = 365 * 24 * time.Hour
)

func readPrefs(r *http.Request) prefs {
	p := prefs{zone: time.UTC}
	if c, err := r.Cookie(themeCookie); err == nil && (c.Value == "light" || c.Value == "dark") {
		p.Theme = c.Value
	}
	if c, err := r.Cookie(keysCookie); err == nil {
		p.Keyless = c.Value == keysOff
	}
	if c, err := r.Cookie(zoneCookie); err == nil {
		if zone, err := time.LoadLocation(c.Value); err == nil && zone != time.Local {
			p.zone = zone
		}
	}
	return p
}

func (p prefs) write(w http.ResponseWriter) {
	keys := ""
	if p.Keyless {
		keys = keysOff
	}
	for name, value := range map[string]string{themeCookie: p.Theme, keysCookie: keys, zoneCookie: p.zone.String()} {
		http.SetCookie(w, &http.Cookie{
			Name: name, Value: value, Path: "/", MaxAge: int(prefsLife.Seconds()), SameSite: http.SameSiteLaxMode,
		})
	}
}

// Zone is the name of the time zone.
func (p prefs) Zone() string { return p.zone.String() }

// setNotice keeps what the next page tells.
func setNotice(w http.ResponseWriter, text string) {
	if text == "" {
		return
	}
	http.SetCookie(w, &http.Cookie{
		Name: noticeCookie, Value: base64.RawURLEncoding.EncodeToString([]byte(text)), Path: "/", MaxAge: 60,
		HttpOnly: true, SameSite: http.SameSiteStrictMode,
	})
}

// takeNotice returns what is to be told, once.
func takeNotice(w http.ResponseWriter, r *http.Request) string {
	c, err := r.Cookie(noticeCookie)
	if err != nil {
		return ""
	}
	http.SetCookie(w, &http.Cookie{Name: noticeCookie, Path: "/", MaxAge: -1, HttpOnly: true})
	text, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil || len(text) > 1024 {
		return ""
	}
	return string(text)
}
