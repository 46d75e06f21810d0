package v1

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/internal/passwords"
	"hpfriends/internal/secret"
	"hpfriends/query"
	"hpfriends/query/view"
	"hpfriends/web/ration"
	"hpfriends/web/replay"
	"hpfriends/web/who"
)

// Changer takes changes of the graph.
type Changer interface {
	// Change answers once this node has applied the command. A refusal is a *graph.Error. An error with a method
	// Temporary that returns true means that nothing was changed; after any other it may have been.
	Change(ctx context.Context, c graph.Command) (graph.Outcome, error)
	// Now is the time by which things begin and end.
	Now() time.Time
	// Retention says how long messages are kept.
	Retention() view.Retention
}

// Cursors moves and removes the cursors of durable subscriptions. Errors are as Changer's.
type Cursors interface {
	Reset(ctx context.Context, by graph.Actor, authkey uint64, name string, to query.Position) error
	Remove(ctx context.Context, by graph.Actor, authkey uint64, name string) error
}

// Certificates are those of a node.
type Certificates interface {
	Status() []view.Certificate
	// Warnings says what an operator should do about them.
	Warnings(now time.Time) []string
}

// Health is what a node says of itself.
type Health struct {
	Ready        func(context.Context) error
	Scrub        func() view.ScrubStatus // nil: there is none
	Certificates Certificates            // by which it speaks TLS; nil: none
}

// Local is what a node has besides its graph; nil: it does not.
type Local struct {
	Backup      Backup
	Compact     func(context.Context, func(api.Progress)) (view.Compaction, error)
	Connections Connections
	Diagnostics Diagnostics
	Traffic     func() view.Traffic
	LastBackup  func() *view.LastBackup
}

// Config of a Service.
type Config struct {
	Changer Changer
	Cursors Cursors
	Cluster Cluster // nil: the API has no part about it
	Query   *query.Query
	Replays *replay.Replays
	Key     *secret.DataKey
	Hasher  *passwords.Hasher
	// MaySet decides a change that sets a password of a user, before it is hashed; nil: the change decides.
	MaySet func(c graph.Command, handle string) error
	// Prove checks the present password of who changes their own; nil: nobody does.
	Prove   func(ctx context.Context, a graph.Actor, present secret.Secret) error
	Version string
	Logger  *slog.Logger
	Health
	Local
	// ChunkTimeout is how long a reader of a stream may take for one chunk. There is no limit for the whole. 0: 30 s.
	ChunkTimeout time.Duration
}

// Service is the operations of the API on one node.
type Service struct {
	Config
	turns *ration.Rations
}

// New returns a Service whose users take turns.
func New(c Config, turns *ration.Rations) *Service {
	c.ChunkTimeout = cmp.Or(c.ChunkTimeout, chunkTimeout)
	return &Service{c, turns}
}

const (
	// MaxBody is the largest body of a request, in bytes.
	MaxBody = 1 << 20
	// changeTimeout bounds how long a change may take.
	changeTimeout = 10 * time.Second
)

// change proposes a change for the asker.
func (s *Service) change(ctx context.Context, o graph.Op) (api.Created, error) {
	ctx, cancel := context.WithTimeout(ctx, changeTimeout)
	defer cancel()
	out, err := s.Changer.Change(ctx, graph.Command{By: who.Actor(ctx), Op: o})
	return api.Created{ID: out.Object, Index: out.Index}, err
}

// changed proposes a change that has no answer.
func (s *Service) changed(ctx context.Context, o graph.Op) (api.None, error) {
	_, err := s.change(ctx, o)
	return api.None{}, err
}

// viewer returns what the asker may see of the newest graph.
func (s *Service) viewer(ctx context.Context) graph.Viewer { return s.Query.Viewer(who.Actor(ctx)) }

// user resolves a handle; empty means the asker.
func (s *Service) user(ctx context.Context, handle string) (graph.UserID, error) {
	if handle == "" {
		return who.Actor(ctx).User, nil
	}
	u, err := query.ResolveUser(s.viewer(ctx), handle)
	if err != nil {
		return 0, err
	}
	return u.ID, nil
}

// owner resolves for whom something is added: 0, which is the asker, or a user by name.
func owner(ctx context.Context, s *Service, handle string) (graph.UserID, error) {
	if handle == "" {
		return 0, nil
	}
	return s.user(ctx, handle)
}
