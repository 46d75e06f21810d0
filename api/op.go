package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"time"
)

// Op is an operation: a client sends In and is answered with Out.
type Op[In, Out any] struct {
	Route   string // method and path below Base: "POST /shares/{id}/accept"
	Summary string // for the OpenAPI document
}

// None is an input or an answer without content.
type None struct{}

// With is an input that is nothing but its body.
type With[B any] struct{ Body B }

// Call sends in and returns the answer, for which it waits a minute.
func (o Op[In, Out]) Call(ctx context.Context, c *Client, in In) (Out, error) {
	return o.wait(ctx, c, in, prompt)
}

// Await is Call for an answer that may take any time.
func (o Op[In, Out]) Await(ctx context.Context, c *Client, in In) (Out, error) {
	return o.wait(ctx, c, in, patient)
}

func (o Op[In, Out]) wait(ctx context.Context, c *Client, in In, timeout time.Duration) (out Out, err error) {
	req, err := newRequest(o.Route, in)
	if err == nil {
		_, err = c.answer(ctx, req, &out, timeout)
	}
	return out, err
}

// Listing is an operation that answers with a list, in pages. In has the parameters of Page, or others of those names.
type Listing[In, T any] struct {
	Route, Summary string
}

// Page are the parameters of every list. The zero values ask for the first page.
type Page struct {
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"1000"`
	After uint64 `query:"after" maximum:"9007199254740991" doc:"from the Link header of the page before"`
}

// Each reads the list as far as the caller takes it, page by page. An error is the last that it yields.
func (l Listing[In, T]) Each(ctx context.Context, c *Client, in In) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		req, err := newRequest(l.Route, in)
		for err == nil {
			var part []T
			if req, err = c.page(ctx, req, &part); err != nil {
				break
			}
			for _, v := range part {
				if !yield(v, nil) {
					return
				}
			}
			if req == nil {
				return
			}
		}
		var zero T
		yield(zero, err)
	}
}

// All reads the list to its end.
func (l Listing[In, T]) All(ctx context.Context, c *Client, in In) ([]T, error) {
	all := []T{}
	for v, err := range l.Each(ctx, c, in) {
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

// Long is an operation that takes its time, and says on the way how far it is.
type Long[Out any] struct {
	Route, Summary string
}

// Watched is the input of a Long operation.
type Watched struct {
	Progress bool `query:"progress" doc:"answer lines of JSON: progress now and then, then the result"`
}

// Progress is a line on the way.
type Progress struct {
	What  string `json:"what,omitempty"` // is being read; empty where there is only one thing
	Done  uint64 `json:"done"`
	Total uint64 `json:"total"`
}

// Run waits for the result, and calls tell with each line on the way.
func (l Long[Out]) Run(ctx context.Context, c *Client, tell func(Progress)) (out Out, err error) {
	req, err := newRequest(l.Route, Watched{Progress: true})
	if err != nil {
		return out, err
	}
	res, err := c.send(ctx, req, patient)
	if err != nil {
		return out, err
	}
	defer res.Body.Close()
	for dec := json.NewDecoder(res.Body); ; {
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF // the result is missing
			}
			return out, failed(ctx, err)
		}
		var line struct {
			Problem
			Progress
			Total *uint64 `json:"total"`
		}
		if err := json.Unmarshal(raw, &line); err != nil {
			return out, err
		}
		switch {
		case line.Code != "":
			return out, &line.Problem
		case line.Total == nil:
			return out, json.Unmarshal(raw, &out)
		}
		line.Progress.Total = *line.Total
		tell(line.Progress)
	}
}
