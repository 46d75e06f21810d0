package web

import (
	"net"
	"net/http"

	"hpfriends/api"
)

// ServeRedirect serves a listener whose visitors are sent to HTTPS on a port, until Shutdown. /ip is answered there:
// the sensors that ask for it follow no redirect.
func (s *Server) ServeRedirect(l net.Listener, port string) error {
	return s.serve(&seatedListener{l, s.crowd, s.Logger, s.Handshakes}, nil, s.redirect(port))
}

func (s *Server) redirect(port string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ip", s.serveIP)
	mux.HandleFunc("POST /ip", s.serveIP)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		host := hostname(r.Host)
		switch {
		case host == "":
			host = "localhost"
		case port != "443":
			host = net.JoinHostPort(host, port)
		case isAddress(host) && net.ParseIP(host).To4() == nil:
			host = "[" + host + "]"
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead { // what it carries was sent in clear already
			api.NewProblem(http.StatusForbidden, api.Denied, "this port takes no requests: they are not encrypted",
				"ask https://"+host+"; a token or password that was sent here may have been read").Write(w)
			return
		}
		http.Redirect(w, r, "https://"+host+r.URL.RequestURI(), http.StatusPermanentRedirect)
	})
	return harden(s.challenged(s.knownHosts(mux)))
}

// challenged answers certificate authorities, which may ask by any name of this server, before next.
func (s *Server) challenged(next http.Handler) http.Handler {
	if s.Challenge == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.Challenge(w, r) {
			next.ServeHTTP(w, r)
		}
	})
}
