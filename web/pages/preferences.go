package pages

import (
	"time"

	"hpfriends/web/pages/cookie"
)

// zones are offered beside whatever else the database of time zones knows.
var zones = []string{
	"UTC", "Europe/Berlin", "Europe/London", "Europe/Paris", "America/New_York", "America/Los_Angeles",
	"America/Sao_Paulo", "Asia/Tokyo", "Asia/Singapore", "Asia/Kolkata", "Australia/Sydney",
}

func preferences(r *request) (any, error) { return zones, nil }

func setPreferences(r *request) (done, error) {
	var chosen cookie.Prefs
	if t := r.PostForm.Get("theme"); t == "light" || t == "dark" {
		chosen.Theme = t
	}
	chosen.Keyless = r.PostForm.Get("keys") == "off"
	zone, err := time.LoadLocation(r.PostForm.Get("zone"))
	if err != nil || zone == time.Local {
		return done{}, invalid("There is no time zone "+r.PostForm.Get("zone")+".", "Use a name like Europe/Berlin.")
	}
	chosen.Zone = zone
	chosen.Write(r.w)
	return done{to: r.URL.Query().Get("back"), notice: "Pages now look as you want."}, nil
}
