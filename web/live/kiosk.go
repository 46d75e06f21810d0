package live

import (
	"net/http"
	"net/url"
)

// serveKiosk streams the attacks of the kiosk from now on, whatever is asked for: strangers read no history.
func (s *Streams) serveKiosk(refuse func(http.ResponseWriter, *http.Request, error)) http.HandlerFunc {
	d := door{ask: s.Kiosk.Ask(s.Query.Graph), refuse: refuse, strangers: true}
	return func(w http.ResponseWriter, r *http.Request) {
		r = r.Clone(r.Context())
		r.Header.Del("Last-Event-ID")
		r.URL.RawQuery = url.Values{"channel": {string(s.Kiosk.Channel)}}.Encode()
		s.attacks(w, r, d)
	}
}
