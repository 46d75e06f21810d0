package api

import (
	"encoding/json"
	"io"
	"net/http"
)

// Code is the kind of a refusal.
type Code string

// The kinds of refusals.
const (
	NotFound       Code = "not-found"       // it does not exist, or the asker may not know that it does
	Denied         Code = "denied"          // the asker may not do this
	Conflict       Code = "conflict"        // it exists already, or contradicts what exists
	Invalid        Code = "invalid"         // it makes no sense
	Unauthorized   Code = "unauthorized"    // the asker is not known
	Unavailable    Code = "unavailable"     // nothing was changed: try again
	UnknownOutcome Code = "unknown-outcome" // look whether it was done before trying again
)

// ProblemType is the content type of a Problem (RFC 9457).
const ProblemType = "application/problem+json"

// Problem is a refusal. It is the body of every answer that is not 2xx, and an error.
type Problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Code   Code   `json:"code" enum:"not-found,denied,conflict,invalid,unauthorized,unavailable,unknown-outcome"`
	Detail string `json:"detail" doc:"what happened"`
	Hint   string `json:"hint,omitempty" doc:"what to do next"`
}

// NewProblem returns a Problem.
func NewProblem(status int, code Code, detail, hint string) *Problem {
	return &Problem{Title: http.StatusText(status), Status: status, Code: code, Detail: detail, Hint: hint}
}

// NewUnavailable is the answer of a server that takes nothing now, and has changed nothing.
func NewUnavailable(msg, hint string) *Problem {
	return NewProblem(http.StatusServiceUnavailable, Unavailable, msg, hint)
}

// Write answers a request with a Problem.
func (p *Problem) Write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", ProblemType)
	if p.Status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "10") // seconds
	}
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p)
}

// Error implements error.
func (p *Problem) Error() string { return p.Detail }

// GetStatus and ContentType make a Problem an error of the library that serves the API.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is ProblemType, whatever was asked for.
func (p *Problem) ContentType(string) string { return ProblemType }

// readProblem reads a refusal. One that is none of ours, as a proxy sends them, is known by its status only.
func readProblem(res *http.Response) error {
	p := &Problem{}
	body, _ := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if err := json.Unmarshal(body, p); err != nil || p.Detail == "" {
		p = &Problem{Title: http.StatusText(res.StatusCode), Detail: res.Status}
	}
	p.Status = res.StatusCode
	return p
}
