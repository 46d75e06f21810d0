package web

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/web/who"
)

const base = "/api/v1"

// register adds every operation, and the document that describes them.
func (s *Server) register(mux *http.ServeMux) {
	c := huma.DefaultConfig("hpfriends", s.Version)
	c.OpenAPIPath = "/api/openapi"
	c.DocsPath = "" // the generated page would load scripts from a third party
	c.SchemasPath = "/api/schemas"
	c.CreateHooks = nil // no "$schema" links in answers
	c.Transformers = []huma.Transformer{asProblem}
	c.RejectUnknownQueryParameters = true // a mistyped filter must not select everything
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"token":    {Type: "http", Scheme: "bearer", Description: "an API token"},
		"password": {Type: "http", Scheme: "basic", Description: "handle and password, to add a token"},
	}
	c.Security = []map[string][]string{{"token": {}}}
	h := humago.New(mux, c)
	s.registerUsers(h)
	s.registerGroups(h)
	s.registerAuthkeys(h)
	s.registerShares(h)
	s.registerTokens(h)
	s.registerReads(h)
	s.registerMessages(h)
	s.registerCursors(h)
	s.registerSearch(h)
	s.registerAudit(h)
	s.registerChecks(h)
	s.registerCluster(h)
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
func op[I, O any](s *Server, h huma.API, route, summary string, handle func(context.Context, *I) (*O, error)) {
	method, path, _ := strings.Cut(route, " ")
	id := strings.ToLower(method) + strings.NewReplacer("/", "-", "{", "", "}", "").Replace(path)
	tag, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	status := http.StatusOK
	if reflect.TypeFor[O]() == reflect.TypeFor[none]() {
		status = http.StatusNoContent
	}
	schema := h.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[api.Problem](), true, "Problem")
	o := huma.Operation{
		OperationID: id, Method: method, Path: base + path, Summary: summary, Tags: []string{tag}, DefaultStatus: status, MaxBodyBytes: maxBody,
		Responses: map[string]*huma.Response{"default": {
			Description: "Error", Content: map[string]*huma.MediaType{api.ProblemType: {Schema: schema}},
		}},
	}
	if route == "POST /tokens" {
		o.Security = []map[string][]string{{"token": {}}, {"password": {}}}
	}
	huma.Register(h, o, func(ctx context.Context, in *I) (*O, error) {
		out, err := handle(ctx, in)
		if err != nil {
			p := s.refusal(err)
			if p.Status == http.StatusForbidden {
				a := who.Actor(ctx)
				s.Logger.Info("denied", "user", a.User, "from", a.From, "operation", id, "why", p.Detail)
			}
			return nil, p
		}
		return out, nil
	})
}

// change proposes for the asker.
func (s *Server) change(ctx context.Context, o graph.Op) (*body[created], error) {
	ctx, cancel := context.WithTimeout(ctx, changeTimeout)
	defer cancel()
	out, err := s.Changer.Change(ctx, graph.Command{By: who.Actor(ctx), Op: o})
	if err != nil {
		return nil, err
	}
	return &body[created]{created{out.Object, out.Index}}, nil
}

// changed proposes where there is nothing to answer.
func (s *Server) changed(ctx context.Context, o graph.Op) (*none, error) {
	if _, err := s.change(ctx, o); err != nil {
		return nil, err
	}
	return &none{}, nil
}

// PageQuery are the parameters of every list. What is embedded must be exported for the library to set it.
type PageQuery struct {
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"1000"`
	After string `query:"after" doc:"from the Link header of the page before"`
	path  string
	query url.Values
}

// Resolve keeps the request's address, for the link to the next page. The library calls it.
func (p *PageQuery) Resolve(ctx huma.Context) []error {
	u := ctx.URL()
	p.path, p.query = u.Path, u.Query()
	return nil
}

// array is a page of a list.
type array[T any] struct {
	Link string `header:"Link" doc:"the next page, if there is one: <address>; rel=\"next\""`
	Body []T
}

// page cuts a page out of a list that is ordered by number.
func page[T any](p *PageQuery, all []T, number func(T) uint64) (*array[T], error) {
	if p.After != "" {
		after, err := strconv.ParseUint(p.After, 10, 64)
		if err != nil {
			return nil, &graph.Error{Code: graph.Invalid, Msg: "after: " + strconv.Quote(graph.Clip(p.After)) + " is not from a Link header"}
		}
		first, _ := slices.BinarySearchFunc(all, after+1, func(v T, n uint64) int { return cmp.Compare(number(v), n) })
		all = all[first:]
	}
	if len(all) <= p.Limit {
		return &array[T]{Body: all}, nil
	}
	all = all[:p.Limit]
	return &array[T]{Link: p.next(strconv.FormatUint(number(all[len(all)-1]), 10)), Body: all}, nil
}

// next is the Link header to the page after an element.
func (p *PageQuery) next(after string) string {
	q := p.query
	q.Set("after", after)
	q.Set("limit", strconv.Itoa(p.Limit))
	return "<" + p.path + "?" + q.Encode() + `>; rel="next"`
}

// user resolves a handle; empty means the asker.
func (s *Server) user(ctx context.Context, handle string) (graph.UserID, error) {
	if handle == "" {
		return who.Actor(ctx).User, nil
	}
	u, err := s.Query.User(who.Actor(ctx), handle)
	return u.ID, err
}
