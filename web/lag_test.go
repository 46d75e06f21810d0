package web

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestAnswersOfANodeThatIsBehindSaySo(t *testing.T) {
	w := newWorld(t)
	var entries uint64
	w.server.Lag = func() (uint64, time.Duration) { return entries, 1500 * time.Millisecond }
	headers := func() http.Header {
		answer := httptest.NewRecorder()
		w.server.SocketHandler().ServeHTTP(answer, httptest.NewRequest("GET", "/api/v1/users", nil))
		return answer.Header()
	}
	if h := headers(); h.Get(lagEntries) != "" || h.Get(lagSeconds) != "" {
		t.Errorf("a node that is not behind says %v", h)
	}
	entries = 7
	if h := headers(); h.Get(lagEntries) != "7" || h.Get(lagSeconds) != "1.5" {
		t.Errorf("a node that is behind says %v", h)
	}
}
