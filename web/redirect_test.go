package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A certificate authority is answered by whatever name it asks; everybody else is led on, or told that the server has
// another name.
func TestAuthorityIsAnsweredByAnyName(t *testing.T) {
	w := newWorld(t)
	w.server.AllowedHosts = []string{"feeds.example"}
	ask := func(path string) (status int) {
		r := httptest.NewRequest(http.MethodGet, "http://new.example"+path, nil)
		answer := httptest.NewRecorder()
		w.server.redirect("443").ServeHTTP(answer, r)
		return answer.Code
	}
	const token = "/.well-known/acme-challenge/token"
	if got := ask(token); got != http.StatusMisdirectedRequest {
		t.Errorf("without an answer it is told %d", got)
	}
	w.server.Challenge = func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasPrefix(r.URL.Path, "/.well-known/") {
			return false
		}
		w.WriteHeader(http.StatusTeapot)
		return true
	}
	if got := ask(token); got != http.StatusTeapot {
		t.Errorf("the authority is told %d", got)
	}
	if got := ask("/"); got != http.StatusMisdirectedRequest {
		t.Errorf("others are told %d", got)
	}
}
