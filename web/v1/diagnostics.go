package v1

import (
	"context"
	"io"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/web/who"
)

// Diagnostics write what a process is doing, by the names that api.DiagnosticsQuery takes.
type Diagnostics map[string]func(io.Writer) error

// registerDiagnostics registers what the operator sends with a report of a bug. It has no payloads and no secrets, but
// names and addresses of everybody.
func registerDiagnostics(s *Service, h huma.API) {
	operation := describe[api.DiagnosticsQuery](h, api.ReadDiagnostics.Route, api.ReadDiagnostics.Summary)
	const any = "application/octet-stream"
	operation.Responses["200"] = &huma.Response{
		Description: "Text, or a profile",
		Content:     map[string]*huma.MediaType{any: {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}},
	}
	huma.Register(h, operation, func(ctx context.Context, in *api.DiagnosticsQuery) (*huma.StreamResponse, error) {
		if !who.Actor(ctx).Operator {
			return nil, s.refused(ctx, operation.OperationID, &graph.Error{
				Code: graph.Denied, Msg: "only the operator may look into the process",
				Hint: "run `hpfriends debug bundle` on the server itself, where its data directory is",
			})
		}
		write := s.Diagnostics[in.What]
		if write == nil {
			return nil, s.refused(ctx, operation.OperationID, &graph.Error{
				Code: graph.NotFound, Msg: "this server has no " + in.What + " to show",
			})
		}
		return asFile(s, &huma.StreamResponse{Body: func(c huma.Context) {
			c.SetHeader("Content-Type", any)
			_, w := humago.Unwrap(c)
			out := &patientWriter{w: w, rc: http.NewResponseController(w), timeout: s.ChunkTimeout}
			if err := write(out); err != nil && c.Context().Err() == nil {
				s.Logger.Error("diagnostics failed", "what", in.What, "err", err)
			}
		}}), nil
	})
}
