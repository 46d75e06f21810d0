package v1

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"hpfriends/api"
	"hpfriends/web/ration"
	"hpfriends/web/scopes"
	"hpfriends/web/who"
)

// Register adds every operation to mux, and the document that describes them.
func (s *Service) Register(mux *http.ServeMux) { register(s, mux) }

// Document is the OpenAPI document.
func (s *Service) Document() ([]byte, error) {
	return json.Marshal(register(s, http.NewServeMux()).OpenAPI())
}

func register(s *Service, mux *http.ServeMux) huma.API {
	c := huma.DefaultConfig("hpfriends", s.Version)
	c.OpenAPIPath = "/api/openapi"
	c.DocsPath = "" // the generated page would load scripts from a third party
	c.SchemasPath = "/api/schemas"
	c.CreateHooks = nil // no "$schema" links in answers
	c.Transformers = []huma.Transformer{asProblem}
	// The second is for application/problem+json.
	format := huma.Format{Marshal: huma.DefaultJSONFormat.Marshal, Unmarshal: unmarshal}
	c.Formats = map[string]huma.Format{"application/json": format, "json": format}
	c.RejectUnknownQueryParameters = true // a mistyped filter must not select everything
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"token":    {Type: "http", Scheme: "bearer", Description: "an API token"},
		"password": {Type: "http", Scheme: "basic", Description: "handle and password, to add a token"},
	}
	c.Security = []map[string][]string{{"token": {}}}
	h := humago.New(mux, c)
	h.UseMiddleware(permit(s), refuseEmpty(h))
	s.registerUsers(h)
	s.registerGroups(h)
	s.registerAuthkeys(h)
	s.registerShares(h)
	registerTokens(s, h)
	registerAccount(s, h)
	registerSessions(s, h)
	registerInvitations(s, h)
	s.registerStatus(h)
	s.registerMessages(h)
	s.registerTimelines(h)
	s.registerCursors(h)
	s.registerSearch(h)
	s.registerAudit(h)
	s.registerCluster(h)
	registerRetention(s, h)
	registerReplays(s, h)
	registerBackup(s, h)
	registerDiagnostics(s, h)
	registerConnections(s, h)
	link(h.OpenAPI())
	constrain(h.OpenAPI())
	return h
}

// body is an output with a JSON body.
type body[T any] struct{ Body T }

// middleware is called around a handler.
type middleware = func(c huma.Context, next func(huma.Context))

// op registers an operation with its handler, whose errors become problems.
func op[I, O any](
	s *Service, h huma.API, o api.Op[I, O], handle func(context.Context, *I) (O, error), around ...middleware,
) {
	operation := describe[I](h, o.Route, o.Summary)
	operation.Middlewares = around
	if o.Route == api.AddToken.Route {
		operation.Security = append(operation.Security, map[string][]string{"password": {}})
	}
	if reflect.TypeFor[O]() == reflect.TypeFor[api.None]() {
		operation.DefaultStatus = http.StatusNoContent
		serve(s, h, operation, func(ctx context.Context, in *I) (*api.None, error) {
			_, err := handle(ctx, in)
			return nil, err
		})
		return
	}
	serve(s, h, operation, func(ctx context.Context, in *I) (*body[O], error) {
		out, err := handle(ctx, in)
		return &body[O]{out}, err
	})
}

// permit refuses who asks with a token that is not good for the operation, before what they send is read.
func permit(s *Service) middleware {
	return func(c huma.Context, next func(huma.Context)) {
		o := c.Operation()
		err := scopes.Permit(s.Query.Graph(), who.Actor(c.Context()), o.Method+" "+o.Path)
		if err == nil {
			next(c)
			return
		}
		_, w := humago.Unwrap(c)
		s.Refusal(s.refused(c.Context(), o.OperationID, err)).Write(w)
	}
}

// serve registers the handler of an operation, for what a limited token is for. Who asks takes a turn until they have
// the answer. Its errors become problems.
func serve[I, O any](s *Service, h huma.API, o huma.Operation, handle func(context.Context, *I) (*O, error)) {
	huma.Register(h, o, func(ctx context.Context, in *I) (*O, error) {
		if err := scopes.Within(s.Query.Graph(), who.Actor(ctx), o.Method+" "+o.Path, in); err != nil {
			return nil, s.refused(ctx, o.OperationID, err)
		}
		turns := s.turns.Questions
		if w, ok := any(in).(interface{ Waits() bool }); ok && w.Waits() {
			turns = s.turns.Waits
		}
		turn, end, err := turns.Take(ctx)
		if err != nil {
			return nil, s.refused(ctx, o.OperationID, err)
		}
		out, err := handle(turn, in)
		if file, ok := any(out).(*huma.StreamResponse); ok {
			asFile(s, file)
			end()
		} else {
			ration.Last(ctx, end)
		}
		return out, s.refused(ctx, o.OperationID, err)
	})
}

// asFile has an answer wait for a turn, that takes as long as its reader does.
func asFile(s *Service, f *huma.StreamResponse) *huma.StreamResponse {
	if f == nil {
		return nil
	}
	write := f.Body
	f.Body = func(c huma.Context) {
		_, end, err := s.turns.Files.Take(c.Context())
		if err != nil {
			return
		}
		defer end()
		ration.Stand(c.Context())
		write(c)
	}
	return f
}

// refused makes a problem of a handler's error, and logs one that shows somebody trying what they may not.
func (s *Service) refused(ctx context.Context, operation string, err error) error {
	if err == nil {
		return nil
	}
	p := s.Refusal(err)
	if p.Status == http.StatusForbidden {
		a := who.Actor(ctx)
		s.Logger.Info("denied", "user", a.User, "from", a.From, "operation", operation, "why", p.Detail)
	}
	return p
}
