package web

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"hpfriends/graph"
)

const base = "/api/v1"

// register adds every operation.
func (s *Server) register(api huma.API, who authenticator) {
	api.UseMiddleware(func(ctx huma.Context, next func(huma.Context)) {
		a, err := who(ctx)
		if err == nil {
			next(huma.WithValue(ctx, actorKey{}, a))
			return
		}
		var p *problem
		if !errors.As(s.refusal(err), &p) {
			p = newProblem(http.StatusUnauthorized, "unauthorized", err.Error(), "")
		}
		if p.Status == http.StatusUnauthorized {
			ctx.SetHeader("WWW-Authenticate", `Basic realm="hpfriends", Bearer`)
		}
		_ = huma.WriteErr(api, ctx, p.Status, p.Detail, errors.New(p.Hint))
	})
	s.registerUsers(api)
	s.registerGroups(api)
	s.registerAuthkeys(api)
	s.registerShares(api)
	s.registerTokens(api)
	s.registerReads(api)
}

// none is an operation without input or output.
type none struct{}

// body is an output with a JSON body.
type body[T any] struct{ Body T }

// created is what was added.
type created struct {
	ID    uint64 `json:"id"`
	Index uint64 `json:"index" doc:"position of the change in the log"`
}

// op registers an operation: "METHOD /path", what it does, and its handler, whose errors become problems.
func op[I, O any](s *Server, api huma.API, route, summary string, handle func(context.Context, *I) (*O, error)) {
	method, path, _ := strings.Cut(route, " ")
	id := strings.ToLower(method) + strings.NewReplacer("/", "-", "{", "", "}", "").Replace(path)
	tag, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	status := http.StatusOK
	if method == http.MethodDelete {
		status = http.StatusNoContent
	}
	huma.Register(api, huma.Operation{
		OperationID: id, Method: method, Path: base + path, Summary: summary, Tags: []string{tag}, DefaultStatus: status,
		MaxBodyBytes: maxBody, Errors: []int{401, 403, 404, 409, 422, 503},
	}, func(ctx context.Context, in *I) (*O, error) {
		out, err := handle(ctx, in)
		if err != nil {
			return nil, s.refusal(err)
		}
		return out, nil
	})
}

// change proposes for the asker.
func (s *Server) change(ctx context.Context, o graph.Op) (*body[created], error) {
	out, err := s.Changer.Change(ctx, graph.Command{By: actor(ctx), Op: o})
	if err != nil {
		return nil, err
	}
	return &body[created]{created{out.Object, out.Index}}, nil
}

// changed proposes where there is nothing to answer.
func (s *Server) changed(ctx context.Context, o graph.Op) (*none, error) {
	_, err := s.change(ctx, o)
	return &none{}, err
}

// user resolves a handle; empty means the asker.
func (s *Server) user(ctx context.Context, handle string) (graph.UserID, error) {
	if handle == "" {
		return actor(ctx).User, nil
	}
	u, err := s.Query.User(actor(ctx), handle)
	return u.ID, err
}
