package web

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// requests measure how long answers take, by route. A route is a pattern of the mux or, for what has none, "other", so
// there are as many series as the program has routes.
type requests struct{ durations *prometheus.HistogramVec }

func newRequests(r prometheus.Registerer) requests {
	durations := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "hpfriends_http_request_duration_seconds",
		Help: "Time from a request to the beginning of its answer, by route and class of status.",
		// Most answers are made of memory, and take milliseconds; changes wait for disks; old history is read from disk.
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
	}, []string{"route", "code"})
	r.MustRegister(durations)
	return requests{durations}
}

// measure observes what next answers to requests that mux routes. An answer counts when it begins: its rest takes as
// long as its reader does, and that of a stream has no end.
func (q requests) measure(mux *http.ServeMux, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, route := mux.Handler(r)
		if route == "" {
			route = "other"
		}
		answer := &timedAnswer{ResponseWriter: w, began: time.Now(), route: route, requests: q}
		next.ServeHTTP(answer, r)
		answer.begin(http.StatusOK) // which net/http sends for who has sent nothing
	})
}

// timedAnswer observes the beginning of an answer.
type timedAnswer struct {
	http.ResponseWriter
	requests
	route string
	began time.Time
	done  bool
}

var classes = [...]string{1: "1xx", 2: "2xx", 3: "3xx", 4: "4xx", 5: "5xx"}

func (a *timedAnswer) begin(status int) {
	if a.done || status < http.StatusOK { // an interim answer is not the one
		return
	}
	a.done = true
	class := min(status/100, len(classes)-1)
	a.durations.WithLabelValues(a.route, classes[class]).Observe(time.Since(a.began).Seconds())
}

// WriteHeader implements http.ResponseWriter.
func (a *timedAnswer) WriteHeader(status int) {
	a.begin(status)
	a.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (a *timedAnswer) Write(p []byte) (int, error) {
	a.begin(http.StatusOK)
	return a.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (a *timedAnswer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
