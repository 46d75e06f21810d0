package broker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
)

// Calls answers what other nodes ask this one: about presence, and about its connections. It is there before the node
// is.
type Calls struct {
	Presence    *Presence
	connections atomic.Pointer[Connections] // nil: the node is starting
}

// NewCalls returns Calls of a node that is starting.
func NewCalls() *Calls { return &Calls{Presence: NewPresence()} }

// aboutConnections begins a call about connections. Those about presence are JSON objects.
const aboutConnections = 'c'

// errStarting is an answer that is none.
var errStarting = errors.New("this node is starting")

// Receive answers a call. It is the node's handler of calls.
func (c *Calls) Receive(ctx context.Context, from string, req []byte) ([]byte, error) {
	if len(req) == 0 || req[0] != aboutConnections {
		return c.Presence.Receive(ctx, from, req)
	}
	here := c.connections.Load()
	if here == nil {
		return nil, errStarting
	}
	var call connectionsCall
	if err := json.Unmarshal(req[1:], &call); err != nil {
		return nil, fmt.Errorf("connections: %w", err)
	}
	return json.Marshal(here.answer(call))
}
