package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"hpfriends/graph"
	"hpfriends/query"
)

// problem is an error answer (RFC 9457, application/problem+json).
type problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Code   string `json:"code" enum:"not-found,denied,conflict,invalid,unauthorized,unavailable,unknown-outcome"`
	Detail string `json:"detail" doc:"what happened"`
	Hint   string `json:"hint,omitempty" doc:"what to do next"`
}

const problemType = "application/problem+json"

// The library takes a problem as an error with a status and a content type of its own.
func (p *problem) Error() string             { return p.Detail }
func (p *problem) GetStatus() int            { return p.Status }
func (p *problem) ContentType(string) string { return problemType }

func newProblem(status int, code, detail, hint string) *problem {
	return &problem{Title: http.StatusText(status), Status: status, Code: code, Detail: detail, Hint: hint}
}

// write answers a request that does not reach an operation.
func (p *problem) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", problemType)
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p)
}

// asProblem is a transformer: the library's own refusals (validation) take our form. Its errors repeat the values that
// were sent, passwords and secrets among them; those are left out.
func asProblem(_ huma.Context, _ string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	code := "invalid"
	if m.Status >= http.StatusInternalServerError {
		code = "unavailable"
	}
	var all []string
	for _, e := range m.Errors {
		if e.Location != "" {
			all = append(all, e.Location+": "+e.Message)
		} else if e.Message != "" {
			all = append(all, e.Message)
		}
	}
	return newProblem(m.Status, code, strings.Join(append([]string{m.Detail}, all...), ": "), ""), nil
}

var statuses = map[graph.Code]int{
	graph.NotFound: http.StatusNotFound, graph.Denied: http.StatusForbidden,
	graph.Conflict: http.StatusConflict, graph.Invalid: http.StatusUnprocessableEntity,
}

// refusal turns an error into the answer.
func (s *Server) refusal(err error) *problem {
	var p *problem
	var g *graph.Error
	var fault *query.AuditFault
	var t interface{ Temporary() bool } // context.DeadlineExceeded is one too, so it comes first
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &g):
		return newProblem(statuses[g.Code], string(g.Code), g.Msg, g.Hint)
	case errors.As(err, &fault):
		s.Logger.Error("the audit is not what was written", "err", err)
		return newProblem(http.StatusInternalServerError, "unavailable", fault.Error(), "run `hpfriends audit verify`, and restore this node from a backup or its cluster")
	case errors.Is(err, errLogin):
		return newProblem(http.StatusUnauthorized, "unauthorized", err.Error(), "send an API token: Authorization: Bearer hpf_…")
	case errors.Is(err, errPassword):
		return newProblem(http.StatusUnauthorized, "unauthorized", err.Error(), "an authkey's ident and secret are not a login: use the user's")
	case errors.Is(err, errTooOften):
		return newProblem(http.StatusTooManyRequests, "unavailable", err.Error(), "wait a minute")
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return newProblem(http.StatusServiceUnavailable, "unknown-outcome", "the answer did not come in time", "look whether it was done before trying again")
	case errors.As(err, &t) && t.Temporary():
		s.Logger.Warn("a change could not be taken", "err", err)
		return newProblem(http.StatusServiceUnavailable, "unavailable", "the server cannot take changes now; nothing was changed", "try again in a moment")
	}
	s.Logger.Error("a request failed", "err", err)
	return newProblem(http.StatusServiceUnavailable, "unknown-outcome", "the server could not confirm this", "look whether it was done before trying again")
}
