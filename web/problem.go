package web

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"hpfriends/graph"
)

// problem is an error answer (RFC 9457, application/problem+json).
type problem struct {
	Title  string              `json:"title"`
	Status int                 `json:"status"`
	Code   string              `json:"code" doc:"not-found, denied, conflict, invalid, unauthorized, unavailable, unknown-outcome"`
	Detail string              `json:"detail" doc:"what happened"`
	Hint   string              `json:"hint,omitempty" doc:"what to do next"`
	Errors []*huma.ErrorDetail `json:"errors,omitempty"`
}

func (p *problem) Error() string             { return p.Detail }
func (p *problem) GetStatus() int            { return p.Status }
func (p *problem) ContentType(string) string { return "application/problem+json" }

// The library's own refusals (validation) take our form too.
func init() {
	huma.NewError = func(status int, msg string, errs ...error) huma.StatusError {
		p := newProblem(status, "invalid", msg, "")
		for _, e := range errs {
			var d *huma.ErrorDetail
			if errors.As(e, &d) {
				p.Errors = append(p.Errors, d)
				p.Detail += ": " + d.Location + ": " + d.Message
			} else if e != nil {
				p.Detail += ": " + e.Error()
			}
		}
		return p
	}
}

func newProblem(status int, code, detail, hint string) *problem {
	return &problem{Title: http.StatusText(status), Status: status, Code: code, Detail: detail, Hint: hint}
}

// refusal turns an error into the answer.
func (s *Server) refusal(err error) error {
	var g *graph.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &g):
		status := map[graph.Code]int{
			graph.NotFound: http.StatusNotFound, graph.Denied: http.StatusForbidden,
			graph.Conflict: http.StatusConflict, graph.Invalid: http.StatusUnprocessableEntity,
		}[g.Code]
		return newProblem(status, string(g.Code), g.Msg, g.Hint)
	case errors.Is(err, errLogin):
		return newProblem(http.StatusUnauthorized, "unauthorized", "who is asking?", err.Error())
	case errors.Is(err, errTooOften):
		return newProblem(http.StatusTooManyRequests, "unavailable", err.Error(), "")
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return newProblem(http.StatusServiceUnavailable, "unknown-outcome", "the answer came too late", "look whether it was done before trying again")
	}
	s.Logger.Error("a request failed", "err", err)
	return newProblem(http.StatusServiceUnavailable, "unavailable", err.Error(), "try again in a moment")
}
