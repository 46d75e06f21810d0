package web

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// measured are how many answers each route has given, by "ROUTE CODE".
func measured(t *testing.T, r *prometheus.Registry) map[string]uint64 {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	counts := make(map[string]uint64)
	for _, f := range families {
		if f.GetName() != "hpfriends_http_request_duration_seconds" {
			continue
		}
		for _, m := range f.GetMetric() {
			label := func(name string) string {
				for _, l := range m.GetLabel() {
					if l.GetName() == name {
						return l.GetValue()
					}
				}
				return ""
			}
			counts[label("route")+" "+label("code")] = m.GetHistogram().GetSampleCount()
		}
	}
	return counts
}

// What strangers ask for makes no series: only what the program has routes for does.
func TestAnswersAreMeasuredByRoute(t *testing.T) {
	w := newWorld(t)
	ask := func(h http.Handler, method, path string) {
		r := httptest.NewRequest(method, path, nil)
		r.Host, r.RemoteAddr = "127.0.0.1", "127.0.0.1:1"
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	for _, path := range []string{"/made/up", "/made-up", "/api/v1/made-up"} {
		ask(w.tcp, "GET", path)
		ask(w.tcp, "MADEUP", path)
	}
	ask(w.tcp, "GET", "/livez")
	ask(w.socket, "GET", "/livez")
	ask(w.tcp, "GET", "/api/v1/users/made-up")    // of nobody
	ask(w.socket, "GET", "/api/v1/users/made-up") // of the operator
	got := measured(t, w.server.Metrics)
	want := map[string]uint64{
		"other 4xx": 6, "GET /livez 2xx": 2, "GET /api/v1/users/{handle} 4xx": 2,
	}
	for series, n := range want {
		if got[series] != n {
			t.Errorf("%s: %d, want %d", series, got[series], n)
		}
	}
	if len(got) != len(want) {
		t.Errorf("series: %v", got)
	}
}

// A stream is measured to its beginning, and still streams.
func TestStreamIsMeasuredWhenItBegins(t *testing.T) {
	registry := prometheus.NewRegistry()
	mux, begin, end := http.NewServeMux(), make(chan struct{}), make(chan struct{})
	mux.HandleFunc("GET /stream", func(w http.ResponseWriter, _ *http.Request) {
		<-begin
		w.WriteHeader(http.StatusEarlyHints)
		if _, err := io.WriteString(w, "now\n"); err != nil {
			t.Error(err)
		}
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
		<-end
	})
	s := httptest.NewServer(newRequests(registry).measure(mux, mux))
	defer s.Close()
	defer close(end)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "GET", s.URL+"/stream", nil)
	if err != nil {
		t.Fatal(err)
	}
	close(begin)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if line := make([]byte, 4); len(line) > 0 {
		if _, err := io.ReadFull(answer.Body, line); err != nil || string(line) != "now\n" {
			t.Fatalf("%q, %v", line, err)
		}
	}
	if got := measured(t, registry); got["GET /stream 2xx"] != 1 || len(got) != 1 {
		t.Errorf("while it streams: %v", got)
	}
}
