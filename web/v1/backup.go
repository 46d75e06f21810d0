package v1

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/web/who"
)

// Backup opens a backup of one moment, and returns what writes it and then ends it. An error is a *graph.Error, or an
// error of this node.
type Backup func(in api.BackupQuery) (write func(context.Context, Sending) error, err error)

// Sending is an answer that is a file.
type Sending interface {
	io.Writer
	// Flush sends what was written on its way; an error: it did not go.
	Flush() error
}

const backupType = "application/vnd.hpfriends.backup"

// registerBackup registers the answer that is a whole backup: it has what everybody published, and is for the
// operator, who can read that anyhow.
func registerBackup(s *Service, h huma.API) {
	operation := describe[api.BackupQuery](h, api.MakeBackup.Route, api.MakeBackup.Summary)
	operation.Responses["200"] = &huma.Response{
		Description: "The file. One that is cut off, or whose writer failed, has no end, and is refused when it is read",
		Content: map[string]*huma.MediaType{
			backupType: {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
		},
	}
	huma.Register(h, operation, func(ctx context.Context, in *api.BackupQuery) (*huma.StreamResponse, error) {
		actor := who.Actor(ctx)
		if !actor.Operator { // an admin reads no payloads that are not shared with them
			return nil, s.refused(ctx, operation.OperationID, &graph.Error{
				Code: graph.Denied, Msg: "only the operator may make a backup: it has what everybody published",
				Hint: "run `hpfriends backup create` on the server itself, where its data directory is",
			})
		}
		if s.Backup == nil {
			return nil, s.refused(ctx, operation.OperationID, &graph.Error{
				Code: graph.NotFound, Msg: "this server has no log to back up",
			})
		}
		write, err := s.Backup(*in)
		if err != nil {
			return nil, s.refused(ctx, operation.OperationID, err)
		}
		s.Logger.Info("a backup is made", "user", actor.User, "from", actor.From, "after", in.After)
		return asFile(s, &huma.StreamResponse{Body: func(c huma.Context) {
			c.SetHeader("Content-Type", backupType)
			_, w := humago.Unwrap(c)
			out := &patientWriter{w: w, rc: http.NewResponseController(w), timeout: s.ChunkTimeout}
			if err := write(c.Context(), out); err != nil && c.Context().Err() == nil {
				s.Logger.Error("a backup failed", "err", err)
			}
		}}), nil
	})
}

// patientWriter gives each piece a deadline of its own.
type patientWriter struct {
	w       io.Writer
	rc      *http.ResponseController
	timeout time.Duration
}

func (p *patientWriter) Write(b []byte) (n int, err error) {
	const piece = 1 << 20
	for n < len(b) && err == nil {
		_ = p.rc.SetWriteDeadline(time.Now().Add(p.timeout))
		var m int
		m, err = p.w.Write(b[n:min(n+piece, len(b))])
		n += m
	}
	return n, err
}

// Flush implements Sending.
func (p *patientWriter) Flush() error {
	_ = p.rc.SetWriteDeadline(time.Now().Add(p.timeout))
	return p.rc.Flush()
}
