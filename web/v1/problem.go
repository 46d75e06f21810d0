package v1

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/query"
)

// asProblem is a transformer: the library's own refusals (validation) take our form. Its errors repeat the values that
// were sent, passwords and secrets among them; those are left out.
func asProblem(_ huma.Context, _ string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	code := api.Invalid
	if m.Status >= http.StatusInternalServerError {
		code = api.Unavailable
	}
	var all []string
	for _, e := range m.Errors {
		if e.Location != "" {
			all = append(all, e.Location+": "+e.Message)
		} else if e.Message != "" {
			all = append(all, e.Message)
		}
	}
	return api.NewProblem(m.Status, code, strings.Join(append([]string{m.Detail}, all...), ": "), ""), nil
}

var statuses = map[graph.Code]int{
	graph.NotFound: http.StatusNotFound, graph.Denied: http.StatusForbidden,
	graph.Conflict: http.StatusConflict, graph.Invalid: http.StatusUnprocessableEntity,
}

// of says of which parameter an error is.
func of(name string, err error) error {
	if g := (*graph.Error)(nil); errors.As(err, &g) {
		return &graph.Error{Code: g.Code, Msg: name + ": " + g.Msg, Hint: g.Hint}
	}
	return err
}

// Refusal turns an error into the answer.
func (s *Service) Refusal(err error) *api.Problem {
	var p *api.Problem
	var g *graph.Error
	var fault *query.AuditFault
	var t interface{ Temporary() bool } // context.DeadlineExceeded is one too, so it comes first
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &g):
		return api.NewProblem(statuses[g.Code], api.Code(g.Code), g.Msg, g.Hint)
	case errors.As(err, &fault):
		s.Logger.Error("the audit is not what was written", "err", err)
		return api.NewProblem(http.StatusInternalServerError, api.Unavailable, fault.Error(),
			"run `hpfriends audit verify`, and restore this node from a backup or its cluster")
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return api.NewProblem(http.StatusServiceUnavailable, api.UnknownOutcome,
			"the answer did not come in time", "look whether it was done before trying again")
	case errors.As(err, &t) && t.Temporary():
		s.Logger.Warn("a change could not be taken", "err", err)
		return api.NewProblem(http.StatusServiceUnavailable, api.Unavailable,
			"the server cannot take changes now; nothing was changed", "try again in a moment")
	}
	s.Logger.Error("a request failed", "err", err)
	return api.NewProblem(http.StatusServiceUnavailable, api.UnknownOutcome,
		"the server could not confirm this", "look whether it was done before trying again")
}
