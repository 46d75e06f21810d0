package replay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"hpfriends/graph"
	"hpfriends/internal/pace"
	"hpfriends/internal/timespec"
	"hpfriends/query"
	"hpfriends/query/view"
)

// Outlet publishes with one authkey. It belongs to one goroutine.
type Outlet interface {
	// Publish takes a message, or says why it may not be published.
	Publish(ctx context.Context, channel string, payload []byte) error
	// Committed is how many messages can no longer be lost.
	Committed() uint64
	// Flush waits until all that was taken is committed.
	Flush(ctx context.Context) error
}

// Config of Replays.
type Config struct {
	Query  *query.Query
	Open   func(authkey graph.AuthkeyID, from string) (Outlet, error) // nil: this node publishes nothing
	Node   string
	Logger *slog.Logger
}

// Order is what is replayed, and where to.
type Order struct {
	Filter   query.MessageFilter
	To       string // channel; empty: the one that each message came on
	Authkey  string // ident
	Speed    string
	Rate     int // messages per second, at most
	DryRun   bool
	Patterns []string // as they were asked for
}

// Limits. A replay competes with sensors for the log.
const (
	MaxRate    = 5000 // messages per second
	maxRunning = 4    // of one user
	maxAll     = 32   // on a node: at work, that is not asleep until the next message is due
	kept       = 10   // of a user's replays that are over
)

// Replays are the replays of a node.
type Replays struct {
	Config
	ctx    context.Context //nolint:containedctx // ends with Close
	cancel context.CancelFunc
	jobs   sync.WaitGroup

	places chan struct{} // of those that are at work

	mu   sync.Mutex
	last uint64
	all  []*job // in the order of their numbers
}

// New returns Replays without any.
func New(c Config) *Replays {
	ctx, cancel := context.WithCancel(context.Background())
	return &Replays{Config: c, ctx: ctx, cancel: cancel, places: make(chan struct{}, maxAll)}
}

// Close stops all replays and waits until they have ended.
func (r *Replays) Close() {
	r.cancel()
	r.jobs.Wait()
}

func refuse(code graph.Code, hint, format string, args ...any) error {
	return &graph.Error{Code: code, Msg: fmt.Sprintf(format, args...), Hint: hint}
}

