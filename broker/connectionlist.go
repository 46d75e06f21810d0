package broker

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"time"

	"hpfriends/graph"
	"hpfriends/query/view"
)

// ConnectionFilter selects connections; what is 0 selects all.
type ConnectionFilter struct {
	User    graph.UserID    `json:"user,omitempty"`
	Authkey graph.AuthkeyID `json:"authkey,omitempty"`
	Limit   int             `json:"limit,omitempty"` // of a node
}

// connectionsCall asks a node for its connections, or to close one.
type connectionsCall struct {
	ConnectionFilter
	Close uint64 `json:"close,omitempty"` // the number of one
}

// connectionsAnswer is what it says.
type connectionsAnswer struct {
	Connections []view.Connection `json:"connections,omitempty"`
	Total       int               `json:"total,omitempty"`
	Closed      bool              `json:"closed,omitempty"`
}

const (
	connectionsWait = 2 * time.Second // for the answer of a node
	// shownSubscriptions is how many of a connection are told.
	shownSubscriptions = 8
)

// errClosed is why a connection is closed that somebody wanted closed.
//
//lint:ignore ST1005 it is the text of an ERROR frame, in the style of the others
var errClosed = errors.New("Connection was closed by its owner or an admin.")

// answer is for this node and others, which have decided who may ask.
func (s *Connections) answer(call connectionsCall) (out connectionsAnswer) {
	found := s.selected(call.ConnectionFilter)
	if call.Close != 0 {
		i := slices.IndexFunc(found, func(c seated) bool { return c.session.Number == call.Close })
		if out.Closed = i >= 0; out.Closed {
			found[i].session.Close(errClosed)
		}
		return out
	}
	slices.SortFunc(found, func(a, b seated) int { return cmp.Compare(b.session.Number, a.session.Number) })
	out.Total = len(found)
	for _, c := range found[:min(len(found), call.Limit)] {
		out.Connections = append(out.Connections, c.view(s.node.ID()))
	}
	return out
}

// seated is a connection, and since when it is open.
type seated struct {
	*conn
	since time.Time
}

func (s *Connections) selected(f ConnectionFilter) (found []seated) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c, at := range s.open {
		if (f.User == 0 || c.user == f.User) && (f.Authkey == 0 || c.authkey == f.Authkey) {
			found = append(found, seated{c, at})
		}
	}
	return found
}

func (c seated) view(node string) view.Connection {
	v := view.Connection{
		Node: node, Number: c.session.Number, User: c.broker.handle(c.user), Authkey: c.ident,
		Remote: c.session.Remote().String(), Since: c.since, BytesReceived: c.session.BytesIn(),
		BytesSent: c.session.BytesOut(), Published: c.published.Load(), Received: c.received(), Subscriptions: []string{},
	}
	for _, sub := range c.all() {
		v.Subscriptions = append(v.Subscriptions, sub.Text)
	}
	slices.Sort(v.Subscriptions)
	if v.More = len(v.Subscriptions) - shownSubscriptions; v.More <= 0 {
		v.More = 0
		return v
	}
	v.Subscriptions = v.Subscriptions[:shownSubscriptions]
	return v
}

// ListConnections asks all nodes. It implements v1.Connections.
func (b *Broker) ListConnections(
	ctx context.Context, user graph.UserID, authkey graph.AuthkeyID, limit int,
) (view.Connections, error) {
	call := connectionsCall{ConnectionFilter: ConnectionFilter{user, authkey, limit}}
	ids := append(b.Node.Members().Peers(), b.Node.ID())
	slices.Sort(ids)
	answers, errs := make([]connectionsAnswer, len(ids)), make([]error, len(ids))
	var asked sync.WaitGroup
	for i, id := range ids {
		asked.Go(func() { answers[i], errs[i] = b.askConnections(ctx, id, call) })
	}
	asked.Wait()
	out := view.Connections{Connections: []view.Connection{}, Silent: []string{}}
	for i, a := range answers {
		if errs[i] != nil {
			out.Silent = append(out.Silent, ids[i])
		}
		out.Total += a.Total
		out.Connections = append(out.Connections, a.Connections...)
	}
	out.Connections = out.Connections[:min(len(out.Connections), limit)]
	return out, ctx.Err()
}

// CloseConnection closes one, if it is of user (0: of anybody). It implements v1.Connections.
func (b *Broker) CloseConnection(ctx context.Context, node string, number uint64, user graph.UserID) error {
	missing := &graph.Error{
		Code: graph.NotFound, Msg: "there is no such connection of yours, or no more", Hint: "list them again",
	}
	if node != b.Node.ID() && !slices.Contains(b.Node.Members().Peers(), node) || number == 0 {
		return missing
	}
	a, err := b.askConnections(ctx, node, connectionsCall{ConnectionFilter: ConnectionFilter{User: user}, Close: number})
	if err == nil && !a.Closed {
		return missing
	}
	return err
}

func (b *Broker) askConnections(ctx context.Context, id string, call connectionsCall) (a connectionsAnswer, err error) {
	if id == b.Node.ID() {
		return b.Connections.answer(call), nil
	}
	ctx, cancel := context.WithTimeout(ctx, connectionsWait)
	defer cancel()
	req, err := json.Marshal(call)
	if err != nil {
		return a, err
	}
	body, err := b.Node.Members().Ask(ctx, id, append([]byte{aboutConnections}, req...))
	if err == nil {
		err = json.Unmarshal(body, &a)
	}
	return a, err
}