// Start begins a replay for a user, with an authkey of theirs. What is refused at once is refused here: an authkey of
// somebody else, a channel that it may not publish on.
func (r *Replays) Start(actor graph.Actor, o Order) (view.Replay, error) {
	j, err := r.job(actor, o)
	if err != nil {
		return view.Replay{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	running := 0
	for _, other := range r.all {
		if other.actor.User == actor.User && !other.shown().Over() {
			running++
		}
	}
	if running >= maxRunning || r.ctx.Err() != nil || !r.enter() {
		return view.Replay{}, refuse(graph.Conflict, "wait until one has ended, or stop it", "too many replays are under way")
	}
	r.last++
	j.ID = r.last
	r.all = append(r.all, j)
	r.forget(actor.User)
	ctx, cancel := context.WithCancel(r.ctx)
	j.cancel = cancel
	r.jobs.Go(func() { r.run(ctx, j) })
	return j.shown(), nil
}

// forget, for holders of mu, drops the oldest replays of a user that are over.
func (r *Replays) forget(user graph.UserID) {
	over := 0
	for _, j := range slices.Backward(r.all) {
		if j.actor.User == user && j.shown().Over() {
			if over++; over > kept {
				j.dropped = true
			}
		}
	}
	r.all = slices.DeleteFunc(r.all, func(j *job) bool { return j.dropped })
}

// job checks an order.
func (r *Replays) job(actor graph.Actor, o Order) (*job, error) {
	if actor.User == 0 {
		return nil, refuse(graph.Invalid, "act for a user", "only a user can replay, with an authkey of theirs")
	}
	v := r.Query.Viewer(actor)
	key, err := query.ResolveAuthkey(v, o.Authkey)
	if err != nil {
		return nil, err
	}
	if key.Owner != actor.User {
		return nil, refuse(graph.Denied, "use one of your own", "authkey %s is of somebody else", key.Ident)
	}
	if o.To != "" {
		if err := v.Graph().MayPublish(key, o.To); err != nil {
			return nil, err
		}
	}
	speed, err := pace.Parse(cmp.Or(o.Speed, "max"))
	if err != nil {
		return nil, refuse(graph.Invalid, "", "speed: %v", err)
	}
	if o.Rate < 0 || o.Rate > MaxRate {
		return nil, refuse(graph.Invalid, "", "the rate is %d, want 1 to %d messages per second", o.Rate, MaxRate)
	}
	if r.Open == nil {
		return nil, refuse(graph.Conflict, "ask another node", "this node publishes nothing")
	}
	o.Filter.Newest = false
	if o.Filter.Until == (query.Position{}) { // what is published meanwhile is not replayed, least of all what is replayed
		if o.Filter.Until, err = r.Query.ParsePosition("now", time.Time{}); err != nil {
			return nil, err
		}
	}
	u, _ := v.Graph().User(actor.User)
	j := &job{actor: actor, order: o, authkey: key.ID, pace: pace.Pace{Speed: speed}}
	j.Replay = view.Replay{
		Node: r.Node, User: u.Handle, State: view.ReplayCounting, Channels: o.Patterns,
		Text: string(o.Filter.Contains), To: o.To, Authkey: key.Ident, DryRun: o.DryRun, Speed: cmp.Or(o.Speed, "max"),
	}
	j.Started = time.Now().UTC()
	return j, nil
}

// List are the replays of the viewer, or of all for those who see everything, the newest first.
func (r *Replays) List(viewer graph.Actor) []view.Replay {
	r.mu.Lock()
	defer r.mu.Unlock()
	v, all := r.Query.Viewer(viewer), []view.Replay{}
	for _, j := range slices.Backward(r.all) {
		if v.CanSeeAnything() && (v.CanSeeAll() || j.actor.User == viewer.User) {
			all = append(all, j.shown())
		}
	}
	return all
}

// Find is one of List.
func (r *Replays) Find(viewer graph.Actor, id uint64) (view.Replay, error) {
	for _, one := range r.List(viewer) {
		if one.ID == id {
			return one, nil
		}
	}
	return view.Replay{}, refuse(graph.NotFound, "a replay is known on its own node, until that is started again",
		"there is no replay %d", id)
}

// Stop ends a replay. Who began it may, and admins.
func (r *Replays) Stop(by graph.Actor, id uint64) error {
	if _, err := r.Find(by, id); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	u, _ := r.Query.Graph().User(by.User)
	for _, j := range r.all {
		if j.ID != id {
			continue
		}
		if j.actor.User != by.User && !by.Operator && (u == nil || u.Role != graph.Admin) {
			return refuse(graph.Denied, "", "only %s and admins may stop this", j.User)
		}
		j.cancel()
	}
	return nil
}

// job is one replay.
type job struct {
	actor   graph.Actor
	order   Order
	authkey graph.AuthkeyID
	pace    pace.Pace // of the job's goroutine
	cancel  context.CancelFunc
	dropped bool // by holders of Replays.mu

	mu sync.Mutex
	view.Replay
}

func (j *job) shown() view.Replay {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.Replay
}

// set changes what is shown.
func (j *job) set(change func(*view.Replay)) {
	j.mu.Lock()
	defer j.mu.Unlock()
	change(&j.Replay)
}

// enter takes a place, if there is one.
func (r *Replays) enter() bool {
	select {
	case r.places <- struct{}{}:
		return true
	default:
		return false
	}
}

// sleep lets others have the place meanwhile: a replay at a slow pace may wait for days between two messages.
func (r *Replays) sleep(ctx context.Context, d time.Duration) error {
	<-r.places
	err := timespec.Sleep(ctx, d)
	r.places <- struct{}{} // each that sleeps comes back, and each that is at work ends or sleeps
	return err
}

// run is the life of a replay. It has a place, and gives it back.
func (r *Replays) run(ctx context.Context, j *job) {
	defer func() { <-r.places }()
	err := r.count(ctx, j)
	if err == nil && !j.order.DryRun {
		j.set(func(v *view.Replay) { v.State = view.ReplayRunning })
		err = r.publish(ctx, j)
	}
	now := time.Now().UTC()
	j.set(func(v *view.Replay) {
		v.Ended = &now
		var refusal *graph.Error
		switch {
		case err == nil:
			v.State = view.ReplayDone
		case ctx.Err() != nil:
			v.State = view.ReplayStopped
		case errors.As(err, &refusal):
			v.State, v.Error = view.ReplayFailed, refusal.Error()
		default:
			v.State, v.Error = view.ReplayFailed, "the server could not go on; its log says why"
			r.Logger.Error("a replay failed", "replay", v.ID, "user", v.User, "err", err)
		}
	})
	j.cancel()
}
